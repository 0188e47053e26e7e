"""The reader: answers questions with spans of a text, and with yes or no, in three stages that a worker overlaps.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (logits to answers, CPU).
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from litmine.errors import ModelError, QuestionError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.trunk import Trunk
from litmine.tasks.qa.network import ReaderTop, SpanLogits
from litmine.tasks.qa.pairs import PairInputs, PairLayout, ReaderInput, ReaderItem, TokenizedPair, last_tokens
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.qa.spans import ScoredSpan, best_spans, sigmoid, softmax, top_spans
from litmine.tasks.qa.whole_answers import allowed_spans
from litmine.types import ReaderOutput, SpanAnswer

# Characters of a question that an error message quotes.
_MAX_QUOTE = 60


class Reader(NetworkModel):
    """A loaded reader; `answer` runs all stages.

    Attributes: `name`, `digest`, `settings` (window, overlap, decoding, calibration), and those of `NetworkModel`.
    """

    def __init__(
        self,
        trunk: Trunk,
        layers: TopLayers,
        outputs: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor] | None],
        layout: PairLayout,
        settings: ReaderSettings,
        digest: str,
        batch_tokens: int | None = None,
    ) -> None:
        """Assemble a reader.

        `layers` continue from the trunk's hidden states. `outputs` turn their result into span logits and, if the
        second is not None, verdict logits.
        """
        self.settings = settings
        self.digest = digest
        self._inputs = PairInputs(trunk.tokenizer, layout, settings.window, settings.overlap)
        name = f"{settings.name}@{digest}"
        super().__init__(name, trunk, ReaderTop(name, layers, *outputs), batch_tokens, self._inputs)

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[ReaderOutput]:
        """The output for each (question, text).

        Raises QuestionError as `check`, and ModelError when the model fails on a pair.
        """
        for question in dict.fromkeys(question for question, _ in pairs):
            self.check(question)
        read = self.read(pairs)
        outputs = []
        for i, output in enumerate(self.decode(pairs, read, self.label(read))):
            if isinstance(output, FailedItem):
                raise ModelError(f"{self.name} fails on pair {i} ({output.why}); leave it out")
            outputs.append(output)
        return outputs

    def check(self, question: str) -> None:
        """Raise QuestionError when a question is empty or takes more than half of the window."""
        why = self._inputs.question_error(question)
        if why is not None:
            quote = question if len(question) <= _MAX_QUOTE else f"{question[:_MAX_QUOTE]}…"
            raise QuestionError(f"{self.name} cannot read the question {quote!r}: {why}")

    def decode(
        self,
        pairs: Sequence[ReaderItem],
        read: Sequence[TokenizedPair | FailedItem],
        labels: Sequence[SpanLogits | FailedItem],
        inputs: Sequence[object] = (),  # noqa: ARG002 - a reader does not use other models' results
    ) -> list[ReaderOutput | FailedItem]:
        """The answers of each pair, decoded over the whole text, or its failure."""
        return [self._decode_pair(*one) for one in zip(pairs, read, labels, strict=True)]

    def find_spans(
        self, pair: ReaderItem, read: TokenizedPair, logits: SpanLogits
    ) -> tuple[list[ScoredSpan], list[ScoredSpan]]:
        """The best spans of a text that are whole answers: first without overlaps, then with overlaps."""
        question, text, regions = ReaderInput(*pair)
        most_words, best = self.settings.most_words, self.settings.best
        allowed = allowed_spans(question, text, read.words, most_words, regions)
        return (
            best_spans(logits.start, logits.end, most_words, best, allowed),
            top_spans(logits.start, logits.end, most_words, best, allowed),
        )

    def _decode_pair(
        self, pair: ReaderItem, read: TokenizedPair | FailedItem, logits: SpanLogits | FailedItem
    ) -> ReaderOutput | FailedItem:
        if isinstance(read, FailedItem):
            return read
        if isinstance(logits, FailedItem):
            return logits
        text, words, last = pair[1], read.words, last_tokens(read.words)
        disjoint, overlapping = self.find_spans(pair, read, logits)

        def answer(first: int, after: int, logit: float) -> SpanAnswer:
            start, end = int(words.start[first]), int(words.end[after - 1])
            tokens = int(words.first[first]), int(last[after - 1]) + 1
            return SpanAnswer(text[start:end], start, end, *tokens, self._probability(logit - logits.null))

        spans = [answer(*span) for span in disjoint]
        variants = [answer(*span) for span in overlapping if span not in disjoint]
        no, yes, _ = (None,) * 3 if logits.verdict is None else softmax(logits.verdict)
        return ReaderOutput(
            tuple(span for span in spans if span.score >= self.settings.least),
            tuple(span for span in variants if span.score >= self.settings.least),
            1.0 - spans[0].score if spans else 1.0,
            yes,
            no,
        )

    def _probability(self, logit: float) -> float:
        return sigmoid((logit - self.settings.bias) / self.settings.temperature)
