"""Read the number of people in words or digits: "one hundred and twenty", "1,204", "n = 30"."""

import re
from collections.abc import Sequence

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: i for i, word in enumerate(_ONES)} | {word: 10 * i for i, word in enumerate(_TENS, 2)}
_FACTORS = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORDS = "|".join(sorted((*_VALUES, *_FACTORS), key=len, reverse=True))
_LINK = r"(?:\s*-\s*|\s+and\s+|\s+)"
# Number words in a row: "one hundred and twenty", "forty-eight", "a hundred".
_IN_WORDS = re.compile(
    rf"(?<![a-z])(?:(?:{_WORDS})|an?\s+(?=(?:{'|'.join(_FACTORS)})(?![a-z]))(?:{'|'.join(_FACTORS)}))(?![a-z])"
    rf"(?:{_LINK}(?:{_WORDS})(?![a-z]))*+(?!\s*per\s?cent)",
    re.IGNORECASE,
)
_ONE_WORD = re.compile(_WORDS, re.IGNORECASE)
# 1204, 1,204 or 1 204; no part of a decimal fraction, and no percentage.
_DIGITS = re.compile(
    r"(?<![\d.,·])(\d{1,3}(?:[,\u00a0\u2009\u202f ]\d{3})+|\d+)(?!\d)(?![.,·]\d)(?!\s?(?:%|per\s?cent))"
)
_DASHES = str.maketrans(dict.fromkeys("‐‑–—", "-"))


def parse_count(text: str) -> int | None:
    """The first whole number in a text, in digits or in English words; None if it has none or only a share."""
    text = text.translate(_DASHES)
    digits, words = _DIGITS.search(text), _IN_WORDS.search(text)
    if words is not None and (digits is None or words.start() < digits.start()):
        return _value([word.casefold() for word in _ONE_WORD.findall(words[0])])
    return None if digits is None else int(re.sub(r"\D", "", digits[1]))


def _value(words: Sequence[str]) -> int:
    """The value of number words: a factor multiplies what stands before it, and a thousand or more ends a group."""
    total = group = 0
    for word in words:
        factor = _FACTORS.get(word)
        if factor is None:
            group += _VALUES[word]
        elif factor < 1_000:
            group = max(group, 1) * factor
        else:
            total += max(group, 1) * factor
            group = 0
    return total + group
