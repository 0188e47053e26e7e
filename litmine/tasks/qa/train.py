"""The training of a reader, from top to bottom: base, examples, the steps of each stage, folder."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.learner import Learner
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import layout_of
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.settings import ReaderSettings
from litmine.training.averaging import Mean
from litmine.training.base import abstracts, prune, read_base
from litmine.training.checkpoint import drop_checkpoint, writing
from litmine.training.progress import Pace
from litmine.training.trainer import CHECKPOINT_SECONDS, Machine, descend

_LOSS_FILE = "loss.tsv"

# The files that each stage learns from.
Stages = Sequence[Sequence[QuestionFile]]


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with its tokenizer and settings, not yet saved, and what its training did, in all runs and stages.

    examples: of each stage, and of the last one as often as it was trained.
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
    recipe: ReaderRecipe, stages: Stages, folder: Path, say: Callable[[str], None], every: float = CHECKPOINT_SECONDS
) -> Trained:
    """Train on the files of each stage in turn; a run that was killed goes on from its last checkpoint.

    Each stage keeps a checkpoint of its own in `folder`, and its last one stays until `drop_checkpoints`.
    Raises ModelError for a base that cannot be started from, a loss that is no number, and a folder that cannot be
    written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    machine = Machine.here()
    torch.manual_seed(recipe.seed)
    yes_no = recipe.yes_no_weight > 0 and any(
        asked.yes is not None for stage in stages for file in stage for asked in file.questions
    )
    network, tokenizer = _start(recipe, stages, yes_no)
    network.to(machine.device)
    learner = Learner(network, layout_of(tokenizer, network.config), WordTokenizer(tokenizer), machine, yes_no)
    done: list[Pace] = []
    counts: list[int] = []
    training = json.dumps(asdict(recipe), sort_keys=True)
    for number, files in enumerate(stages):
        say(f"stage {number + 1} of {len(stages)}: {', '.join(file.name for file in files)}")
        times = recipe.averaged if number == len(stages) - 1 else 1
        mean = Mean(network)
        for time in range(times):
            if times > 1:
                say(f"time {time + 1} of {times}")
            mean.begin()
            seeded = replace(recipe, seed=recipe.seed + time)
            examples = learner.examples(seeded, number, files)
            course = learner.course(seeded, number, examples)
            # Which files, and how much of them, a checkpoint has been learnt from is part of what it is of.
            this = json.dumps([training, number, time, course.steps, len(examples)])
            place = _place(folder, number, time)
            with writing(folder):
                place.mkdir(exist_ok=True)
            done.append(descend(network, seeded.steps(number), course, place, this, say, every))
            counts.append(len(examples))
            mean.add()
        mean.end()
        training = this
    settings = ReaderSettings(recipe.name, recipe.window, recipe.overlap, recipe.most_words, yes_no=yes_no)
    _save_losses(folder, done)
    steps, tokens = sum(pace.steps for pace in done), sum(pace.tokens for pace in done)
    seconds = sum(pace.seconds for pace in done)
    return Trained(network, tokenizer, settings, tuple(counts), steps, tokens, seconds, machine.name, machine.precision)


def drop_checkpoints(folder: Path) -> None:
    """Forget where a training stood, in every stage."""
    for place in folder.glob("stage-*"):
        drop_checkpoint(place)
        place.rmdir()


def _place(folder: Path, number: int, time: int) -> Path:
    return folder / (f"stage-{number + 1}-{time + 1}" if time else f"stage-{number + 1}")


def _start(recipe: ReaderRecipe, stages: Stages, yes_no: bool) -> tuple[SpanNetwork, Tokenizer]:
    """The base's encoder under new heads, its vocabulary pruned if the recipe asks."""
    base = prune(read_base(recipe.base, recipe.window), _texts(recipe, stages), recipe.vocabulary)
    encoder, config = base.encoder, base.config
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    return SpanNetwork(config, yes_no, encoder), base.tokenizer


def _texts(recipe: ReaderRecipe, stages: Stages) -> Iterator[str]:
    """What counts for the vocabulary: each text once, each question, and the abstracts that the recipe names."""
    questions = [asked for files in stages for file in files for asked in file.questions]
    yield from dict.fromkeys(text for asked in questions for text in (asked.question, *asked.texts))
    if recipe.unlabelled:
        yield from abstracts(Path(recipe.unlabelled))


def _save_losses(folder: Path, done: Sequence[Pace]) -> None:
    """Write the loss of every step, `stage TAB step TAB loss` a line."""
    lines = [
        f"{stage}\t{step}\t{loss:.7g}\n"
        for stage, pace in enumerate(done, 1)
        for step, loss in enumerate(pace.losses, 1)
    ]
    with writing(folder):
        (folder / _LOSS_FILE).write_text("".join(["stage\tstep\tloss\n", *lines]), encoding="utf-8")
