"""Make a model folder from a recipe: read corpora, train, score the dev splits, write the model card."""

import json
from collections.abc import Callable
from pathlib import Path

from litmine.corpora.corpus import Corpus
from litmine.specs import TrainingContext
from litmine.tasks.ner.card import write_card
from litmine.tasks.ner.evaluate import Scores, predict
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.preliminary_stages import FIRST_MODEL, drop_stages, train_first_model, train_in_stages
from litmine.tasks.ner.recipe import RECIPE_FILE, TaggerRecipe
from litmine.tasks.ner.recipe_chain import prepare_recipes, unique_corpora
from litmine.tasks.ner.report import EvaluationReport, make_report
from litmine.tasks.ner.train import RunJobs, TaggerTrainingSummary
from litmine.training.checkpoint import delete_checkpoint, model_write_errors

SCORES_FILE = "scores.json"


def run_training(recipe: TaggerRecipe, context: TrainingContext) -> None:
    """Run `litmine train ner`. Raises as `make_model`."""
    if not context.resume:
        delete_checkpoint(context.folder)
        drop_stages(context.folder)
    make_model(recipe, context.folder, context.report, context.run)


def make_model(
    recipe: TaggerRecipe, folder: Path, log: Callable[[str], None], run: RunJobs | None = None
) -> dict[str, Scores]:
    """Train the model, score it on each corpus' dev split, and write the card; returns the scores by corpus.

    `run` runs the training jobs; by default they run in this process, one after another. Raises CorpusError for a
    corpus that cannot be read, SettingError for corpora and recipes that do not fit together, and ModelError for an
    unusable base or a training that diverges.
    """
    run = run or (lambda jobs: [job(log) for job in jobs])
    prepared = prepare_recipes(recipe, folder / FIRST_MODEL, log)
    dev = unique_corpora(one.dev for one in prepared)
    *first, last = prepared
    trainings = [(recipe, train_first_model(one, dev, folder, log, run)) for one in first]
    if first:
        log(f"continuing from the first model with the recipe {recipe.then}")
    trained = train_in_stages(last.recipe, last.corpora, dev, folder, log, run)
    trainings.append((last.recipe, trained))
    reports = [_evaluate_dev(recipe.name, folder, trained, corpus, log) for corpus in last.dev]
    scores = {report.ours.corpus.name: report.scores for report in reports}
    with model_write_errors(folder):
        (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        if first:
            last.recipe.save(folder / RECIPE_FILE, first=recipe)
        write_card(folder, trainings, unique_corpora(one.corpora for one in prepared), reports)
    delete_checkpoint(folder)
    drop_stages(folder)
    return scores


def _evaluate_dev(
    name: str, folder: Path, trained: TaggerTrainingSummary, dev: Corpus, log: Callable[[str], None]
) -> EvaluationReport:
    """Score the saved model on a corpus' dev split, with the heads that learnt from this corpus."""
    heads = [head.name for head in trained.heads if dev.name in head.corpora]
    report = make_report(predict(load_folder(folder, name, precision="float32", heads=heads), dev))
    log(f"{dev.name} dev: " + ", ".join(f"{kind} F1 {figures['f1']:.1f}" for kind, figures in report.scores.items()))
    return report
