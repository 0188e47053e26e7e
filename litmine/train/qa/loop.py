"""The training of a reader, from top to bottom: base, examples, the steps of each stage, folder."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from litmine.models.pairs import Layout, layout_of
from litmine.models.reader_settings import ReaderSettings
from litmine.models.span_network import SpanNetwork
from litmine.models.words import WordReader
from litmine.train.base import prune, read_base
from litmine.train.batching import make_batches
from litmine.train.checkpoint import drop_checkpoint, writing
from litmine.train.descent import CHECKPOINT_SECONDS, Course, Machine, arithmetic, descend
from litmine.train.pace import Pace
from litmine.train.qa.examples import NO_VERDICT, Batch, Cutting, Example, ExampleMaker, collate
from litmine.train.qa.loss import span_loss, verdict_loss
from litmine.train.qa.questions import QuestionFile
from litmine.train.qa.recipe import ReaderRecipe
from litmine.train.vocabulary import abstracts

_LOSS_FILE = "loss.tsv"

# The files that each stage learns from.
Stages = Sequence[Sequence[QuestionFile]]


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with its tokenizer and settings, not yet saved, and what its training did, in all runs and stages."""

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
    layout, reader = layout_of(tokenizer, network.config), WordReader(tokenizer)
    done: list[Pace] = []
    counts: list[int] = []
    training = json.dumps(asdict(recipe), sort_keys=True)
    for number, files in enumerate(stages):
        stage = recipe.stages[number]
        say(f"stage {number + 1} of {len(stages)}: {', '.join(file.name for file in files)}")
        window, overlap = (stage.window, stage.window // 3) if stage.window else (recipe.window, recipe.overlap)
        cutting = Cutting(
            reader,
            layout,
            window,
            overlap,
            recipe.most_words,
            stage.unanswered,
            stage.one_window,
            stage.verdict_texts,
        )
        examples = list(_examples(cutting, files, yes_no, recipe.seed))
        course = _course(recipe, number, examples, network, machine, layout)
        # Which files, and how much of them, a checkpoint has been learnt from is part of what it is of.
        training = json.dumps([training, number, course.steps, len(examples)])
        place = _place(folder, number)
        with writing(folder):
            place.mkdir(exist_ok=True)
        done.append(descend(network, recipe.steps(number), course, place, training, say, every))
        counts.append(len(examples))
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


def _place(folder: Path, number: int) -> Path:
    return folder / f"stage-{number + 1}"


def _examples(cutting: Cutting, files: Sequence[QuestionFile], yes_no: bool, seed: int) -> Iterator[Example]:
    for file in files:
        questions = [asked for asked in file.questions if yes_no or asked.yes is None]
        yield from ExampleMaker(cutting, seed).examples(questions)


def _course(
    recipe: ReaderRecipe,
    number: int,
    examples: Sequence[Example],
    network: SpanNetwork,
    machine: Machine,
    layout: Layout,
) -> Course[list[int]]:
    epochs = recipe.stages[number].epochs
    # The two tokens that make_batches counts around a text are in the row already.
    lengths = [len(example.ids) - 2 for example in examples]
    weights = _verdict_weights(examples).to(machine.device) * recipe.yes_no_weight

    def plan(epoch: int) -> list[list[int]]:
        return make_batches(lengths, recipe.batch_tokens, random.Random(f"{recipe.seed} {number} {epoch}"))

    def loss(chosen: list[int]) -> tuple[torch.Tensor, int]:
        batch = collate([examples[i] for i in chosen], layout.pad)
        return _loss(network, batch, weights, layout, machine), int(batch.mask.sum())

    return Course(epochs, sum(len(plan(epoch)) for epoch in range(epochs)), plan, loss)


def _loss(network: SpanNetwork, batch: Batch, weights: torch.Tensor, layout: Layout, machine: Machine) -> torch.Tensor:
    """The mean over the examples."""
    batch = batch.to(machine.device)
    with arithmetic(machine.device, machine.bf16):
        spans, verdicts = network(batch.ids, batch.mask, batch.types if layout.typed else None)
    loss = span_loss(spans.float(), batch)
    if verdicts is not None:
        loss = loss + verdict_loss(verdicts.float(), batch, weights)
    return loss / len(batch.ids)


def _verdict_weights(examples: Sequence[Example]) -> torch.Tensor:
    """Of no and yes, so that both weigh the same together: BioASQ says yes four times in five."""
    told = [example.verdict for example in examples if example.verdict != NO_VERDICT]
    return torch.tensor([len(told) / (2 * max(1, told.count(verdict))) for verdict in (0, 1)])


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
