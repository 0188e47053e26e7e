"""The case of each token: of known words, through the tokenizer's cache, and of any text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.nn.letter_case import CASE_COUNT, letter_cases
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer


def cases(word: str, *ends: int) -> list[int]:
    """The cases of a word's tokens, which end at `ends`; of one token without any."""
    bounds = [0, *(ends or (len(word),))]
    offsets = np.array([bounds[:-1], bounds[1:]]).T
    return letter_cases(word, offsets, np.array([len(offsets)])).tolist()


def test_words_of_one_case_are_alike_and_others_differ() -> None:
    alike = [["cat", "mice"], ["Cat", "Mice"], ["CAT", "TNF2"], ["C", "A"], ["mRNA", "HeLa"], ["12", "-"]]
    found = [{tuple(cases(word)) for word in words} for words in alike]
    assert [len(one) for one in found] == [1] * len(alike)
    assert len(set.union(*found)) == len(alike)


def test_a_token_has_the_case_of_its_word_and_its_own() -> None:
    whole, small = cases("TNFalpha", 3, 8)
    assert whole != small
    # The small part of a mixed word is not a small word.
    assert small != cases("alpha")[0]


@given(st.text(max_size=60))
def test_cases_belong_to_tokens_with_and_without_the_cache(tiny_base: Path, text: str) -> None:
    reader = WordTokenizer(read_tokenizer(tiny_base))
    (plain,), (cached,) = reader.encode([text]), reader.read([text])
    assert plain.cases.tolist() == cached.cases.tolist()
    assert len(plain.cases) == plain.tokens
    assert all(0 <= case < CASE_COUNT for case in plain.cases.tolist())
    assert reader.encode([text.lower()])[0].cases.max(initial=0) < CASE_COUNT


@pytest.mark.parametrize("text", ["", " ", "\u00e9COLE", "\u0130", "\ufb01", "\U0001d400"])
def test_odd_letters_have_a_case(tiny_base: Path, text: str) -> None:
    (read,) = WordTokenizer(read_tokenizer(tiny_base)).encode([text])
    assert len(read.cases) == len(read.ids)
