"""The reader: questions and texts to answers, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (scores to spans, CPU).
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from litmine.errors import ModelError, QuestionError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.trunk import Trunk
from litmine.tasks.qa.network import Scores, SpanTop
from litmine.tasks.qa.pairs import Layout, Pair, Pairs, last_tokens
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.qa.spans import best_spans, sigmoid, softmax, top_spans
from litmine.types import ReaderOutput, SpanAnswer


class Reader(NetworkModel):
    """A loaded reader. `name` and `digest` say which; `answer` does it all in one call.

    Attributes: `settings` (window, overlap, decoding, calibration), `trunk` and `top`, `batch_tokens` (tokens a batch,
    what is padded included).
    """

    def __init__(
        self,
        trunk: Trunk,
        layers: TopLayers,
        outputs: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor] | None],
        layout: Layout,
        settings: ReaderSettings,
        digest: str,
        batch_tokens: int | None = None,
    ) -> None:
        """`layers` go on from the trunk's states, `outputs` are the spans' and the verdict's of what comes out."""
        self.settings = settings
        self.digest = digest
        self._pairs = Pairs(trunk.tokenizer, layout, settings.window, settings.overlap)
        name = f"{settings.name}@{digest}"
        super().__init__(name, trunk, SpanTop(name, layers, *outputs), batch_tokens, self._pairs)

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[ReaderOutput]:
        """What the reader makes of each (question, text).

        Raises QuestionError as `check` does, and ModelError when a pair makes the network fail.
        """
        for question in dict.fromkeys(question for question, _ in pairs):
            self.check(question)
        read = self.read(pairs)
        replies = []
        for i, reply in enumerate(self.decode(pairs, read, self.label(read))):
            if isinstance(reply, FailedItem):
                raise ModelError(f"pair {i} makes {self.name} fail ({reply.why}); leave it out")
            replies.append(reply)
        return replies

    def check(self, question: str) -> None:
        """Raise QuestionError when a question is empty or leaves the text less than half of the window."""
        why = self._pairs.objection(question)
        if why is not None:
            shown = question if len(question) <= 60 else f"{question[:60]}…"
            raise QuestionError(f"{self.name} cannot read the question {shown!r}: {why}")

    def decode(
        self,
        pairs: Sequence[tuple[str, str]],
        read: Sequence[Pair | FailedItem],
        labels: Sequence[Scores | FailedItem],
        inputs: Sequence[object] = (),  # noqa: ARG002 - what other models found is no input of a reader's
    ) -> list[ReaderOutput | FailedItem]:
        """Scores to answers, over the whole text however many windows it took."""
        return [self._reply(*one) for one in zip(pairs, read, labels, strict=True)]

    def _reply(
        self, pair: tuple[str, str], read: Pair | FailedItem, scores: Scores | FailedItem
    ) -> ReaderOutput | FailedItem:
        if isinstance(read, FailedItem):
            return read
        if isinstance(scores, FailedItem):
            return scores
        text, words, last = pair[1], read.words, last_tokens(read.words)
        apart = best_spans(scores.start, scores.end, self.settings.most_words, self.settings.best)
        every = top_spans(scores.start, scores.end, self.settings.most_words, self.settings.best)

        def said(first: int, after: int, logit: float) -> SpanAnswer:
            start, end = int(words.start[first]), int(words.end[after - 1])
            tokens = int(words.first[first]), int(last[after - 1]) + 1
            return SpanAnswer(text[start:end], start, end, *tokens, self._probability(logit - scores.null))

        spans = [said(*span) for span in apart]
        variants = [said(*span) for span in every if span not in apart]
        no, yes, _ = (None,) * 3 if scores.verdict is None else softmax(scores.verdict)
        return ReaderOutput(
            tuple(span for span in spans if span.score >= self.settings.least),
            tuple(span for span in variants if span.score >= self.settings.least),
            1.0 - spans[0].score if spans else 1.0,
            yes,
            no,
        )

    def _probability(self, logit: float) -> float:
        return sigmoid((logit - self.settings.bias) / self.settings.temperature)
