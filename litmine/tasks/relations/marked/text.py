"""Show a pair of mentions to a classifier of texts: the sentences around the pair, with both mentions marked or masked.

The result is a plain string, so that any tokenizer of the Hugging Face layout reads it as the classifier learnt it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from litmine.tasks.relations.pairs import CandidatePair

Range = tuple[int, int]
MENTION, TYPE = "{mention}", "{type}"
# Stands for the text between two mentions that is left out.
GAP = " ... "


@dataclass(frozen=True)
class Marking:
    """How the two mentions of a pair are written.

    subject, object: templates, in which `{mention}` stands for the words of the mention and `{type}` for the name of
    its type. A template without `{mention}` masks the mention. type_names: (entity type, name) where a name is not the
    type in capital letters.
    """

    subject: str
    object: str
    type_names: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.masks != (MENTION not in self.object):
            raise ValueError("its subject and object must both have {mention}, or neither")
        for template in (self.subject, self.object):
            if not template.replace(MENTION, "").strip() or template.count(MENTION) > 1:
                raise ValueError(f"{template!r} marks no mention; write a marker around one {MENTION}, or a mask")

    @property
    def masks(self) -> bool:
        """Whether the words of the mentions are hidden."""
        return MENTION not in self.subject

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of entity types by type, of those that are not the type in capital letters."""
        return dict(self.type_names)

    def parts(self, template: str, entity_type: str) -> tuple[str, str]:
        """What stands before and after the words of a mention; a mask is all before."""
        name = self.names.get(entity_type, entity_type.upper())
        before, _, after = template.replace(TYPE, name).partition(MENTION)
        return before, after


# Markers are tokens of their own, so they are never parts of words.
MARKERS = Marking("[S1] {mention} [S2]", "[O1] {mention} [O2]")
# BioBERT's way for its relation corpora (Lee et al. 2020, Bioinformatics 36(4)).
MASKS = Marking("@{type}$", "@{type}$")


@dataclass(frozen=True, slots=True)
class MarkedString:
    """A marked string, and where the two marked mentions are in it, with their markers, in the order of the text."""

    text: str
    first: Range
    second: Range


def pair_stretch(pair: CandidatePair, sentences: Sequence[Range]) -> Range:
    """Start and end of the sentences from one mention of a pair to the other, in code points.

    sentences: start and end of each, in order. A mention outside of any sentence extends the stretch.
    """
    start = min(pair.subject.start, pair.object.start)
    end = max(pair.subject.end, pair.object.end)
    first = bisect_right(sentences, start, key=lambda one: one[0]) - 1
    last = bisect_left(sentences, end, key=lambda one: one[1])
    if first >= 0 and sentences[first][1] > start:
        start = sentences[first][0]
    if last < len(sentences) and sentences[last][0] < end:
        end = sentences[last][1]
    return start, end


def mark_pair(text: str, pair: CandidatePair, stretch: Range, marking: Marking, reserved: "Reserved") -> MarkedString:
    """The stretch of the text with the pair's mentions marked.

    reserved: strings that a text cannot contain. Of mentions that overlap, the masks stand for both together, and the
    markers of each stand around its words.
    """
    spans = (pair.subject.start, pair.subject.end), (pair.object.start, pair.object.end)
    templates = (marking.subject, pair.subject.entity_type), (marking.object, pair.object.entity_type)
    parts = [marking.parts(*one) for one in templates]
    order = [0, 1] if (spans[0][0], -spans[0][1]) <= (spans[1][0], -spans[1][1]) else [1, 0]
    (first, second), (begin, finish) = (spans[i] for i in order), (parts[i] for i in order)
    if second[0] >= first[1]:
        pieces = [
            text[stretch[0] : first[0]], _shown(text, first, begin, marking, reserved),
            text[first[1] : second[0]], _shown(text, second, finish, marking, reserved),
            text[second[1] : stretch[1]],
        ]  # fmt: skip
        pieces = [reserved.escape(piece) if i % 2 == 0 else piece for i, piece in enumerate(pieces)]
        ends = [sum(map(len, pieces[: i + 1])) for i in range(4)]
        return MarkedString("".join(pieces), (ends[0], ends[1]), (ends[2], ends[3]))
    both = first[0], max(first[1], second[1])
    before, after = (reserved.escape(text[a:b]) for a, b in ((stretch[0], both[0]), (both[1], stretch[1])))
    if marking.masks:
        shown = f"{begin[0]} {finish[0]}"
    else:
        inserted = [
            (first[0], begin[0]), (second[0], finish[0]),
            *sorted([(second[1], finish[1]), (first[1], begin[1])], key=lambda one: one[0]),
        ]  # fmt: skip
        at, shown = both[0], ""
        for place, marker in inserted:
            shown += reserved.escape(text[at:place]) + marker
            at = place
    together = len(before), len(before) + len(shown)
    return MarkedString(before + shown + after, together, together)


