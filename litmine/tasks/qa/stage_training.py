"""Train one stage of a reader: its examples, its batches and its loss.

The loss is a marginal likelihood over the occurrences of an answer, plus a weighted cross-entropy of the verdicts.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.examples import (
    NO_VERDICT,
    VERDICTS,
    ExampleOptions,
    ReaderBatch,
    ReaderExample,
    ReaderExampleMaker,
    collate,
)
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import PairLayout
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.training.batching import make_batches
from litmine.training.trainer import TrainingDevice, TrainingPlan, training_precision


@dataclass(frozen=True, slots=True)
class StageTrainer:
    """What the stages of a training have in common: network, tokenization and device.

    yes_no: whether to learn from yes/no questions.
    """

    network: SpanNetwork
    layout: PairLayout
    tokenizer: WordTokenizer
    device: TrainingDevice
    yes_no: bool

    def examples(self, recipe: ReaderRecipe, number: int, files: Sequence[QuestionFile]) -> list[ReaderExample]:
        """The examples of stage `number`, counted from 0, in the order of its files."""
        stage = recipe.stages[number]
        window, overlap = (stage.window, stage.window // 3) if stage.window else (recipe.window, recipe.overlap)
        options = ExampleOptions(
            self.tokenizer,
            self.layout,
            window,
            overlap,
            recipe.most_words,
            stage.unanswered,
            stage.one_window,
            stage.verdict_texts,
            stage.irrelevant,
        )
        examples: list[ReaderExample] = []
        for file in files:
            questions = [question for question in file.questions if self.yes_no or question.yes is None]
            examples += ReaderExampleMaker(options, recipe.seed).examples(questions)
        return examples

    def plan(self, recipe: ReaderRecipe, number: int, examples: Sequence[ReaderExample]) -> TrainingPlan[list[int]]:
        """The training plan of stage `number`; its batches are indices of the examples."""
        epochs = recipe.stages[number].epochs
        # `make_batches` adds two special tokens to a length, which an example includes already.
        lengths = [len(example.ids) - 2 for example in examples]
        weights = _verdict_weights(examples).to(self.device.device) * recipe.yes_no_weight

        def epoch_batches(epoch: int) -> list[list[int]]:
            return make_batches(lengths, recipe.batch_tokens, random.Random(f"{recipe.seed} {number} {epoch}"))

        def batch_loss(indices: list[int]) -> tuple[torch.Tensor, int]:
            batch = collate([examples[i] for i in indices], self.layout.pad)
            return self._loss(batch, weights), int(batch.mask.sum())

        steps = sum(len(epoch_batches(epoch)) for epoch in range(epochs))
        return TrainingPlan(epochs, steps, epoch_batches, batch_loss)

    def _loss(self, batch: ReaderBatch, weights: torch.Tensor) -> torch.Tensor:
        """The mean loss of the examples."""
        batch = batch.to(self.device.device)
        with training_precision(self.device.device, self.device.bf16):
            spans, verdicts = self.network(batch.ids, batch.mask, batch.types if self.layout.typed else None)
        loss = span_loss(spans.float(), batch)
        if verdicts is not None:
            loss = loss + verdict_loss(verdicts.float(), batch, weights)
        return loss / len(batch.ids)


def span_loss(logits: Tensor, batch: ReaderBatch) -> Tensor:
    """The summed loss of the examples with answers, from logits (examples, tokens, 2); 0 without such examples.

    The loss of an answer is the negative logarithm of the summed probability of its occurrences, p(start) p(end) of
    each: the marginal likelihood of Clark and Gardner (2018, P18-1078, "sum"). So the network can ignore occurrences
    that do not answer the question. The loss of a list is the mean over its answers, because each is correct. The
    probabilities are softmaxes over the starts, or ends, of complete words and "no answer".
    """
    if not len(batch.rows):
        return logits.sum() * 0
    start, end = (
        logits[..., side].masked_fill(~allowed, -torch.inf).log_softmax(dim=1)
        for side, allowed in ((0, batch.starts), (1, batch.ends))
    )
    occurrences = start[batch.rows, batch.first] + end[batch.rows, batch.last]
    count = len(batch.weight)
    # The logsumexp of each answer's occurrences.
    highest = torch.full((count,), -torch.inf, device=occurrences.device, dtype=occurrences.dtype)
    highest = highest.scatter_reduce(0, batch.answer, occurrences.detach(), "amax")
    sums = torch.zeros_like(highest).index_add(0, batch.answer, (occurrences - highest[batch.answer]).exp())
    return -((sums.log() + highest) * batch.weight).sum()


def verdict_loss(logits: Tensor, batch: ReaderBatch, weights: Tensor) -> Tensor:
    """The summed loss of the yes/no examples, from logits (examples, 3); 0 without such examples.

    weights: (3,), one for each of VERDICTS.
    """
    yes_no = batch.verdicts != NO_VERDICT
    if not yes_no.any():
        return logits.sum() * 0
    losses = cross_entropy(logits[yes_no], batch.verdicts[yes_no], reduction="none")
    return (losses * weights[batch.verdicts[yes_no]]).sum()


def _verdict_weights(examples: Sequence[ReaderExample]) -> torch.Tensor:
    """Weights that give the verdicts the same total weight, because four of five BioASQ answers are yes."""
    counts = Counter(example.verdict for example in examples if example.verdict != NO_VERDICT)
    return torch.tensor(
        [counts.total() / (len(counts) * counts[verdict]) if counts[verdict] else 0.0 for verdict in VERDICTS]
    )
