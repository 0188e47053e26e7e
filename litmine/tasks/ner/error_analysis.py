"""Error analysis: classify the differences of gold and predicted spans into five kinds, and rank the most frequent.

The kinds follow MUC-5 (Chinchor and Sundheim 1993: incorrect, partial, missing, spurious). Partial matches are divided
by whether the type is right, as in SemEval-2013 task 9.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from litmine.corpora.corpus import Passage
from litmine.types import Span

KINDS = {
    "boundary": "overlap, same type, different bounds",
    "type": "same bounds, different type",
    "boundary+type": "overlap, different bounds and type",
    "missed": "gold mention without a predicted one",
    "invented": "predicted mention without a gold one",
}
# Which pairs of overlapping spans each kind covers; earlier kinds take precedence.
_PAIRS: dict[str, Callable[[Span, Span], bool]] = {
    "boundary": lambda gold, found: gold.entity_type == found.entity_type,
    "type": lambda gold, found: (gold.start_char, gold.end_char) == (found.start_char, found.end_char),
    "boundary+type": lambda _gold, _found: True,
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A gold mention, a predicted one (`found`), or an overlapping pair that differs.

    `kind` is one of KINDS; at most one of `gold` and `found` is None. `passage` is an index from 0. Offsets refer to
    `text`, the whole passage.
    """

    kind: str
    passage: int
    text: str
    gold: Span | None
    found: Span | None

    @property
    def bounds(self) -> tuple[int, int]:
        """Start and end of the gold and the predicted mention together."""
        spans = [span for span in (self.gold, self.found) if span]
        return min(span.start_char for span in spans), max(span.end_char for span in spans)

    @property
    def entity_types(self) -> set[str]:
        """The types of the gold and the predicted mention."""
        return {span.entity_type for span in (self.gold, self.found) if span}

    def context(self, width: int) -> tuple[str, str, str]:
        """Up to `width` characters before the bounds, the text within, and up to `width` after."""
        start, end = self.bounds
        return self.text[max(start - width, 0) : start], self.text[start:end], self.text[end : end + width]


def find_mistakes(passages: Sequence[Passage], predicted: Sequence[Sequence[Span]]) -> list[Mistake]:
    """The mistakes of each passage, in order.

    A mention is part of one mistake at most: pairs of one type come first, then of the same bounds, then any overlap,
    longest overlap first. So the kinds boundary, type, boundary+type and missed sum to the gold mentions that
    are not correct, and boundary, type, boundary+type and invented to the predicted ones that are not.
    """
    mistakes: list[Mistake] = []
    for number, (passage, spans) in enumerate(zip(passages, predicted, strict=True)):
        correct = set(passage.spans).intersection(spans)
        gold, found = _ordered(set(passage.spans) - correct), _ordered(set(spans) - correct)
        pairs = _pair(gold, found)
        pairs += [("missed", span, None) for span in gold] + [("invented", None, span) for span in found]
        of_passage = [Mistake(kind, number, passage.text, wanted, got) for kind, wanted, got in pairs]
        mistakes += sorted(of_passage, key=lambda mistake: mistake.bounds)
    return mistakes


def count_kinds(mistakes: Iterable[Mistake]) -> dict[str, int]:
    """The number of mistakes of each kind."""
    counts = Counter(mistake.kind for mistake in mistakes)
    return {kind: counts[kind] for kind in KINDS}


def most_frequent(mistakes: Iterable[Mistake], most: int) -> dict[str, list[tuple[int, Mistake]]]:
    """At most `most` mistakes of each kind, frequent ones first, with count and first occurrence; case is ignored."""
    counts: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], Mistake] = {}
    for mistake in mistakes:
        key: tuple[str, ...] = (
            mistake.kind,
            *_folded(mistake.text, mistake.gold),
            *_folded(mistake.text, mistake.found),
        )
        counts[key] += 1
        first.setdefault(key, mistake)
    groups: dict[str, list[tuple[int, Mistake]]] = {kind: [] for kind in KINDS}
    for key, count in counts.most_common():
        if len(groups[key[0]]) < most:
            groups[key[0]].append((count, first[key]))
    return groups


def _pair(gold: list[Span], found: list[Span]) -> list[tuple[str, Span | None, Span | None]]:
    """Pair overlapping spans and remove them from `gold` and `found`."""
    overlapping = [(wanted, got) for wanted in gold for got in found if _overlap(wanted, got) > 0]
    overlapping.sort(key=lambda pair: -_overlap(*pair))
    pairs: list[tuple[str, Span | None, Span | None]] = []
    for kind, matches in _PAIRS.items():
        for wanted, got in overlapping:
            if wanted in gold and got in found and matches(wanted, got):
                gold.remove(wanted)
                found.remove(got)
                pairs.append((kind, wanted, got))
    return pairs


def _overlap(one: Span, other: Span) -> int:
    return min(one.end_char, other.end_char) - max(one.start_char, other.start_char)


def _ordered(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start_char, span.end_char, span.entity_type))


def _folded(text: str, span: Span | None) -> tuple[str, str]:
    return ("", "") if span is None else (text[span.start_char : span.end_char].casefold(), span.entity_type)
