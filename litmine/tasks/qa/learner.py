"""What a reader's stage learns from, and the steps that its network takes over it."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from litmine.nn.tokenizer import WordReader
from litmine.tasks.qa.examples import NO_VERDICT, VERDICTS, Batch, Cutting, Example, ExampleMaker, collate
from litmine.tasks.qa.loss import span_loss, verdict_loss
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import Layout
from litmine.tasks.qa.questions import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.training.batching import make_batches
from litmine.training.trainer import Course, Machine, arithmetic


@dataclass(frozen=True, slots=True)
class Learner:
    """What every stage learns with: a network, how texts become its windows, and where it runs."""

    network: SpanNetwork
    layout: Layout
    reader: WordReader
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
