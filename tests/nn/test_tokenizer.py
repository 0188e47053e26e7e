"""Cached segments give the same tokens as the tokenizer does in any text."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import TokenizedText, TokenizerCache, WordTokenizer, splits_at_ascii

TEXTS = [f"An allergy to penicillin (case {i}): 5 mg/kg, α-tocopherol; p<0.0{i}.\n" for i in range(40)]


@pytest.fixture(scope="module")
def reader(tiny_model: Path) -> WordTokenizer:
    return WordTokenizer(read_tokenizer(tiny_model))


def _same(ours: Sequence[TokenizedText], expected: Sequence[TokenizedText]) -> bool:
    names = ("ids", "first", "start", "end")
    return len(ours) == len(expected) and all(
        getattr(one, name).tolist() == getattr(other, name).tolist()
        for one, other in zip(ours, expected, strict=True)
        for name in names
    )


def test_a_segment_is_tokenized_once(reader: WordTokenizer) -> None:
    encoded: list[str] = []

    def encode(texts: Sequence[str]) -> list[TokenizedText]:
        encoded.extend(texts)
        return reader.encode(texts)

    cache = TokenizerCache(encode)
    assert _same(cache.read(TEXTS * 20), reader.encode(TEXTS * 20))
    assert len(encoded) == len(set(encoded)) < 120
    cache.read(TEXTS)
    assert len(encoded) == len(set(encoded))


def test_a_full_cache_is_cleared(reader: WordTokenizer) -> None:
    cache = TokenizerCache(reader.encode, max_segments=10)
    for text in TEXTS:
        assert _same(cache.read([text]), reader.encode([text]))


def test_long_segments_fill_the_cache(reader: WordTokenizer) -> None:
    encoded: list[str] = []

    def encode(texts: Sequence[str]) -> list[TokenizedText]:
        encoded.extend(text[0] for text in texts)
        return reader.encode(texts)

    cache = TokenizerCache(encode, max_segments=100)
    # The second segment overfills the cache, so that the next ones are tokenized again.
    for letter in "aabbab":
        assert _same(cache.read([letter * 2_000]), reader.encode([letter * 2_000]))
    assert encoded == ["a", "b", "b", "a", "b"]


def test_a_failed_text_leaves_the_cache_unchanged(reader: WordTokenizer) -> None:
    cache = TokenizerCache(reader.encode)
    for _ in range(2):
        with pytest.raises((TypeError, UnicodeEncodeError)):
            cache.read([TEXTS[0], "a lone \ud800 surrogate"])
    assert _same(cache.read(TEXTS), reader.encode(TEXTS))


def test_threads_share_a_cache(reader: WordTokenizer) -> None:
    cache = TokenizerCache(reader.encode, max_segments=60)
    texts = [TEXTS[i:] + TEXTS[:i] for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for order, read in zip(texts, pool.map(cache.read, texts), strict=True):
            assert _same(read, reader.encode(order))


def test_other_kinds_of_tokenizers_are_not_cached(roberta_classifier: Path, bert_classifier: Path) -> None:
    assert splits_at_ascii(read_tokenizer(bert_classifier))
    tokenizer = read_tokenizer(bert_classifier)
    # Added tokens match across punctuation and spaces.
    tokenizer.add_tokens(["beta - blocker"])
    assert not splits_at_ascii(tokenizer)
    assert not splits_at_ascii(read_tokenizer(roberta_classifier))
