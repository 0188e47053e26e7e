"""Find every occurrence of an answer in a text, ignoring case and the punctuation between words.

"Ca2+ ATPase" matches "Ca(2+)-ATPase". An answer of the form "name (NMS)" that does not occur as such is searched for by
its name and by its short form. docs/decisions/0058-answer-alignment.md has the gain over exact matching.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

# A run of letters and digits; an underscore separates words.
_WORD = re.compile(r"[^\W_]+")
_BRACKETED = re.compile(r"(.+?)\s*\(([^()]+)\)\.?")
# What a text may have between two words of an answer, whatever the answer itself has there.
_BETWEEN = r"[\W_]{0,3}"

# Start and end in code points, half-open.
CharSpan = tuple[int, int]


def find_occurrences(answers: Iterable[str], text: str) -> list[CharSpan]:
    """The occurrences of any of the answers in the text, sorted, without duplicates."""
    spans: set[CharSpan] = set()
    for answer in answers:
        found = _find(answer, text)
        if not found and (match := _BRACKETED.fullmatch(answer.strip())):
            found = [*_find(match[1], text), *_find(match[2], text)]
        spans.update(found)
    return sorted(spans)


def _find(answer: str, text: str) -> Sequence[CharSpan]:
    pattern = _pattern(answer)
    return [match.span() for match in pattern.finditer(text)] if pattern else []


@lru_cache(maxsize=4_096)
def _pattern(answer: str) -> re.Pattern[str] | None:
    """The regular expression of an answer; None if it has neither letters nor digits."""
    words = _WORD.findall(answer)
    if not words:
        return None
    # Punctuation before the first or after the last word ("5%", "-70 mV") is part of the answer where the text has it.
    before = re.escape(answer[: answer.index(words[0])].strip())
    after = re.escape(answer[answer.rindex(words[-1]) + len(words[-1]) :].strip().rstrip(".,;:"))
    inner = _BETWEEN.join(map(re.escape, words))
    return re.compile(rf"(?<![^\W_])(?:{before})?{inner}(?:{after})?(?![^\W_])", re.IGNORECASE)
