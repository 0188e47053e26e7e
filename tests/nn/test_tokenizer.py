"""What a tokenizer made of a stretch of text is remembered, and is what it makes of it in any text."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import TokenizerCache, WordReader, Words, parts_at_ascii

TEXTS = [f"An allergy to penicillin (case {i}): 5 mg/kg, α-tocopherol; p<0.0{i}.\n" for i in range(40)]


@pytest.fixture(scope="module")
def reader(tiny_model: Path) -> WordReader:
    return WordReader(read_tokenizer(tiny_model))


def _same(ours: Sequence[Words], its: Sequence[Words]) -> bool:
    names = ("ids", "first", "start", "end")
    return len(ours) == len(its) and all(
        getattr(one, name).tolist() == getattr(other, name).tolist()
        for one, other in zip(ours, its, strict=True)
        for name in names
    )


def test_a_stretch_is_read_once(reader: WordReader) -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> list[Words]:
        asked.extend(texts)
        return reader.encode(texts)

    lexicon = TokenizerCache(encode)
    assert _same(lexicon.read(TEXTS * 20), reader.encode(TEXTS * 20))
    assert len(asked) == len(set(asked)) < 120
    lexicon.read(TEXTS)
    assert len(asked) == len(set(asked))


def test_one_that_is_full_forgets_and_goes_on(reader: WordReader) -> None:
    lexicon = TokenizerCache(reader.encode, most=10)
    for text in TEXTS:
        assert _same(lexicon.read([text]), reader.encode([text]))


def test_long_stretches_are_not_kept_for_ever(reader: WordReader) -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> list[Words]:
        asked.extend(text[0] for text in texts)
        return reader.encode(texts)

    lexicon = TokenizerCache(encode, most=100)
    # The second is more than there is room for, and what comes next is read anew.
    for letter in "aabbab":
        assert _same(lexicon.read([letter * 2_000]), reader.encode([letter * 2_000]))
    assert asked == ["a", "b", "b", "a", "b"]


def test_a_text_that_cannot_be_read_leaves_no_trace(reader: WordReader) -> None:
    lexicon = TokenizerCache(reader.encode)
    for _ in range(2):
        with pytest.raises((TypeError, UnicodeEncodeError)):
            lexicon.read([TEXTS[0], "a lone \ud800 surrogate"])
    assert _same(lexicon.read(TEXTS), reader.encode(TEXTS))


def test_threads_share_one(reader: WordReader) -> None:
    lexicon = TokenizerCache(reader.encode, most=60)
    texts = [TEXTS[i:] + TEXTS[:i] for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for own, read in zip(texts, pool.map(lexicon.read, texts), strict=True):
            assert _same(read, reader.encode(own))


def test_tokenizers_of_other_kinds_are_asked_every_time(roberta_classifier: Path, bert_classifier: Path) -> None:
    assert parts_at_ascii(read_tokenizer(bert_classifier))
    tokenizer = read_tokenizer(bert_classifier)
    # What is added is found across marks and spaces.
    tokenizer.add_tokens(["beta - blocker"])
    assert not parts_at_ascii(tokenizer)
    assert not parts_at_ascii(read_tokenizer(roberta_classifier))
