"""From a recipe to a model folder: corpora, training, scores on the dev splits, card."""

import json
from collections.abc import Callable
from pathlib import Path

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

    Raises CorpusError for a corpus that cannot be read, ModelError for a base that cannot be started from.
    """
    renamed = dict(recipe.renamed)
    files = [corpus_files(reference, "train") for reference in recipe.corpora]
    corpora = [read_corpus(path, name, renamed) for name, path in files if path is not None]
    for corpus in corpora:
        say(f"{corpus.name}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
    trained = train(recipe, corpora, folder, say)
    scores = judge_dev(recipe, folder, trained, say)
    (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    write_card(folder, recipe, corpora, trained, scores)
    return scores


def judge_dev(recipe: Recipe, folder: Path, trained: Trained, say: Callable[[str], None]) -> dict[str, Scores]:
    """The scores of the saved model on each corpus' dev split, by the heads that learnt from that corpus."""
    scores = {}
    for reference in recipe.corpora:
        name, path = corpus_files(reference, "dev")
        if path is None:
            continue
        own = [head.name for head in trained.heads if name in head.corpora]
        corpus: Corpus = read_corpus(path, name, dict(recipe.renamed))
        scores[name] = evaluate(load_folder(folder, recipe.name, precision="float32", heads=own), corpus)
        say(f"{name} dev: " + ", ".join(f"{kind} F1 {figures['f1']:.1f}" for kind, figures in scores[name].items()))
    return scores
