"""The unit of questions: a slice of pairs of a question and a text, read by one reader, to a file of readings."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from litmine.errors import LakeError, QuestionError
from litmine.lake.articles import texts_of
from litmine.lake.paths import Place
from litmine.lake.readings import Pair, ReadingsFooter, slice_file, write_readings
from litmine.lake.runs import Gap
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.contract import ComputeInfo, Loading, Models, StepResult
from litmine.types import ReaderOutput
from litmine.versions import versions

_TABLE = "readings"
# A slice has at least and at most so many pairs, and between them as many as make so many slices.
_LEAST, _MOST, _SLICES = 64, 2_048, 16
# Characters of a question that a gap quotes.
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class SliceUnit:
    """Pairs to be read by one reader: each with the name of the part that holds its text; the questions by digest."""

    lake: Place
    pairs: tuple[tuple[Pair, str], ...]
    questions: tuple[tuple[int, str], ...]
    loading: Loading

    @property
    def loadings(self) -> tuple[Loading, ...]:
        return (self.loading,)

    @property
    def tables(self) -> Sequence[str]:
        return [_TABLE]

    @property
    def size(self) -> int:
        return len(self.pairs)

    def left(self) -> "SliceUnit | None":
        return None if self.target.exists() else self

    @property
    def name(self) -> str:
        target = self.target
        return f"readings/{target.parent.name}/{target.name}"

    @property
    def target(self) -> Place:
        return slice_file(self.lake, self.loading.model, [pair for pair, _ in self.pairs])

    def take(self) -> "SliceInHand":
        """What of it can be read: a damaged part costs its own pairs, which are left for the next run."""
        texts: dict[tuple[int, int], str] = {}
        damaged: dict[str, str] = {}
        for part, own in groupby(self.pairs, key=lambda one: one[1]):
            wanted = {(pair.pmid, pair.text_hash) for pair, _ in own}
            try:
                texts |= texts_of(self.lake / "articles" / f"{part}.parquet", wanted)
            except LakeError as error:
                damaged[part] = str(error)
        pairs = [pair for pair, part in self.pairs if part not in damaged]
        asked = dict(self.questions)
        items = [(asked[pair.question_digest], texts[pair.pmid, pair.text_hash]) for pair in pairs]
        return SliceInHand(
            self, pairs, items, tuple(Gap(f"articles/{part}.parquet", why) for part, why in damaged.items())
        )


@dataclass(frozen=True, slots=True)
class SliceInHand:
    """The questions and texts of a slice in a worker's hand, and the parts that could not be read."""

    unit: SliceUnit
    pairs: Sequence[Pair]
    items: Sequence[tuple[str, str]]
    gaps: tuple[Gap, ...]

    @property
    def models(self) -> Sequence[str]:
        return [self.unit.loading.model]

    def write(
        self, models: Models, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        if not self.pairs:
            return [StepResult(_TABLE, gaps=self.gaps, made=False, written=False)]
        started = time.monotonic()
        name = self.unit.loading.model
        replies = models.model(name).decode(self.items, read, labels[name], ())
        told = [reply.why if isinstance(reply, FailedItem) else reply for reply in replies]
        decoding = time.monotonic() - started
        footer = ReadingsFooter(
            name, len(self.pairs), info.device, info.precision, info.seconds, info.tokens, versions()
        )
        written = write_readings(self.unit.target, self.pairs, [text for _, text in self.items], told, footer)
        failed = (
            _gap(name, pair, question, reply)
            for pair, (question, _), reply in zip(self.pairs, self.items, told, strict=True)
            if isinstance(reply, str)
        )
        gaps = (*self.gaps, *dict.fromkeys(failed))
        answers = sum(len(reply.spans) for reply in told if isinstance(reply, ReaderOutput))
        writing = time.monotonic() - started - decoding
        return [StepResult(_TABLE, answers, gaps, written=written, decode=decoding, write=writing)]


def _gap(model: str, pair: Pair, question: str, why: str) -> Gap:
    """What is wrong with a question is wrong with it beside every text, and is said once."""
    shown = question if len(question) <= _SHOWN else f"{question[:_SHOWN]}…"
    fault, _, said = why.partition(": ")
    if fault == QuestionError.__name__:
        return Gap(f"question {shown!r}", f"{model}: {said}")
    return Gap(f"PMID {pair.pmid}", f"{model}, asked {shown!r}: {why}")


def slices(
    lake: Place, pairs: Sequence[tuple[Pair, str]], questions: Mapping[int, str], loading: Loading
) -> Iterator[SliceUnit]:
    """Cut pairs, in the order of their parts so that each part is read by few, into tasks."""
    size = min(_MOST, max(_LEAST, -(-len(pairs) // _SLICES)))
    for start in range(0, len(pairs), size):
        own = tuple(pairs[start : start + size])
        asked = {pair.question_digest: questions[pair.question_digest] for pair, _ in own}
        yield SliceUnit(lake, own, tuple(asked.items()), loading)
