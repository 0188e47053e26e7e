"""The task of a reader: a slice of questions and texts to readings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from litmine.errors import LakeError, QuestionError
from litmine.lake.articles import texts_of
from litmine.lake.place import Place
from litmine.lake.readings import Pair, ReadingsFooter, slice_file, write_readings
from litmine.lake.runs import Gap
from litmine.nn.failure_isolation import Failed
from litmine.tasks.contract import Loading, Made, Written
from litmine.types import Reply
from litmine.versions import versions

# A slice has at least and at most so many pairs, and between them as many as make so many slices.
_LEAST, _MOST, _SLICES = 64, 2_048, 16
# Characters of a question that a gap quotes.
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class SliceTask:
    """Pairs to be read by one reader: each with the name of the part that holds its text; the questions by digest."""

    lake: Place
    pairs: tuple[tuple[Pair, str], ...]
    questions: tuple[tuple[int, str], ...]
    loading: Loading

    @property
    def size(self) -> int:
        return len(self.pairs)

    @property
    def name(self) -> str:
        target = self.target
        return f"readings/{target.parent.name}/{target.name}"

    @property
    def target(self) -> Place:
        return slice_file(self.lake, self.loading.model, [pair for pair, _ in self.pairs])

    def take(self) -> "Slice":
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
        return Slice(self, pairs, items, tuple(Gap(f"articles/{part}.parquet", why) for part, why in damaged.items()))


@dataclass(frozen=True, slots=True)
class Slice:
    """The questions and texts of a slice in a worker's hand, and the parts that could not be read."""

    task: SliceTask
    pairs: Sequence[Pair]
    items: Sequence[tuple[str, str]]
    gaps: tuple[Gap, ...]

    def write(self, found: Sequence[Reply | Failed], made: Made) -> Written:
        if not self.pairs:
            return Written(False, 0, self.gaps)
        model = self.task.loading.model
        footer = ReadingsFooter(
            model, len(self.pairs), made.device, made.precision, made.seconds, made.tokens, versions()
        )
        replies = [reply.why if isinstance(reply, Failed) else reply for reply in found]
        written = write_readings(self.task.target, self.pairs, [text for _, text in self.items], replies, footer)
        failed = (
            _gap(model, pair, question, reply)
            for pair, (question, _), reply in zip(self.pairs, self.items, replies, strict=True)
            if isinstance(reply, str)
        )
        answers = sum(len(reply.spans) for reply in replies if isinstance(reply, Reply))
        return Written(written, answers, (*self.gaps, *dict.fromkeys(failed)))


def _gap(model: str, pair: Pair, question: str, why: str) -> Gap:
    """What is wrong with a question is wrong with it beside every text, and is said once."""
    shown = question if len(question) <= _SHOWN else f"{question[:_SHOWN]}…"
    fault, _, said = why.partition(": ")
    if fault == QuestionError.__name__:
        return Gap(f"question {shown!r}", f"{model}: {said}")
    return Gap(f"PMID {pair.pmid}", f"{model}, asked {shown!r}: {why}")


def slices(
    lake: Place, pairs: Sequence[tuple[Pair, str]], questions: Mapping[int, str], loading: Loading
) -> Iterator[SliceTask]:
    """Cut pairs, in the order of their parts so that each part is read by few, into tasks."""
    size = min(_MOST, max(_LEAST, -(-len(pairs) // _SLICES)))
    for start in range(0, len(pairs), size):
        own = tuple(pairs[start : start + size])
        asked = {pair.question_digest: questions[pair.question_digest] for pair, _ in own}
        yield SliceTask(lake, own, tuple(asked.items()), loading)