def _shown(text: str, span: Range, parts: tuple[str, str], marking: Marking, reserved: "Reserved") -> str:
    return parts[0] if marking.masks else parts[0] + reserved.escape(text[span[0] : span[1]]) + parts[1]


class Reserved:
    """The added tokens of a tokenizer, such as `[SEP]`: a text must not contain them."""

    def __init__(self, tokens: Iterable[str]) -> None:
        ordered = sorted({one for one in tokens if len(one) > 1}, key=lambda one: (-len(one), one))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def escape(self, text: str) -> str:
        """The text with a space after the first character of each of the tokens."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def shorten(marked: MarkedString, tokens: Sequence[Range], words: Sequence[int | None], limit: int) -> MarkedString:
    """The marked string cut to about `limit` tokens around both mentions; whole words, and no part of a marker.

    tokens: start and end of each token of the string; words: the number of each token's word. Where the mentions are
    too far apart, the text between them is left out. A mention that is itself too long stays.
    """
    if len(tokens) <= limit:
        return marked
    starts = [start for start, _ in tokens]
    places = [_token_range(starts, span) for span in (marked.first, marked.second)]
    together = places[0][0], places[1][1]
    if together[1] - together[0] <= limit:
        kept = [_widen(together, len(tokens), limit)]
    else:
        kept = [_widen(place, len(tokens), (limit - 1) // 2) for place in places]
    kept = [
        _whole_words(one, inside, words)
        for one, inside in zip(kept, places if len(kept) > 1 else [together], strict=True)
    ]
    if len(kept) > 1 and kept[0][1] >= kept[1][0]:
        kept = [(kept[0][0], kept[1][1])]
    ranges = [(tokens[a][0], tokens[b - 1][1]) for a, b in kept]
    return _cut(marked, ranges)


def _token_range(starts: Sequence[int], span: Range) -> Range:
    """The tokens that begin in a span."""
    first = bisect_left(starts, span[0])
    return first, max(first + 1, bisect_left(starts, span[1]))


def _widen(inner: Range, size: int, limit: int) -> Range:
    """A range of about `limit` around another, as much on one side as on the other where there is room."""
    spare = max(0, limit - (inner[1] - inner[0]))
    before = min(inner[0], max(spare // 2, spare - (size - inner[1])))
    return inner[0] - before, min(size, inner[1] + spare - before)


def _whole_words(cut: Range, inner: Range, words: Sequence[int | None]) -> Range:
    """The cut without parts of words at its ends, but never less than `inner`."""
    start, end = cut
    while 0 < start < inner[0] and words[start] is not None and words[start] == words[start - 1]:
        start += 1
    while inner[1] < end < len(words) and words[end] is not None and words[end] == words[end - 1]:
        end -= 1
    return start, end


def _cut(marked: MarkedString, ranges: Sequence[Range]) -> MarkedString:
    """The ranges of a marked text, joined by `GAP`."""

    def moved(place: int) -> int:
        at = 0
        for start, end in ranges:
            if place <= end:
                return at + max(0, place - start)
            at += end - start + len(GAP)
        return at - len(GAP)

    text = GAP.join(marked.text[start:end] for start, end in ranges)
    first, second = ((moved(span[0]), moved(span[1])) for span in (marked.first, marked.second))
    return MarkedString(text, first, second)
