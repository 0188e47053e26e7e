"""What a model gets wrong: gold and found spans in, mistakes of five kinds out, and the most frequent of each.

The kinds are those of MUC-5 (Chinchor and Sundheim 1993: incorrect, partial, missing, spurious), the partial ones told
apart by their type as in SemEval-2013 task 9.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from litmine.corpora.corpus import Passage
from litmine.types import Span

KINDS = {
    "boundary": "overlap, same type, other bounds",
    "type": "same bounds, other type",
    "boundary+type": "overlap, other bounds and type",
    "missed": "in the corpus, nothing found there",
    "invented": "found, nothing there in the corpus",
}
_PAIRS: dict[str, Callable[[Span, Span], bool]] = {
    "boundary": lambda gold, found: gold.entity_type == found.entity_type,
    "type": lambda gold, found: (gold.start_char, gold.end_char) == (found.start_char, found.end_char),
    "boundary+type": lambda _gold, _found: True,
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A gold mention, a found one, or an overlapping pair of them that differ; `passage` counts from 0.

    `kind` is one of KINDS; of `gold` and `found` at most one is None. Offsets are of `text`, the whole passage.
    """

    kind: str
    passage: int
    text: str
    gold: Span | None
    found: Span | None

    @property
    def bounds(self) -> tuple[int, int]:
        """Where the gold and the found mention stand, taken together."""
        spans = [span for span in (self.gold, self.found) if span]
        return min(span.start_char for span in spans), max(span.end_char for span in spans)

    @property
    def entity_types(self) -> set[str]:
        """The types of the gold and the found mention."""
        return {span.entity_type for span in (self.gold, self.found) if span}

    def context(self, width: int) -> tuple[str, str, str]:
        """Up to `width` characters before the bounds, what stands within, and up to `width` after."""
        start, end = self.bounds
        return self.text[max(start - width, 0) : start], self.text[start:end], self.text[end : end + width]


def find_mistakes(passages: Sequence[Passage], predicted: Sequence[Sequence[Span]]) -> list[Mistake]:
    """The mistakes of each passage, in order.

    A mention stands in one mistake at most: first pairs of one type, then of the same bounds, then of any overlap, the
    longest overlap first. So boundary + type + boundary+type + missed = gold - right, and with invented for missed,
    found - right.
    """
    mistakes: list[Mistake] = []
    for number, (passage, spans) in enumerate(zip(passages, predicted, strict=True)):
        right = set(passage.spans).intersection(spans)
        gold, found = _ordered(set(passage.spans) - right), _ordered(set(spans) - right)
        pairs = _pair(gold, found)
        pairs += [("missed", span, None) for span in gold] + [("invented", None, span) for span in found]
        of_passage = [Mistake(kind, number, passage.text, wanted, got) for kind, wanted, got in pairs]
        mistakes += sorted(of_passage, key=lambda mistake: mistake.bounds)
    return mistakes


def count_kinds(mistakes: Iterable[Mistake]) -> dict[str, int]:
    """How many mistakes of each kind there are."""
    counts = Counter(mistake.kind for mistake in mistakes)
    return {kind: counts[kind] for kind in KINDS}


def most_frequent(mistakes: Iterable[Mistake], most: int) -> dict[str, list[tuple[int, Mistake]]]:
    """Of each kind the `most` frequent, with their number and the first of them; the case of letters does not count."""
    counts: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], Mistake] = {}
    for mistake in mistakes:
        key: tuple[str, ...] = (mistake.kind, *_same(mistake.text, mistake.gold), *_same(mistake.text, mistake.found))
        counts[key] += 1
        first.setdefault(key, mistake)
    groups: dict[str, list[tuple[int, Mistake]]] = {kind: [] for kind in KINDS}
    for key, count in counts.most_common():
        if len(groups[key[0]]) < most:
            groups[key[0]].append((count, first[key]))
    return groups


def _pair(gold: list[Span], found: list[Span]) -> list[tuple[str, Span | None, Span | None]]:
    """Overlapping spans two by two, taken out of `gold` and `found`."""
    overlapping = [(wanted, got) for wanted in gold for got in found if _overlap(wanted, got) > 0]
    overlapping.sort(key=lambda pair: -_overlap(*pair))
    pairs: list[tuple[str, Span | None, Span | None]] = []
    for kind, belong in _PAIRS.items():
        for wanted, got in overlapping:
            if wanted in gold and got in found and belong(wanted, got):
                gold.remove(wanted)
                found.remove(got)
                pairs.append((kind, wanted, got))
    return pairs


def _overlap(one: Span, other: Span) -> int:
    return min(one.end_char, other.end_char) - max(one.start_char, other.start_char)


def _ordered(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start_char, span.end_char, span.entity_type))


def _same(text: str, span: Span | None) -> tuple[str, str]:
    return ("", "") if span is None else (text[span.start_char : span.end_char].casefold(), span.entity_type)
