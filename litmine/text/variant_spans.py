"""The mention of a variant, and the span of a pattern's match."""

import re
from dataclasses import dataclass

_PAIRS = {"(": ")", "[": "]"}
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}


@dataclass(frozen=True, slots=True)
class Variant:
    """A mention: `text[start_char:end_char]`, and its identifier, None if the text does not say enough for one."""

    start_char: int
    end_char: int
    identifier: str | None


def mention(match: re.Match[str], identifier: str | None) -> Variant:
    """The mention of a match, without spaces and brackets around it, or a bracket that it does not open or close."""
    start, written = match.start(), match[0]
    while written:
        first, last = written[0], written[-1]
        if _encloses(written):
            start, written = start + 1, written[1:-1]
        elif last.isspace() or (last in _OPENING and written.count(last) > written.count(_OPENING[last])):
            written = written[:-1]
        elif first.isspace() or (first in _PAIRS and written.count(first) > written.count(_PAIRS[first])):
            start, written = start + 1, written[1:]
        else:
            break
    return Variant(start, start + len(written), identifier)


def _encloses(written: str) -> bool:
    """Whether the first and the last character are a pair of brackets."""
    closing = _PAIRS.get(written[0])
    if closing is None or written[-1] != closing:
        return False
    depth = 0
    for at, char in enumerate(written):
        depth += (char == written[0]) - (char == closing)
        if depth == 0:
            return at == len(written) - 1
    return False
