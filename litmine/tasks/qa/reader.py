"""The reader: questions and texts to answers, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (scores to spans, CPU).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.errors import ModelError, QuestionError
from litmine.nn.engine import BATCH_TOKENS, unwatched
from litmine.nn.failure_isolation import Failed, halve
from litmine.nn.tokenized_text import Words
from litmine.nn.tokenizer import WordReader
from litmine.tasks.qa.pairs import Layout, Pair, Piece, batches, last_tokens, pieces
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.qa.spans import best_spans, sigmoid, softmax, top_spans
from litmine.types import Reply, SpanAnswer


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of one pair or one window of it: that an answer starts at or ends with a word, both (words,).

    `null` is the logit of no answer, `verdict` are those of no, yes and neither (None without a yes/no head).
    """

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    null: float
    verdict: NDArray[np.float32] | None


class Reader:
    """A loaded reader. `name` and `digest` say which; `answer` does it all in one call.

    Attributes: `settings` (window, overlap, decoding, calibration), `device`, `precision` (`float32` or `bf16`),
    `batch_tokens` (tokens a batch, padding included).
    """

    def __init__(
        self,
        network: torch.nn.Module,
        words: WordReader,
        layout: Layout,
        settings: ReaderSettings,
        digest: str,
        device: torch.device,
        precision: str,
        batch_tokens: int | None = None,
    ) -> None:
        self.settings = settings
        self.digest = digest
        self.device = device
        self.precision = precision
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(device.type, BATCH_TOKENS["cpu"])
        self._network = network
        self._words = words
        self._layout = layout

    @property
    def name(self) -> str:
        """`name@digest`, as the lake knows the reader."""
        return f"{self.settings.name}@{self.digest}"

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[Reply]:
        """What the reader makes of each (question, text).

        Raises QuestionError as `check` does, and ModelError when a pair makes the network fail.
        """
        for question in dict.fromkeys(question for question, _ in pairs):
            self.check(question)
        read = self.read(pairs)
        replies = []
        for i, reply in enumerate(self.decode(pairs, read, self.label(read))):
            if isinstance(reply, Failed):
                raise ModelError(f"pair {i} makes {self.name} fail ({reply.why}); leave it out")
            replies.append(reply)
        return replies

    def check(self, question: str) -> None:
        """Raise QuestionError when a question is empty or leaves the text less than half of the window."""
        (words,) = self._tokenise([question])
        why = words.why if isinstance(words, Failed) else self._objection(words)
        if why is not None:
            shown = question if len(question) <= 60 else f"{question[:60]}…"
            raise QuestionError(f"{self.name} cannot read the question {shown!r}: {why}")

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Pair | Failed]:
        """Tokenise; each question and each text once, however many pairs they are in."""
        questions = list(dict.fromkeys(question for question, _ in pairs))
        texts = list(dict.fromkeys(text for _, text in pairs))
        asked = dict(zip(questions, self._tokenise(questions), strict=True))
        given = dict(zip(texts, self._tokenise(texts), strict=True))
        return [self._pair(asked[question], given[text]) for question, text in pairs]

    def label(
        self, pairs: Sequence[Pair | Failed], watch: Callable[[float], None] = unwatched
    ) -> list[Scores | Failed]:
        """Run the network over every pair, in windows where its text is long.

        `watch` is told before each batch which share of the tokens is done, and may raise to stop.
        """
        todo = [
            piece
            for i, pair in enumerate(pairs)
            if isinstance(pair, Pair)
            for piece in pieces(i, pair, self._layout, self.settings.window, self.settings.overlap)
        ]
        tokens, done = sum(piece.length for piece in todo), 0
        results: dict[tuple[int, int], Scores | Failed] = {}
        for batch in batches(todo, self.batch_tokens):
            watch(done / tokens)
            done += sum(piece.length for piece in batch)
            computed = halve(lambda part: self._compute(pairs, part), batch, self._still_works)
            results.update(zip(((piece.pair, piece.start) for piece in batch), computed, strict=True))
        parts: list[list[Scores | Failed]] = [[] for _ in pairs]
        for piece in todo:
            parts[piece.pair].append(results[piece.pair, piece.start])
        return [pair if isinstance(pair, Failed) else _join(parts[i]) for i, pair in enumerate(pairs)]

    def decode(
        self, pairs: Sequence[tuple[str, str]], read: Sequence[Pair | Failed], scores: Sequence[Scores | Failed]
    ) -> list[Reply | Failed]:
        """Scores to answers, over the whole text however many windows it took."""
        return [self._reply(*one) for one in zip(pairs, read, scores, strict=True)]

    def _reply(self, pair: tuple[str, str], read: Pair | Failed, scores: Scores | Failed) -> Reply | Failed:
        if isinstance(read, Failed):
            return read
        if isinstance(scores, Failed):
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
        return Reply(
            tuple(span for span in spans if span.score >= self.settings.least),
            tuple(span for span in variants if span.score >= self.settings.least),
            1.0 - spans[0].score if spans else 1.0,
            yes,
            no,
        )

    def _probability(self, logit: float) -> float:
        return sigmoid((logit - self.settings.bias) / self.settings.temperature)

    def _tokenise(self, texts: Sequence[str]) -> list[Words | Failed]:
        return halve(self._words.read, texts, lambda: None)

    def _pair(self, question: Words | Failed, text: Words | Failed) -> Pair | Failed:
        if isinstance(question, Failed):
            return question
        if isinstance(text, Failed):
            return text
        why = self._objection(question)
        return Pair(question.ids, text) if why is None else Failed(f"QuestionError: {why}")

    def _objection(self, question: Words) -> str | None:
        """What is wrong with a question, if anything."""
        if not len(question):
            return "it has no words"
        window = self.settings.window
        room = window - window // 2 - self._layout.special
        if len(question.ids) > room:
            return (
                f"it has {len(question.ids)} tokens and may have {room}, so that half of a window of {window} is left"
                " to the text; ask it in fewer words"
            )
        return None

    def _compute(self, pairs: Sequence[Pair | Failed], batch: Sequence[Piece]) -> list[Scores]:
        longest = batch[0].length
        ids = np.full((len(batch), longest), self._layout.pad, dtype=np.int64)
        types = np.zeros_like(ids)
        lengths = np.array([piece.length for piece in batch])
        rows, starts, ends = [], [], []
        for row, piece in enumerate(batch):
            pair = pairs[piece.pair]
            assert isinstance(pair, Pair)
            own_ids, own_types, offset = self._layout.row(pair.question, pair.words.ids[piece.start : piece.end])
            ids[row, : piece.length] = own_ids
            types[row, : piece.length] = own_types
            starts.append(pair.words.first[piece.starts] - piece.start + offset)
            ends.append(last_tokens(pair.words)[piece.ends] - piece.start + offset)
            rows += [np.full(len(starts[-1]), row), np.full(len(ends[-1]), row)]
        # One gather: of each row the starts (the first of two outputs), then the ends (the second).
        sizes = [len(columns) for both in zip(starts, ends, strict=True) for columns in both]
        gather = np.stack(
            [
                np.concatenate(rows),
                np.concatenate([columns for both in zip(starts, ends, strict=True) for columns in both]),
                np.repeat(np.arange(len(sizes)) % 2, sizes),
            ]
        )
        mask = None if (lengths == longest).all() else torch.from_numpy(np.arange(longest) < lengths[:, None])
        words, nulls, verdicts = self._infer(
            torch.from_numpy(ids),
            mask,
            torch.from_numpy(types) if self._layout.typed else None,
            torch.from_numpy(gather),
        )
        columns = np.split(words, np.cumsum(sizes)[:-1])
        return [
            Scores(columns[2 * i], columns[2 * i + 1], float(nulls[i]), None if verdicts is None else verdicts[i])
            for i in range(len(batch))
        ]

    @torch.inference_mode()
    def _infer(
        self, ids: torch.Tensor, mask: torch.Tensor | None, types: torch.Tensor | None, gather: torch.Tensor
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
        """Only the words' logits, the first tokens' and the verdicts leave the device."""
        device = self.device
        given = [None if tensor is None else tensor.to(device) for tensor in (mask, types)]
        span, verdict = self._network(ids.to(device), *given)
        span = span.float()
        words, nulls = span[tuple(gather.to(device))], span[:, 0].sum(dim=-1)
        verdicts = None if verdict is None else verdict.float()
        out = [None if tensor is None else tensor.cpu().numpy() for tensor in (words, nulls, verdicts)]
        if not all(np.isfinite(array).all() for array in out if array is not None):
            raise ModelError("the model's output is not a number")
        assert out[0] is not None
        assert out[1] is not None
        return out[0], out[1], out[2]

    def _still_works(self) -> None:
        try:
            nothing = np.zeros(0, dtype=np.int64)
            ids, types, _ = self._layout.row(nothing, nothing)
            self._infer(
                torch.from_numpy(ids)[None],
                None,
                torch.from_numpy(types)[None] if self._layout.typed else None,
                torch.zeros((3, 1), dtype=torch.int64),
            )
        except Exception as error:
            raise ModelError(f"{self.name} fails on every text on {self.device}: {error}") from error


def _join(parts: Sequence[Scores | Failed]) -> Scores | Failed:
    """The windows of one pair, in their order, as one: that which doubts least speaks for the whole text."""
    whole = []
    for part in parts:
        if isinstance(part, Failed):
            return part
        whole.append(part)
    if not whole:
        nothing = np.zeros(0, dtype=np.float32)
        return Scores(nothing, nothing, 0.0, None)
    start, end = (np.concatenate(columns) for columns in zip(*((it.start, it.end) for it in whole), strict=True))
    verdicts = [part.verdict for part in whole if part.verdict is not None]
    verdict = min(verdicts, key=lambda verdict: softmax(verdict)[-1]) if verdicts else None
    return Scores(start, end, min(part.null for part in whole), verdict)
