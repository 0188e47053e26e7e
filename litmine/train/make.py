"""From a recipe to a model folder: corpora, training, scores on the dev splits, card."""

import json
from collections.abc import Callable
from pathlib import Path

from litmine.errors import CorpusError, SettingError
from litmine.models.folder import load_folder
from litmine.train.card import write_card
from litmine.train.corpora import Corpus, corpus_files, read_corpus
from litmine.train.evaluate import evaluate
from litmine.train.loop import Trained, train
from litmine.train.metrics import Scores
from litmine.train.recipe import Recipe

SCORES_FILE = "scores.json"


def make_model(recipe: Recipe, folder: Path, say: Callable[[str], None]) -> dict[str, Scores]:
    """Train, judge each corpus' own heads on its dev split, and write the card; returns the scores by corpus.

    Raises CorpusError for a corpus that cannot be read, SettingError for corpora that do not go together, ModelError
    for a base that cannot be started from.
    """
    corpora, dev = _read(recipe, "train"), _read(recipe, "dev")
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the corpora {', '.join(names)} need names of their own; give --corpus NAME=PATH")
    if unknown := set(recipe.apart).difference(names):
        raise SettingError(f"--apart {', '.join(sorted(unknown))} is none of the corpora {', '.join(names)}")
    for corpus in dev:
        learnt = corpora[names.index(corpus.name)].entity_types
        if unlearnt := set(corpus.entity_types).difference(learnt):
            raise CorpusError(
                f"{corpus.path} annotates {', '.join(sorted(unlearnt))} and its train split does not;"
                " rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
            )
    for corpus in corpora:
        say(f"{corpus.name}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        if corpus.misplaced:
            lines = ", ".join(map(str, corpus.misplaced[:5])) + (", ..." if len(corpus.misplaced) > 5 else "")
            say(f"{corpus.path}: {len(corpus.misplaced)} mentions off their offsets are left out (lines {lines})")
    trained = train(recipe, corpora, folder, say)
    scores = {corpus.name: _judge(recipe, folder, trained, corpus, say) for corpus in dev}
    (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    write_card(folder, recipe, corpora, trained, scores)
    return scores


def _read(recipe: Recipe, split: str) -> list[Corpus]:
    files = [corpus_files(reference, split) for reference in recipe.corpora]
    return [read_corpus(path, name, dict(recipe.renamed)) for name, path in files if path is not None]


def _judge(recipe: Recipe, folder: Path, trained: Trained, dev: Corpus, say: Callable[[str], None]) -> Scores:
    """The scores of the saved model on a corpus' dev split, by the heads that learnt from that corpus."""
    own = [head.name for head in trained.heads if dev.name in head.corpora]
    scores = evaluate(load_folder(folder, recipe.name, precision="float32", heads=own), dev)
    say(f"{dev.name} dev: " + ", ".join(f"{kind} F1 {figures['f1']:.1f}" for kind, figures in scores.items()))
    return scores
