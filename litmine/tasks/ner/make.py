"""From a recipe to a model folder: corpora, training, scores on the dev splits, card."""

import json
from collections.abc import Callable
from pathlib import Path

from litmine.corpora.corpus import Corpus
from litmine.specs import TrainingContext
from litmine.tasks.ner.card import write_card
from litmine.tasks.ner.evaluate import Scores, predict
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.preliminary_stages import FIRST, drop_stages, train_first, train_in_stages
from litmine.tasks.ner.recipe import RECIPE_FILE, Recipe
from litmine.tasks.ner.recipe_chain import once, prepare
from litmine.tasks.ner.report import Report, make_report
from litmine.tasks.ner.train import Run, Trained
from litmine.training.checkpoint import drop_checkpoint, writing

SCORES_FILE = "scores.json"


def run_training(recipe: Recipe, context: TrainingContext) -> None:
    """What `litmine train ner` runs. Raises as `make_model`."""
    if not context.resume:
        drop_checkpoint(context.folder)
        drop_stages(context.folder)
    make_model(recipe, context.folder, context.say, context.run)


def make_model(recipe: Recipe, folder: Path, say: Callable[[str], None], run: Run | None = None) -> dict[str, Scores]:
    """Train, judge each corpus' own heads on its dev split, and write the card; returns the scores by corpus.

    `run` has the trainings done; without it this process does them, one after another.
    Raises CorpusError for a corpus that cannot be read, SettingError for corpora and recipes that do not go together,
    ModelError for a base that cannot be started from, and for a training that ends in no number.
    """
    run = run or (lambda jobs: [job(say) for job in jobs])
    lessons = prepare(recipe, folder / FIRST, say)
    unseen = once(lesson.dev for lesson in lessons)
    *before, last = lessons
    made = [(recipe, train_first(lesson, unseen, folder, say, run)) for lesson in before]
    if before:
        say(f"from the first model to the last, by the recipe {recipe.then}")
    trained = train_in_stages(last.recipe, last.corpora, unseen, folder, say, run)
    made.append((last.recipe, trained))
    reports = [_judge(recipe.name, folder, trained, corpus, say) for corpus in last.dev]
    scores = {report.ours.corpus.name: report.scores for report in reports}
    with writing(folder):
        (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        if before:
            last.recipe.save(folder / RECIPE_FILE, first=recipe)
        write_card(folder, made, once(lesson.corpora for lesson in lessons), reports)
    drop_checkpoint(folder)
    drop_stages(folder)
    return scores


def _judge(name: str, folder: Path, trained: Trained, dev: Corpus, say: Callable[[str], None]) -> Report:
    """What the saved model does on a corpus' dev split, by the heads that learnt from that corpus."""
    own = [head.name for head in trained.heads if dev.name in head.corpora]
    report = make_report(predict(load_folder(folder, name, precision="float32", heads=own), dev))
    say(f"{dev.name} dev: " + ", ".join(f"{kind} F1 {figures['f1']:.1f}" for kind, figures in report.scores.items()))
    return report
