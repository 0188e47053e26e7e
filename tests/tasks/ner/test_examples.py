"""Training examples: heads, labels, IGNORED labels of types that a corpus does not annotate, and batches."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import Corpus
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.ner.examples import (
    IGNORED,
    TaggerBatch,
    TaggerExample,
    collate,
    join_examples,
    make_examples,
    make_heads,
)
from litmine.tasks.ner.settings import Head
from litmine.training.batching import join_passages, make_batches

MakeCorpus = Callable[..., Corpus]
DRUG = "an [allergy](Disease) to [penicillin](Chemical)"
SPECIES = "many [patients](Species) were ill"


def shape(heads: tuple[Head, ...]) -> list[tuple[str, bool, tuple[str, ...]]]:
    return [(head.name, head.default, head.corpora) for head in heads]


def test_corpora_share_one_head_per_type(make_corpus: MakeCorpus) -> None:
    corpora = [make_corpus("one", DRUG), make_corpus("two", "an [illness](Disease)")]
    heads = make_heads(corpora, ())
    assert shape(heads) == [("Chemical", True, ("one",)), ("Disease", True, ("one", "two"))]
    assert heads[1].labels == ("O", "B-Disease", "I-Disease")


def test_a_separate_corpus_has_its_own_heads(make_corpus: MakeCorpus) -> None:
    corpora = [make_corpus("LINNAEUS", SPECIES), make_corpus("Species-800", SPECIES)]
    heads = make_heads(corpora, ("Species-800",))
    assert shape(heads) == [
        ("Species", True, ("LINNAEUS",)),
        ("Species (Species-800)", False, ("Species-800",)),
    ]
    assert heads[0].labels == heads[1].labels
    assert not any(head.judged for head in heads)
    judged = make_heads(corpora, ("Species-800",), judged=("Species-800",))
    assert [head.judged for head in judged] == [False, True]


def test_every_type_has_one_default_head_if_all_corpora_are_separate(make_corpus: MakeCorpus) -> None:
    corpora = [make_corpus("a", SPECIES), make_corpus("b", SPECIES), make_corpus("c", DRUG)]
    heads = make_heads(corpora, ("a", "b"))
    assert [(head.name, head.default) for head in heads] == [
        ("Species (a)", True), ("Species (b)", False), ("Chemical", True), ("Disease", True)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def reader(tiny_base: Path) -> WordTokenizer:
    return WordTokenizer(read_tokenizer(tiny_base))


def test_types_that_a_corpus_does_not_annotate_are_ignored(make_corpus: MakeCorpus, reader: WordTokenizer) -> None:
    drug, species = make_corpus("drug", DRUG), make_corpus("species", SPECIES)
    heads = make_heads([drug, species], ())
    assert [head.name for head in heads] == ["Chemical", "Disease", "Species"]
    (example,) = make_examples(drug, heads, (), reader, 510)
    assert example.labels.tolist() == [[0, 0, IGNORED], [0, 1, IGNORED], [0, 0, IGNORED], [1, 0, IGNORED]]
    (example,) = make_examples(species, heads, (), reader, 510)
    assert example.labels[:, 2].tolist() == [0, 1, 0, 0]
    assert (example.labels[:, :2] == IGNORED).all()


def test_a_long_passage_becomes_several_examples(make_corpus: MakeCorpus, reader: WordTokenizer) -> None:
    corpus = make_corpus("drug", " ".join([DRUG] * 50))
    heads = make_heads([corpus], ())
    (whole,) = make_examples(corpus, heads, (), reader, 10_000)
    pieces = make_examples(corpus, heads, (), reader, 64)
    assert len(pieces) > 3
    assert max(len(piece.ids) for piece in pieces) == 64
    assert np.array_equal(np.concatenate([piece.ids for piece in pieces]), whole.ids)
    assert np.array_equal(np.concatenate([piece.labels for piece in pieces]), whole.labels)
    assert all(
        np.array_equal(piece.ids[piece.first], whole.ids[whole.first][at : at + len(piece.first)])
        for piece, at in zip(pieces, np.cumsum([0, *(len(piece.first) for piece in pieces)]).tolist(), strict=False)
    )


def numbered(lengths: list[int]) -> list[TaggerExample]:
    """Examples with distinct ids and one token per word."""
    starts = np.cumsum([10, *lengths])
    return [
        TaggerExample(np.arange(start, start + length), np.arange(length), np.full((length, 2), 1))
        for start, length in zip(starts.tolist(), lengths, strict=False)
    ]


def batches(examples: list[TaggerExample], budget: int, rng: random.Random) -> list[TaggerBatch]:
    groups = make_batches([len(example.ids) for example in examples], budget, rng)
    return [collate([examples[i] for i in group], (1, 2, 0)) for group in groups]


LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=30)


@given(lengths=LENGTHS, alone=st.sampled_from([0.0, 0.4, 1.0]), seed=st.integers(0, 99))
def test_an_epoch_reads_every_example_once_in_bounded_passages(lengths: list[int], alone: float, seed: int) -> None:
    examples = numbered(lengths)
    passages = join_passages(lengths, 100, alone, random.Random(seed))
    passed = [join_examples([examples[i] for i in passage]) for passage in passages]
    assert Counter(np.concatenate([e.ids for e in passed]).tolist()) == Counter(range(10, 10 + sum(lengths)))
    # A single sentence may be longer than the limit of its passage.
    assert all(len(example.ids) <= 100 for example in passed)
    assert all(np.array_equal(example.first, np.arange(len(example.ids))) for example in passed)
    if alone == 1.0:
        assert len(passed) == len(examples)


@given(lengths=LENGTHS, budget=st.integers(62, 300), seed=st.integers(0, 99))
def test_batches_contain_every_example_within_the_budget(lengths: list[int], budget: int, seed: int) -> None:
    made = batches(numbered(lengths), budget, random.Random(seed))
    ids = Counter(int(i) for batch in made for i in batch.ids.flatten())
    assert {i: count for i, count in ids.items() if i >= 10} == dict.fromkeys(range(10, 10 + sum(lengths)), 1)
    for batch in made:
        assert batch.ids.numel() <= budget
        assert batch.ids.shape == batch.mask.shape
        assert (batch.ids[:, 0] == 1).all()
        assert (batch.ids[batch.mask] != 0).all()
        assert (batch.ids[~batch.mask] == 0).all()
        assert ((batch.ids == 2).sum(dim=1) == 1).all()
        words = batch.ids[batch.rows, batch.columns]
        assert len(words) == len(batch.labels)
        assert (words >= 10).all()


def test_the_order_depends_only_on_the_seed() -> None:
    examples = numbered(list(range(1, 40)))

    def order(seed: int) -> list[list[int]]:
        return [batch.ids.flatten().tolist() for batch in batches(examples, 200, random.Random(seed))]

    assert order(1) == order(1) != order(2)
