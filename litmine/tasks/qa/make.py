"""Make a reader's folder from a recipe: read questions, train, calibrate, score the dev questions, write the card."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from litmine.errors import CorpusError, SettingError
from litmine.specs import TrainingContext
from litmine.tasks.qa.calibrate import Calibration, calibrate
from litmine.tasks.qa.card import write_card
from litmine.tasks.qa.decontamination import DevQuestions, hold_out, remove_leaks_and_repeats
from litmine.tasks.qa.evaluate import predict
from litmine.tasks.qa.folder import load_folder, save_reader
from litmine.tasks.qa.question_files import GoldQuestion, QuestionFile, read_question_file
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.train import TrainedReader, drop_checkpoints, train
from litmine.training.checkpoint import model_write_errors

SCORES_FILE = "scores.json"

Log = Callable[[str], None]


def run_training(recipe: ReaderRecipe, context: TrainingContext) -> None:
    """Run `litmine train qa`. Raises as `make_model`."""
    if not context.resume:
        drop_checkpoints(context.folder)
    make_model(recipe, context.folder, context.report)


def make_model(recipe: ReaderRecipe, folder: Path, log: Log) -> dict[str, float]:
    """Train, calibrate on held-out questions, score the dev questions, and write the card; returns the dev scores.

    Raises CorpusError for a file that cannot be read, SettingError for settings that do not fit together, and
    ModelError for an unusable base or a training that diverges.
    """
    if recipe.vocabulary and recipe.unlabelled and not Path(recipe.unlabelled).is_file():
        raise SettingError(
            f"the recipe counts the tokens of {recipe.unlabelled}, which does not exist; name a JSONL of abstracts"
            " with --unlabelled, or keep every token with --vocabulary 0"
        )
    stages, held_out, dev = _read_questions(recipe, log)
    trained = train(recipe, stages, folder, log)
    with model_write_errors(folder):
        save_reader(folder, trained.network, trained.tokenizer, trained.settings, recipe.int8)
        recipe.save(folder / "recipe.json")
    calibration = _calibrate(recipe, folder, trained, held_out, log)
    scores = _evaluate_dev(recipe, folder, dev, log) if dev else {}
    record = {"dev": scores, "calibration": asdict(calibration) if calibration else None}
    with model_write_errors(folder):
        (folder / SCORES_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        write_card(folder, recipe, stages, trained, calibration, _describe_dev(dev) if dev else "", scores)
    drop_checkpoints(folder)
    return scores


def _read_questions(
    recipe: ReaderRecipe, log: Log
) -> tuple[list[list[QuestionFile]], list[GoldQuestion], DevQuestions | None]:
    """The training questions of each stage, the held-out questions of the last stage, and the dev questions."""
    stage_paths = [[recipe.path(name) for name in stage.data] for stage in recipe.stages]
    train_paths = [path for paths in stage_paths for path in paths]
    dev_path = recipe.path(recipe.dev) if recipe.dev else None
    paths = list(dict.fromkeys([*train_paths, *([dev_path] if dev_path else [])]))
    if missing := [str(path) for path in paths if not path.is_file()]:
        verb = "does" if len(missing) == 1 else "do"
        raise CorpusError(
            f"{', '.join(missing)} {verb} not exist; name the folder of the recipe's files with --data-folder"
        )
    read = {path: read_question_file(path) for path in paths}
    dev = DevQuestions(read[dev_path], recipe.dev_batches) if dev_path else None
    files = iter(remove_leaks_and_repeats([read[path] for path in train_paths], dev, recipe.strict_leaks, log))
    stages: list[list[QuestionFile]] = []
    held_out: list[GoldQuestion] = []
    for number, one_stage in enumerate(stage_paths, 1):
        # The last stage is closest to the questions that the reader gets, so scores are calibrated on it.
        share = recipe.held_out if number == len(stage_paths) else 0.0
        split = [hold_out(next(files), share) for _ in one_stage]
        stages.append([rest for rest, _ in split])
        held_out += [question for _, held in split for question in held]
    for number, stage_files in enumerate(stages, 1):
        for file in stage_files:
            log(f"stage {number}: {len(file.questions):,} questions of {file.name}")
    return stages, held_out, dev


def _calibrate(
    recipe: ReaderRecipe, folder: Path, trained: TrainedReader, held_out: list[GoldQuestion], log: Log
) -> Calibration | None:
    """Fit the scores of the saved reader, whose weights may be rounded, and add the result to its settings."""
    calibration = calibrate(load_folder(folder, recipe.name, precision="float32"), held_out)
    if calibration is None:
        log("scores are not calibrated: the held-out questions do not separate correct spans from wrong ones")
        return None
    settings = replace(trained.settings, temperature=calibration.temperature, bias=calibration.bias)
    with model_write_errors(folder):
        settings.save(folder)
    log(
        f"calibrated on {calibration.spans:,} spans of {len(held_out):,} held-out questions: temperature"
        f" {calibration.temperature:.3f}, bias {calibration.bias:.3f}, calibration error {calibration.error:.3f}"
    )
    return calibration


def _evaluate_dev(recipe: ReaderRecipe, folder: Path, dev: DevQuestions, log: Log) -> dict[str, float]:
    """Score the saved reader on the dev questions."""
    reader = load_folder(folder, recipe.name, precision="float32")
    scores = predict(reader, dev.file, dev.questions, all_types=True).scores
    log(f"{_describe_dev(dev)}: " + ", ".join(f"{name} {score:.2f}" for name, score in scores.items()))
    return scores


def _describe_dev(dev: DevQuestions) -> str:
    batches = f", batches {', '.join(dev.batches)}" if dev.batches else ""
    return f"{dev.file.name}{batches} ({len(dev.questions):,} questions)"
