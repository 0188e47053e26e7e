"""The words of a name in one spelling, so that names that are written differently can be compared.

Two names with the same `form` mean the same, nearly always: `Diseases, Kidney` and `kidney disease`, `TNF-α` and `TNF
alpha`, `haemorrhage` and `hemorrhage`. `word_classes` goes further, for comparison only: `cancer`, `tumour` and
`neoplasms` are one word.
"""

from collections.abc import Sequence
from functools import lru_cache

from litmine.vocabulary.normalise import Agreement, split_tokens

__all__ = ["Agreement", "agreement", "characters", "form", "numbers", "stem", "tokens", "word_classes"]

# Names and words of which the tokens and forms are kept, for names that come again.
_KEPT = 1 << 14
# Words that tell no concept from another.
_SMALL_WORDS = frozenset(
    "of the with in to a an by for on as at from due associated nos unspecified".split()  # noqa: SIM905
)
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
# British letters and the American ones, in the order in which they are replaced.
_SPELLINGS = (
    ("tumour", "tumor"), ("isation", "ization"), ("sulph", "sulf"), ("leuk", "leuc"), ("colour", "color"),
    ("behaviour", "behavior"), ("fibre", "fiber"), ("centre", "center"), ("litre", "liter"), ("ae", "e"), ("oe", "e"),
)  # fmt: skip
# Words that names of diseases use for each other.
_CLASSES = {
    "cancer": "neoplasm", "tumor": "neoplasm", "malignancy": "neoplasm", "disorder": "disease", "kidney": "renal",
    "hepatic": "liver", "cardiac": "heart", "intoxication": "toxicity", "poisoning": "toxicity", "toxic": "toxicity",
}  # fmt: skip


def agreement(first: str, second: str) -> Agreement:
    """How well two names agree; WORDS if they have one `form`."""
    if first == second:
        return Agreement.EXACT
    if first.lower() == second.lower():
        return Agreement.CASE
    if "".join(tokens(first)) == "".join(tokens(second)):
        return Agreement.CHARACTERS
    return Agreement.WORDS if form(first) == form(second) else Agreement.NONE


@lru_cache(_KEPT)
def tokens(name: str) -> tuple[str, ...]:
    """Runs of letters and runs of digits in lower case, without accents, Greek letters spelled out."""
    return tuple(split_tokens(name))


@lru_cache(_KEPT)
def form(name: str) -> str:
    """The words of a name in one spelling and sorted; the name in lower case if it has no letters and digits."""
    found = sorted(stem(token) for token in tokens(name) if token not in _SMALL_WORDS)
    return " ".join(found) or " ".join(name.lower().split())


def characters(name: str) -> str:
    """The letters and digits of a name in their order, for names in which spaces and signs count for nothing."""
    return "".join(tokens(name))


@lru_cache(_KEPT)
def word_classes(name: str) -> tuple[str, ...]:
    """The words of a name in one spelling, in their order, synonyms such as `cancer` and `tumour` as one word."""
    stems = (stem(token) for token in tokens(name) if token not in _SMALL_WORDS)
    return tuple(_CLASSES.get(one, one) for one in stems)


def numbers(words: Sequence[str]) -> set[str]:
    """The numbers among some words."""
    return {word for word in words if word.isdigit()}


@lru_cache(_KEPT)
def stem(word: str) -> str:
    """A word in the singular and in American spelling, a Roman numeral as a number. It need not be a word."""
    if word in _ROMAN:
        return _ROMAN[word]
    if len(word) <= 4:
        return word
    for british, american in _SPELLINGS:
        word = word.replace(british, american)
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
