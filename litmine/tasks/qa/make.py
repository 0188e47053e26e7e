"""From a recipe to a reader's folder: files, training, calibration, scores on the dev set, card."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from litmine.errors import CorpusError, SettingError
from litmine.specs import TrainingContext
from litmine.tasks.qa.calibrate import Calibration, calibrate
from litmine.tasks.qa.card import write_reader_card
from litmine.tasks.qa.decontamination import DevSet, hold_out, separate
from litmine.tasks.qa.evaluate import judge
from litmine.tasks.qa.folder import load_folder, save_reader
from litmine.tasks.qa.question_files import Asked, QuestionFile, read_file
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.train import Trained, drop_checkpoints, train
from litmine.training.checkpoint import writing

SCORES_FILE = "scores.json"

Say = Callable[[str], None]


def run_training(recipe: ReaderRecipe, context: TrainingContext) -> None:
    """What `litmine train qa` runs. Raises as `make_reader`."""
    if not context.resume:
        drop_checkpoints(context.folder)
    make_reader(recipe, context.folder, context.say)


def make_reader(recipe: ReaderRecipe, folder: Path, say: Say) -> dict[str, float]:
    """Train, calibrate on held-out questions, judge on the dev set and write the card; returns the dev scores.

    Raises CorpusError for a file that cannot be read, SettingError for settings that do not go together, ModelError for
    a base that cannot be started from.
    """
    if recipe.vocabulary and recipe.unlabelled and not Path(recipe.unlabelled).is_file():
        raise SettingError(
            f"the recipe counts the tokens of {recipe.unlabelled}, which is not here; name a JSONL of abstracts"
            " with --unlabelled, or keep every token with --vocabulary 0"
        )
    stages, held_out, dev = _read(recipe, say)
    trained = train(recipe, stages, folder, say)
    with writing(folder):
        save_reader(folder, trained.network, trained.tokenizer, trained.settings, recipe.int8)
        recipe.save(folder / "recipe.json")
    calibration = _calibrate(recipe, folder, trained, held_out, say)
    scores = _judge(recipe, folder, dev, say) if dev else {}
    record = {"dev": scores, "calibration": asdict(calibration) if calibration else None}
    with writing(folder):
        (folder / SCORES_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        write_reader_card(folder, recipe, stages, trained, calibration, _told(dev) if dev else "", scores)
    drop_checkpoints(folder)
    return scores


def _read(recipe: ReaderRecipe, say: Say) -> tuple[list[list[QuestionFile]], list[Asked], DevSet | None]:
    """The files of each stage without what judges, what is held out of the last stage, and the dev set."""
    paths = [[recipe.path(name) for name in stage.data] for stage in recipe.stages]
    dev_path = recipe.path(recipe.dev) if recipe.dev else None
    flat = [path for stage in paths for path in stage]
    if missing := [str(path) for path in [*flat, *([dev_path] if dev_path else [])] if not path.is_file()]:
        raise CorpusError(
            f"{', '.join(dict.fromkeys(missing))} is not here; say where the recipe's files are with --data-folder"
        )
    read = {path: read_file(path) for path in dict.fromkeys([*flat, *([dev_path] if dev_path else [])])}
    dev = DevSet(read[dev_path], recipe.dev_batches) if dev_path else None
    files = iter(separate([read[path] for path in flat], dev, recipe.strict_leaks, say))
    stages: list[list[QuestionFile]] = []
    held_out: list[Asked] = []
    for number, stage in enumerate(paths, 1):
        # Scores are to hold for what is read in the end.
        share = recipe.held_out if number == len(paths) else 0.0
        parted = [hold_out(next(files), share) for _ in stage]
        stages.append([file for file, _ in parted])
        held_out += [asked for _, held in parted for asked in held]
    for number, stage_files in enumerate(stages, 1):
        for file in stage_files:
            say(f"stage {number}: {len(file.questions):,} questions of {file.name}")
    return stages, held_out, dev


def _calibrate(
    recipe: ReaderRecipe, folder: Path, trained: Trained, held_out: list[Asked], say: Say
) -> Calibration | None:
    """Fit the scores of the saved reader, rounded weights and all, and keep what is fitted in its settings."""
    calibration = calibrate(load_folder(folder, recipe.name, precision="float32"), held_out)
    if calibration is None:
        say("the scores are not calibrated: held-out questions do not tell right spans from wrong ones")
        return None
    settings = replace(trained.settings, temperature=calibration.temperature, bias=calibration.bias)
    with writing(folder):
        settings.save(folder)
    say(
        f"calibrated on {calibration.spans:,} spans of {len(held_out):,} held-out questions: temperature"
        f" {calibration.temperature:.3f}, bias {calibration.bias:.3f}, calibration error {calibration.error:.3f}"
    )
    return calibration


def _judge(recipe: ReaderRecipe, folder: Path, dev: DevSet, say: Say) -> dict[str, float]:
    reader = load_folder(folder, recipe.name, precision="float32")
    scores = judge(reader, dev.file, dev.questions, all_types=True).scores
    say(f"{_told(dev)}: " + ", ".join(f"{name} {score:.2f}" for name, score in scores.items()))
    return scores


def _told(dev: DevSet) -> str:
    batches = f", batches {', '.join(dev.batches)}" if dev.batches else ""
    return f"{dev.file.name}{batches} ({len(dev.questions):,} questions)"
