"""Normal forms of names, and how well two names agree.

Names that mean the same are written in many ways: `HL-60`, `HL 60` and `HL60`; `TNF-α` and `TNF alpha`; `Diseases,
Kidney` and `kidney disease`; `anaemia` and `anemia`. `normalise` gives all of these one form. It is a key for lookup
and no name: the words are sorted and joined. Change `NORMALISATION` whenever the form of any name changes, because
vocabularies are stored in its order.
"""

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache

from litmine.text.greek import GREEK_NAMES_OF_ALL

# The version of `normalise`. A vocabulary that is sorted by another one must be built again.
NORMALISATION = 1

# Old texts write the German letter for a beta.
_GREEK = GREEK_NAMES_OF_ALL | {"ϑ": "theta", "ß": "beta"}
_SPELLED = {ord(letter): f" {name} " for letter, name in _GREEK.items()}
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_IGNORED = frozenset({"and", "of", "the"})
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
# A single letter is a number only after one of these words.
_ROMAN_LETTERS = {"i": "1", "v": "5", "x": "10"}
_NUMBERED = frozenset({"class", "factor", "grade", "group", "phase", "stage", "type"})
_WORD_LETTERS = 3
# MeSH calls every cancer and tumor a neoplasm.
_SAME = {"neoplasm": "cancer", "tumor": "cancer"}


class Agreement(IntEnum):
    """How well two names agree; a greater value is better.

    NONE: they have different words, and no normal form in common.
    WORDS: the normal form only: other order, number, spelling, numerals, or words such as `of`.
    CHARACTERS: the same letters and digits in the same order, with Greek letters spelled out.
    CASE: all but capitals.
    EXACT: every character.
    """

    NONE = 0
    WORDS = 1
    CHARACTERS = 2
    CASE = 3
    EXACT = 4


def normalise(name: str) -> str:
    """The normal form of a name: its words, sorted and joined, and then its other tokens in their order.

    A word has at least three letters; it loses case, accents, the plural and British spelling. Cancer, tumor and
    neoplasm are one word. Numbers, shorter tokens and Roman numerals (as numbers) keep their order. Hyphens and other
    signs count for nothing. A name without letters and digits is its own form.
    """
    words: list[str] = []
    others: list[str] = []
    before = ""
    for token in split_tokens(name):
        if token in _IGNORED:
            continue
        if token in _ROMAN:
            others.append(_ROMAN[token])
        elif before in _NUMBERED and token in _ROMAN_LETTERS:
            others.append(_ROMAN_LETTERS[token])
        elif len(token) >= _WORD_LETTERS and not token[0].isdigit():
            words.append(_stem(token))
        else:
            others.append(token)
        before = token
    words.sort()
    return "".join(words + others) or " ".join(name.lower().split())


def agreement(first: str, second: str) -> Agreement:
    """How well two names agree that have one normal form."""
    if first == second:
        return Agreement.EXACT
    if first.lower() == second.lower():
        return Agreement.CASE
    return Agreement.CHARACTERS if _characters(first) == _characters(second) else Agreement.WORDS


def split_tokens(name: str) -> list[str]:
    """Runs of letters and runs of digits in lower case, without accents, Greek letters spelled out."""
    return _TOKEN.findall(_plain(name))


def _plain(name: str) -> str:
    """The name in lower case, with Greek letters spelled out and without accents."""
    if name.isascii():
        return name.lower()
    decomposed = unicodedata.normalize("NFKD", name.translate(_SPELLED))
    # Decomposition makes Greek letters of some mathematical ones.
    decomposed = decomposed.translate(_SPELLED)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).lower()


def _characters(name: str) -> str:
    return "".join(split_tokens(name))


@lru_cache(1 << 16)
def _stem(word: str) -> str:
    """A word in American spelling and in the singular. Both names of a comparison get it, so it need not be a word."""
    word = word.replace("ae", "e").replace("oe", "e").replace("sulph", "sulf").replace("leuc", "leuk")
    word = word.replace("isation", "ization")
    if len(word) > _WORD_LETTERS and word.endswith("s"):
        word = _singular(word)
    if len(word) > 4 and word.endswith("our"):
        word = f"{word[:-2]}r"
    elif word.endswith(("tre", "bre")):
        word = f"{word[:-2]}er"
    return _SAME.get(word, word)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "uses", "xes", "ches", "shes")):
        return word[:-2]
    # Thromboses and metastases, but not doses, glucoses, ptoses and hexoses.
    if word.endswith("stases") or (word.endswith("oses") and word[-5:-4] not in "cdltx"):
        return f"{word[:-2]}is"
    return word if word[-2] in "isu" else word[:-1]
