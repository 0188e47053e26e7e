"""From a recipe to a model folder: corpora, training, scores on the dev splits, card."""

import json
from collections.abc import Callable
from pathlib import Path

from litmine.errors import CorpusError, ModelError, SettingError
from litmine.models.folder import load_folder
from litmine.models.weights import WEIGHTS_FILE
from litmine.train.card import write_card
from litmine.train.checkpoint import drop_checkpoint, writing
from litmine.train.corpora import Corpus, open_corpus
from litmine.train.evaluate import predict
from litmine.train.leaks import separate
from litmine.train.loop import Run, Trained
from litmine.train.metrics import Scores
from litmine.train.recipe import Recipe
from litmine.train.report import Report, make_report
from litmine.train.stages import drop_stages, train_in_stages

SCORES_FILE = "scores.json"


def make_model(recipe: Recipe, folder: Path, say: Callable[[str], None], run: Run | None = None) -> dict[str, Scores]:
    """Train, judge each corpus' own heads on its dev split, and write the card; returns the scores by corpus.

    `run` has the trainings done; without it this process does them, one after another.
    Raises CorpusError for a corpus that cannot be read, SettingError for corpora that do not go together, ModelError
    for a base that cannot be started from, and for a training that ends in no number.
    """
    if recipe.unlabelled and not Path(recipe.unlabelled).is_file():
        raise SettingError(
            f"the recipe reads {recipe.unlabelled}, which is not here; name a JSONL of abstracts with --unlabelled"
        )
    corpora, dev = _read(recipe, "train"), _read(recipe, "dev")
    _check(recipe, corpora, dev)
    for corpus in corpora:
        say(f"{corpus.name}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        if corpus.misplaced:
            lines = ", ".join(map(str, corpus.misplaced[:5])) + (", ..." if len(corpus.misplaced) > 5 else "")
            say(f"{corpus.path}: {len(corpus.misplaced)} mentions off their offsets are left out (lines {lines})")
    corpora = separate(corpora, dev, recipe.apart, recipe.strict_leaks, say)
    trained = train_in_stages(recipe, corpora, dev, folder, say, run or (lambda jobs: [job(say) for job in jobs]))
    _read_once(recipe, folder, corpora[0].passages[0].text)
    reports = [_judge(recipe, folder, trained, corpus, say) for corpus in dev]
    scores = {report.ours.corpus.name: report.scores for report in reports}
    with writing(folder):
        (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        write_card(folder, recipe, corpora, trained, reports)
    drop_checkpoint(folder)
    drop_stages(folder)
    return scores


def _read(recipe: Recipe, split: str) -> list[Corpus]:
    opened = (open_corpus(reference, split, dict(recipe.renamed), recipe.tags) for reference in recipe.corpora)
    return [corpus for corpus in opened if corpus is not None]


def _check(recipe: Recipe, corpora: list[Corpus], dev: list[Corpus]) -> None:
    """SettingError or CorpusError when the corpora, the recipe and the dev splits do not go together."""
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the corpora {', '.join(names)} need names of their own; give --corpus NAME=PATH")
    if unknown := set(recipe.apart).difference(names):
        raise SettingError(f"--apart {', '.join(sorted(unknown))} is none of the corpora {', '.join(names)}")
    if unread := {name for name, _ in recipe.often}.difference(names):
        raise SettingError(f"--often {', '.join(sorted(unread))} is none of the corpora {', '.join(names)}")
    present = {f"{prefix}{kind}" for one in corpora for kind in one.file_types for prefix in ("", f"{one.name}:")}
    if absent := {theirs for theirs, _ in recipe.renamed} - present:
        raise SettingError(
            f"--map renames {', '.join(sorted(absent))}, which no corpus annotates; they annotate"
            f" {', '.join(sorted({kind for one in corpora for kind in one.file_types}))}"
        )
    for corpus in dev:
        learnt = corpora[names.index(corpus.name)].entity_types
        if unlearnt := set(corpus.entity_types).difference(learnt):
            raise CorpusError(
                f"{corpus.path} annotates {', '.join(sorted(unlearnt))} and its train split does not;"
                " rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
            )


def _read_once(recipe: Recipe, folder: Path, text: str) -> None:
    """ModelError when the saved model gives no number: what its last step did to the weights, no loss has told."""
    try:
        load_folder(folder, recipe.name, precision="float32").annotate([text])
    except ModelError as error:
        (folder / WEIGHTS_FILE).unlink()
        raise ModelError(
            f"the model that was trained cannot be used ({error}); try a learning rate below {recipe.learning_rate:g}"
        ) from error


def _judge(recipe: Recipe, folder: Path, trained: Trained, dev: Corpus, say: Callable[[str], None]) -> Report:
    """What the saved model does on a corpus' dev split, by the heads that learnt from that corpus."""
    own = [head.name for head in trained.heads if dev.name in head.corpora]
    report = make_report(predict(load_folder(folder, recipe.name, precision="float32", heads=own), dev))
    say(f"{dev.name} dev: " + ", ".join(f"{kind} F1 {figures['f1']:.1f}" for kind, figures in report.scores.items()))
    return report
