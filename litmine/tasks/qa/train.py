"""Train a reader in stages: base, network, examples, optimiser steps of each stage."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from litmine.errors import SettingError
from litmine.nn.references import read_description
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.folder import read_network
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import make_layout
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.settings import TASK, ReaderSettings
from litmine.tasks.qa.stage_training import StageTrainer
from litmine.training.averaging import ModelSoup, WeightInterpolation
from litmine.training.base import prune_base, read_abstracts, read_base
from litmine.training.checkpoint import delete_checkpoint, model_write_errors
from litmine.training.progress import TrainingProgress
from litmine.training.trainer import CHECKPOINT_SECONDS, TrainingDevice, train_network

_LOSS_FILE = "loss.tsv"

# The files of each stage.
StageFiles = Sequence[Sequence[QuestionFile]]


@dataclass(frozen=True, slots=True)
class TrainedReader:
    """A trained reader that is not saved yet, and what its training did, for the model card.

    Steps, tokens and seconds include those of killed and resumed runs. examples: the number of examples of each stage;
    the last stage appears once for each of its runs.
    """

    network: SpanNetwork
    tokenizer: Tokenizer
    settings: ReaderSettings
    examples: tuple[int, ...]
    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


def train(
    recipe: ReaderRecipe,
    stages: StageFiles,
    folder: Path,
    log: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> TrainedReader:
    """Train on the files of each stage in turn; a killed run resumes from its last checkpoint.

    `checkpoint_seconds` is the time between checkpoints. Each run of a stage has its own checkpoint below `folder`,
    which stays until `drop_checkpoints`. Raises ModelError for an unusable base, a loss that is not finite, and a
    folder that cannot be written, and SettingError for a `base_weight_share` of a base that is no reader.
    """
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    device = TrainingDevice.current()
    torch.manual_seed(recipe.seed)
    yes_no = recipe.yes_no_weight > 0 and any(
        question.yes is not None for files in stages for file in files for question in file.questions
    )
    network, tokenizer = _build_network(recipe, stages, yes_no)
    network.to(device.device)
    interpolation = WeightInterpolation(network, recipe.base_weight_share)
    trainer = StageTrainer(network, make_layout(tokenizer, network.config), WordTokenizer(tokenizer), device, yes_no)
    runs: list[TrainingProgress] = []
    counts: list[int] = []
    training_id = json.dumps(asdict(recipe), sort_keys=True)
    for number, files in enumerate(stages):
        log(f"stage {number + 1} of {len(stages)}: {', '.join(file.name for file in files)}")
        times = recipe.averaged if number == len(stages) - 1 else 1
        soup = ModelSoup(network)
        for time in range(times):
            if times > 1:
                log(f"run {time + 1} of {times}")
            soup.reset()
            run_recipe = replace(recipe, seed=recipe.seed + time)
            examples = trainer.examples(run_recipe, number, files)
            plan = trainer.plan(run_recipe, number, examples)
            # With the numbers of steps and examples, a checkpoint of other files is not taken for one of this run.
            run_id = json.dumps([training_id, number, time, plan.steps, len(examples)])
            run_folder = _run_folder(folder, number, time)
            with model_write_errors(folder):
                run_folder.mkdir(exist_ok=True)
            settings = run_recipe.optimizer_settings(number)
            runs.append(train_network(network, settings, plan, run_folder, run_id, log, checkpoint_seconds))
            counts.append(len(examples))
            soup.add()
        soup.apply()
        training_id = run_id
    interpolation.apply()
    _save_losses(folder, runs)
    return TrainedReader(
        network,
        tokenizer,
        ReaderSettings(recipe.name, recipe.window, recipe.overlap, recipe.most_words, yes_no=yes_no),
        tuple(counts),
        sum(run.steps for run in runs),
        sum(run.tokens for run in runs),
        sum(run.seconds for run in runs),
        device.name,
        device.precision,
    )


def drop_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of all stages."""
    for run_folder in folder.glob("stage-*"):
        delete_checkpoint(run_folder)
        run_folder.rmdir()


def _run_folder(folder: Path, number: int, time: int) -> Path:
    return folder / (f"stage-{number + 1}-{time + 1}" if time else f"stage-{number + 1}")


def _build_network(recipe: ReaderRecipe, stages: StageFiles, yes_no: bool) -> tuple[SpanNetwork, Tokenizer]:
    """The network and tokenizer to start from: the base's encoder, pruned if the recipe says so, with outputs.

    The outputs are new, unless the base is a reader.
    """
    base = prune_base(read_base(recipe.base, recipe.window), _vocabulary_texts(recipe, stages), recipe.vocabulary)
    encoder, config = base.encoder, base.config
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    network = SpanNetwork(config, yes_no, encoder)
    if base.litmine_folder is not None and read_description(base.litmine_folder).get("task") == TASK:
        _copy_outputs(network, base.litmine_folder)
    elif recipe.base_weight_share:
        raise SettingError(
            f"base_weight_share needs a base that is a reader, and {recipe.base_name} is none; set it to 0"
        )
    return network, base.tokenizer


def _copy_outputs(network: SpanNetwork, reader: Path) -> None:
    """Start from the outputs of a reader."""
    source = read_network(reader, ReaderSettings.load(reader), quick=True)
    network.span.load_state_dict(source.span.state_dict())
    if network.verdict is not None and source.verdict is not None:
        network.verdict.load_state_dict(source.verdict.state_dict())


def _vocabulary_texts(recipe: ReaderRecipe, stages: StageFiles) -> Iterator[str]:
    """The texts whose token frequencies decide the pruned vocabulary: questions, their texts, unlabelled abstracts."""
    questions = [question for files in stages for file in files for question in file.questions]
    yield from dict.fromkeys(text for gold in questions for text in (gold.question, *gold.texts))
    if recipe.unlabelled:
        yield from read_abstracts(Path(recipe.unlabelled))


def _save_losses(folder: Path, runs: Sequence[TrainingProgress]) -> None:
    """Write the loss of every step, one line each: `stage TAB step TAB loss`; each run counts as a stage."""
    lines = [
        f"{stage}\t{step}\t{loss:.7g}\n" for stage, run in enumerate(runs, 1) for step, loss in enumerate(run.losses, 1)
    ]
    with model_write_errors(folder):
        (folder / _LOSS_FILE).write_text("".join(["stage\tstep\tloss\n", *lines]), encoding="utf-8")
