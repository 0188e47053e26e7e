"""The unit of work of question answering: a slice of question-text pairs, read by one reader into one file.

A slice is the target of the pairs in it, so that new articles or questions cost only their own pairs.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from litmine.errors import LakeError, QuestionError
from litmine.lake.articles import TextWithRegions, read_texts
from litmine.lake.paths import LakePath
from litmine.lake.readings import QuestionTextPair, ReadingsFooter, slice_path, write_readings
from litmine.lake.runs import Gap
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.contract import ComputeInfo, ModelSpec, StepResult, WorkerModels
from litmine.tasks.qa.pairs import ReaderInput
from litmine.types import ReaderOutput
from litmine.versions import versions

_TABLE = "readings"
# Pairs are split into about _SLICES slices of _MIN_PAIRS to _MAX_PAIRS pairs.
_MIN_PAIRS, _MAX_PAIRS, _SLICES = 64, 2_048, 16
# Characters of a question that a gap quotes.
_MAX_QUOTE = 80


@dataclass(frozen=True, slots=True)
class SliceUnit:
    """Pairs for one reader. Each pair comes with the name of the article part that holds its text.

    questions: (digest, question) of the questions in the pairs.
    """

    lake: LakePath
    pairs: tuple[tuple[QuestionTextPair, str], ...]
    questions: tuple[tuple[int, str], ...]
    model_spec: ModelSpec

    @property
    def model_specs(self) -> tuple[ModelSpec, ...]:
        return (self.model_spec,)

    @property
    def tables(self) -> Sequence[str]:
        return [_TABLE]

    @property
    def size(self) -> int:
        return len(self.pairs)

    @property
    def name(self) -> str:
        target = self.target
        return f"readings/{target.parent.name}/{target.name}"

    @property
    def target(self) -> LakePath:
        """The path of the slice's file."""
        return slice_path(self.lake, self.model_spec.model, [pair for pair, _ in self.pairs])

    def remaining(self) -> "SliceUnit | None":
        return None if self.target.exists() else self

    def load(self) -> "LoadedSlice":
        """Read the texts. Pairs with a text in a damaged part are left out, and the next run tries them again."""
        texts: dict[tuple[int, int], TextWithRegions] = {}
        damaged: dict[str, str] = {}
        for part, pairs_of_part in groupby(self.pairs, key=lambda one: one[1]):
            wanted = {(pair.pmid, pair.text_hash) for pair, _ in pairs_of_part}
            try:
                texts |= read_texts(self.lake / "articles" / f"{part}.parquet", wanted)
            except LakeError as error:
                damaged[part] = str(error)
        pairs = [pair for pair, part in self.pairs if part not in damaged]
        questions = dict(self.questions)
        items = [ReaderInput(questions[pair.question_digest], *texts[pair.pmid, pair.text_hash]) for pair in pairs]
        gaps = tuple(Gap(f"articles/{part}.parquet", why) for part, why in damaged.items())
        return LoadedSlice(self, pairs, items, gaps)


@dataclass(frozen=True, slots=True)
class LoadedSlice:
    """A slice in memory: its pairs, their questions and texts as items, and a gap for each part that cannot be read."""

    unit: SliceUnit
    pairs: Sequence[QuestionTextPair]
    items: Sequence[ReaderInput]
    gaps: tuple[Gap, ...]

    @property
    def models(self) -> Sequence[str]:
        return [self.unit.model_spec.model]

    def write(
        self, models: WorkerModels, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        if not self.pairs:
            return [StepResult(_TABLE, gaps=self.gaps, exists=False, written=False)]
        started = time.monotonic()
        model = self.unit.model_spec.model
        decoded = models.model(model).decode(self.items, read, labels[model], ())
        outputs = [output.why if isinstance(output, FailedItem) else output for output in decoded]
        decoding = time.monotonic() - started
        footer = ReadingsFooter(
            model, len(self.pairs), info.device, info.precision, info.seconds, info.tokens, versions()
        )
        texts, regions = [item.text for item in self.items], [item.regions for item in self.items]
        written = write_readings(self.unit.target, self.pairs, texts, outputs, footer, regions)
        rows = sum(len(output.spans) for output in outputs if isinstance(output, ReaderOutput))
        gaps = (*self.gaps, *self._failed_pairs(outputs))
        writing = time.monotonic() - started - decoding
        return [StepResult(_TABLE, rows, gaps, written=written, decode=decoding, write=writing)]

    def _failed_pairs(self, outputs: Sequence[ReaderOutput | str]) -> list[Gap]:
        """A gap for each pair that failed; a question that the reader refuses is one gap."""
        model = self.unit.model_spec.model
        gaps = (
            _failed_pair(model, pair, item.question, output)
            for pair, item, output in zip(self.pairs, self.items, outputs, strict=True)
            if isinstance(output, str)
        )
        return list(dict.fromkeys(gaps))


def _failed_pair(model: str, pair: QuestionTextPair, question: str, why: str) -> Gap:
    quote = question if len(question) <= _MAX_QUOTE else f"{question[:_MAX_QUOTE]}…"
    error, _, message = why.partition(": ")
    # An error in a question does not depend on the text, so the gap names no PMID.
    if error == QuestionError.__name__:
        return Gap(f"question {quote!r}", f"{model}: {message}")
    return Gap(f"PMID {pair.pmid}", f"{model} on question {quote!r}: {why}")


def split_into_slices(
    lake: LakePath,
    pairs: Sequence[tuple[QuestionTextPair, str]],
    questions: Mapping[int, str],
    model_spec: ModelSpec,
) -> Iterator[SliceUnit]:
    """Split pairs, each with the name of its part, into units.

    `pairs` are in the order of their parts, so that few units read the same part. `questions` are by digest.
    """
    size = min(_MAX_PAIRS, max(_MIN_PAIRS, -(-len(pairs) // _SLICES)))
    for start in range(0, len(pairs), size):
        slice_pairs = tuple(pairs[start : start + size])
        slice_questions = {pair.question_digest: questions[pair.question_digest] for pair, _ in slice_pairs}
        yield SliceUnit(lake, slice_pairs, tuple(slice_questions.items()), model_spec)
