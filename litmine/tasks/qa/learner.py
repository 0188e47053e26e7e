"""What a reader's stage learns from, and the steps that its network takes over it.

What a reader is taught: spans by the sum over the places of an answer, verdicts by weighted cross-entropy.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.examples import NO_VERDICT, VERDICTS, Batch, Cutting, Example, ExampleMaker, collate
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import Layout
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.training.batching import make_batches
from litmine.training.trainer import Course, Machine, arithmetic


def span_loss(logits: Tensor, batch: Batch) -> Tensor:
    """The summed loss of the examples with spans, from logits (examples, tokens, 2); 0 when there is none.

    Of an answer it is the negative logarithm of the probability of all its places together, p(start) p(end) of each:
    the marginal likelihood of Clark and Gardner (2018, P18-1078, "sum"), so that the occurrences that do not answer
    need not be learnt. Of a list it is the mean over its answers, each of which is right. Starts compete with starts
    and ends with ends, among whole words and "no answer".
    """
    if not len(batch.rows):
        return logits.sum() * 0
    start, end = (
        logits[..., side].masked_fill(~allowed, -torch.inf).log_softmax(dim=1)
        for side, allowed in ((0, batch.starts), (1, batch.ends))
    )
    places = start[batch.rows, batch.first] + end[batch.rows, batch.last]
    count = len(batch.weight)
    # A logsumexp by answer.
    most = torch.full((count,), -torch.inf, device=places.device, dtype=places.dtype)
    most = most.scatter_reduce(0, batch.answer, places.detach(), "amax")
    sums = torch.zeros_like(most).index_add(0, batch.answer, (places - most[batch.answer]).exp())
    return -((sums.log() + most) * batch.weight).sum()


def verdict_loss(logits: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """The summed loss of the yes/no examples, from logits (examples, 3) and the weights of VERDICTS; or 0."""
    asked = batch.verdicts != NO_VERDICT
    if not asked.any():
        return logits.sum() * 0
    each = cross_entropy(logits[asked], batch.verdicts[asked], reduction="none")
    return (each * weights[batch.verdicts[asked]]).sum()


@dataclass(frozen=True, slots=True)
class Learner:
    """What every stage learns with: a network, how texts become its windows, and where it runs."""

    network: SpanNetwork
    layout: Layout
    reader: WordTokenizer
    machine: Machine
    yes_no: bool

    def examples(self, recipe: ReaderRecipe, number: int, files: Sequence[QuestionFile]) -> list[Example]:
        """What a stage learns from, in the order of its files."""
        stage = recipe.stages[number]
        window, overlap = (stage.window, stage.window // 3) if stage.window else (recipe.window, recipe.overlap)
        cutting = Cutting(
            self.reader,
            self.layout,
            window,
            overlap,
            recipe.most_words,
            stage.unanswered,
            stage.one_window,
            stage.verdict_texts,
            stage.irrelevant,
        )
        made: list[Example] = []
        for file in files:
            questions = [asked for asked in file.questions if self.yes_no or asked.yes is None]
            made += ExampleMaker(cutting, recipe.seed).examples(questions)
        return made

    def course(self, recipe: ReaderRecipe, number: int, examples: Sequence[Example]) -> Course[list[int]]:
        """The steps of a stage."""
        epochs = recipe.stages[number].epochs
        # The two tokens that make_batches counts around a text are in the row already.
        lengths = [len(example.ids) - 2 for example in examples]
        weights = _verdict_weights(examples).to(self.machine.device) * recipe.yes_no_weight

        def plan(epoch: int) -> list[list[int]]:
            return make_batches(lengths, recipe.batch_tokens, random.Random(f"{recipe.seed} {number} {epoch}"))

        def loss(chosen: list[int]) -> tuple[torch.Tensor, int]:
            batch = collate([examples[i] for i in chosen], self.layout.pad)
            return self._loss(batch, weights), int(batch.mask.sum())

        return Course(epochs, sum(len(plan(epoch)) for epoch in range(epochs)), plan, loss)

    def _loss(self, batch: Batch, weights: torch.Tensor) -> torch.Tensor:
        """The mean over the examples."""
        batch = batch.to(self.machine.device)
        with arithmetic(self.machine.device, self.machine.bf16):
            spans, verdicts = self.network(batch.ids, batch.mask, batch.types if self.layout.typed else None)
        loss = span_loss(spans.float(), batch)
        if verdicts is not None:
            loss = loss + verdict_loss(verdicts.float(), batch, weights)
        return loss / len(batch.ids)


def _verdict_weights(examples: Sequence[Example]) -> torch.Tensor:
    """Of each verdict, so that all weigh the same together: BioASQ says yes four times in five."""
    told = Counter(example.verdict for example in examples if example.verdict != NO_VERDICT)
    return torch.tensor([told.total() / (len(told) * told[verdict]) if told[verdict] else 0.0 for verdict in VERDICTS])
