"""What mentions are called elsewhere in their article: long forms, and the parts of composite mentions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from litmine.text.abbreviations import find_abbreviations

# A short form in brackets right after its long form: `overactive bladder syndrome (OAB)`.
_LONGEST_SHORT_FORM = 8
_OPENING = re.compile(r"\s?[(\[]\s?")
# `breast and ovarian cancer`, `breast/ovarian cancer`, `brain, breast and prostate cancers`.
_CONJUNCTION = re.compile(r"\s*(?:,\s*(?:and|or)|,|/|\band/or\b|\band\b|\bor\b)\s*")
_MOST_PARTS = 5
_PREPOSITION = re.compile(r"^(.*\b(?:of|in)(?: the)?) (.*)$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention to link: offsets in code points of the text, end exclusive, and the entity type."""

    start: int
    end: int
    entity_type: str

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def title_end(text: str) -> int:
    """Where the first sentence ends, which is the title in most articles; the end of the text if there is one only."""
    ends = [text.find(f"{sign} ") for sign in ".?!"]
    return min((end for end in ends if end > 0), default=len(text))


def full_names(text: str, mentions: Sequence[Mention]) -> list[str]:
    """The name of each mention by which to look it up: the long form of an abbreviation, else the mention itself.

    Definitions are those of `litmine.text.abbreviations`, and mentions in brackets right after another mention of
    their type that begins with the same letter: `phlorizin (P)`.
    """
    defined = dict(_definitions(text))
    by_end = {(one.end, one.entity_type): one for one in mentions}
    for mention in mentions:
        short = mention.of(text)
        if short in defined or not _may_be_short_form(short) or text[mention.end : mention.end + 1] not in (")", "]"):
            continue
        opening = _opening_before(text, mention.start)
        long = by_end.get((opening, mention.entity_type))
        if long is not None and long.end - long.start > len(short) and long.of(text)[0].lower() == short[0].lower():
            defined[short] = long.of(text)
    return [_expand(mention.of(text), defined) for mention in mentions]


@lru_cache(4)
def _definitions(text: str) -> dict[str, str]:
    """Long forms by short form. An article is asked for its genes and for its other mentions."""
    return {one.short_form: one.long_form for one in find_abbreviations(text)}


def _expand(name: str, defined: dict[str, str]) -> str:
    """The long form of a name, also of its plural, or of its first word (`G6PD deficiency`)."""
    if name in defined:
        return defined[name]
    if name.endswith("s") and name[:-1] in defined:
        return defined[name[:-1]]
    first, space, rest = name.partition(" ")
    return f"{defined[first]} {rest}" if space and first in defined and _may_be_short_form(first) else name


def _may_be_short_form(name: str) -> bool:
    return len(name) <= _LONGEST_SHORT_FORM and any(char.isupper() for char in name) and " " not in name


def _opening_before(text: str, start: int) -> int:
    """Where the text before an opening bracket at `start` ends; -1 without such a bracket."""
    for length in (1, 2, 3):
        if start >= length and _OPENING.fullmatch(text, start - length, start):
            before = start - length
            return before - 1 if text[before - 1 : before] == " " else before
    return -1


def parts_of_composite(name: str) -> list[str]:
    """The names that a composite mention joins, such as `breast cancer` and `ovarian cancer`; empty for other mentions.

    They share the words after the last part (`breast and ovarian cancer`) or before the first (`cancer of the breast
    and ovary`). Whether the parts are names of something is for the caller to find out.
    """
    pieces = [piece for piece in _CONJUNCTION.split(name) if piece]
    if not 2 <= len(pieces) <= _MOST_PARTS:
        return []
    before = _PREPOSITION.match(pieces[0])
    if before:
        return [pieces[0], *(piece if _PREPOSITION.match(piece) else f"{before[1]} {piece}" for piece in pieces[1:])]
    head = pieces[-1].split(" ")
    if len(head) < 2:
        return pieces
    # Each part is complete by itself if it has as many words as the last one.
    return [*(_with_head(piece, head) for piece in pieces[:-1]), pieces[-1]]


def _with_head(piece: str, last: Sequence[str]) -> str:
    words = piece.split(" ")
    return piece if len(words) >= len(last) else " ".join([*words, *last[len(words) :]])


def distinct(names: Iterable[str]) -> list[str]:
    """The names without those that stand earlier in the list."""
    return list(dict.fromkeys(names))
