"""How tokens are written in capitals, for networks whose vocabulary has none.

The built-in vocabulary is in lower case, so that "CAT" and "cat" are one token. A top may add an embedding of the
token's case to the trunk's states.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Cases of a word or token. Letters that are no capitals count as small ones; anything else is ignored.
_NO_LETTER, _SMALL, _INITIAL, _CAPITALS, _SINGLE, _MIXED = range(6)
_CASES = 6
# Number of values of `letter_cases`: each case of the word with each case of the token.
CASE_COUNT = _CASES * _CASES


def letter_cases(text: str, offsets: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """The case of each token (tokens,), from 0 to `CASE_COUNT - 1`.

    offsets (tokens, 2): the code points of each token. tokens (words,): the number of tokens of each word.
    """
    starts = np.cumsum(tokens) - tokens
    words = [
        _case(text[offsets[first, 0] : offsets[first + n - 1, 1]]) for first, n in zip(starts, tokens, strict=True)
    ]
    of_word = np.repeat(np.array(words, dtype=np.int64), tokens)
    of_token = np.array([_case(text[start:end]) for start, end in offsets.tolist()], dtype=np.int64)
    return of_word * _CASES + of_token


@lru_cache(maxsize=65536)
def _case(word: str) -> int:
    letters = [letter for letter in word if letter.isalpha()]
    capitals = sum(map(str.isupper, letters))
    if not letters:
        return _NO_LETTER
    if not capitals:
        return _SMALL
    if capitals == len(letters):
        return _CAPITALS if capitals > 1 else _SINGLE
    return _INITIAL if capitals == 1 and letters[0].isupper() else _MIXED
