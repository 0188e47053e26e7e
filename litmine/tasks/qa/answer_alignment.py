"""Where an answer stands in a text: every occurrence, whatever its case and the punctuation between its words.

"Ca2+ ATPase" is found for "Ca(2+)-ATPase". An answer in the form "name (NMS)" that does not stand there as such is
looked for as its name and as its short form. (Gain over the exact string:
docs/decisions/0058-answer-alignment.md.)
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

# A run of letters and digits; underscores part like any other sign.
_WORD = re.compile(r"[^\W_]+")
_BRACKETED = re.compile(r"(.+?)\s*\(([^()]+)\)\.?")
# Signs that may stand between two words of an answer, however the file spells it.
_BETWEEN = r"[\W_]{0,3}"

Place = tuple[int, int]


def occurrences(answers: Iterable[str], text: str) -> list[Place]:
    """The places of any of the answers in the text, half-open, in code points, in order, none twice."""
    places: set[Place] = set()
    for answer in answers:
        found = _places(answer, text)
        if not found and (match := _BRACKETED.fullmatch(answer.strip())):
            found = [*_places(match[1], text), *_places(match[2], text)]
        places.update(found)
    return sorted(places)


def _places(answer: str, text: str) -> Sequence[Place]:
    pattern = _pattern(answer)
    return [match.span() for match in pattern.finditer(text)] if pattern else []


@lru_cache(maxsize=4_096)
def _pattern(answer: str) -> re.Pattern[str] | None:
    """None when the answer has neither letter nor digit."""
    words = _WORD.findall(answer)
    if not words:
        return None
    # A sign beside the first or last word ("5%", "-70 mV") belongs to the answer where it stands there.
    before = re.escape(answer[: answer.index(words[0])].strip())
    after = re.escape(answer[answer.rindex(words[-1]) + len(words[-1]) :].strip().rstrip(".,;:"))
    inner = _BETWEEN.join(map(re.escape, words))
    return re.compile(rf"(?<![^\W_])(?:{before})?{inner}(?:{after})?(?![^\W_])", re.IGNORECASE)
