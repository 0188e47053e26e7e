"""The candidate logits give the same entities as all logits, for each text and head."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor

from litmine.nn.batches import TextWindow, build_row, group_into_batches, text_windows
from litmine.nn.hidden_states import PaddedRunner
from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.ner.decoder import MentionDecoder
from litmine.tasks.ner.network import HeadLayout, TaggerTop
from litmine.text.tags import TagSet
from litmine.types import Entity

# Heads of different sizes: with several types, without types, and with two labels for outside.
HEADS = [("O", "B-Disease", "I-Disease", "B-Chemical", "I-Chemical"), ("O", "B", "I"), ("O", "X", "Gene")]
OUTPUTS = sum(map(len, HEADS))
LOGITS = st.floats(-4, 4, width=32)


def table_network(table: Tensor) -> PaddedRunner:
    """A network whose logits of token i are row i of a table; rows 0 and 1 are the special tokens."""
    return PaddedRunner(lambda ids, _mask, _types: [table[ids]], 0, 0)


def expected(texts: list[str], words: list[TokenizedText], logits: NDArray[np.float32]) -> list[list[Entity]]:
    """The spans of each head's most probable labels, computed text by text."""
    found: list[list[Entity]] = []
    for text, own in zip(texts, words, strict=True):
        entities = []
        edges = np.cumsum([0, *map(len, HEADS)])
        for head, labels in enumerate(HEADS):
            word_logits = logits[own.ids, edges[head] : edges[head + 1]].astype(np.float64)
            shares = np.exp(word_logits) / np.exp(word_logits).sum(axis=1, keepdims=True)
            for first, after, entity_type in TagSet(labels).spans(word_logits.argmax(axis=1)):
                start, end = int(own.start[first]), int(own.end[after - 1])
                score = float(shares[first:after].max(axis=1).mean())
                entities.append(Entity(text[start:end], entity_type, start, end, score))
        found.append(sorted(entities, key=lambda one: (one.start_char, one.end_char, one.entity_type)))
    return found


@given(data=st.data())
def test_candidates_give_the_entities_of_all_logits(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=5))
    logits = data.draw(arrays(np.float32, (2 + sum(lengths), OUTPUTS), elements=LOGITS))
    most = data.draw(st.integers(1, 30))
    texts, words, token = [], [], 2
    for length in lengths:
        at = np.arange(length)
        texts.append("ab " * length)
        words.append(TokenizedText(token + at, at, 3 * at, 3 * at + 2))
        token += length
    decoder = MentionDecoder(HEADS, None)
    edges = np.cumsum([0, *map(len, HEADS)]).tolist()
    choices = HeadLayout.of([range(*pair) for pair in pairwise(edges)], decoder.outside, None)
    form, device = table_network(torch.from_numpy(logits)), torch.device("cpu")
    top = TaggerTop("a name", form.layers([], None), lambda hidden: hidden, choices, device)
    pieces = [piece for i, own in enumerate(words) for piece in text_windows(i, own, 64, 0)]
    batches = group_into_batches(pieces, most, True)
    assert sorted(piece.text for batch in batches for piece in batch) == sorted(piece.text for piece in pieces)
    rows = [build_row(batch, words, 0, 1) for batch in batches]
    word_logits = top.join([top.collect(row, top.begin(form(row, device))) for row in rows], {}, len(texts))
    found, wanted = decoder.entities(texts, words, word_logits.candidates), expected(texts, words, logits)
    assert found == wanted
    for ours, theirs in zip(found, wanted, strict=True):
        assert [one.score for one in ours] == pytest.approx([one.score for one in theirs], abs=1e-6)


@given(lengths=st.lists(st.integers(1, 50), max_size=40), most=st.integers(1, 200), padding=st.booleans())
def test_batches_stay_within_the_token_budget(lengths: list[int], most: int, padding: bool) -> None:
    """Except a batch of one item that is longer."""
    pieces = [TextWindow(i, 0, length, 0, length) for i, length in enumerate(lengths)]
    batches = group_into_batches(pieces, most, padding)
    assert sorted((piece for batch in batches for piece in batch), key=lambda piece: piece.text) == pieces
    for batch in batches:
        held = len(batch) * batch[0].tokens if padding else sum(piece.tokens for piece in batch)
        assert held <= most or len(batch) == 1
        assert batch[0].tokens == max(piece.tokens for piece in batch)


def test_the_padded_form_of_a_row() -> None:
    words = [TokenizedText(np.arange(10, 10 + n), *[np.arange(n)] * 3) for n in (3, 5)]
    row = build_row([TextWindow(1, 0, 4, 0, 3), TextWindow(0, 0, 3, 0, 3), TextWindow(1, 2, 5, 3, 5)], words, 1, 2)
    assert row.ids.tolist() == [1, 10, 11, 12, 13, 2, 1, 10, 11, 12, 2, 1, 12, 13, 14, 2]
    assert row.lengths.tolist() == [6, 5, 5]
    assert [*zip(row.text.tolist(), row.word.tolist(), strict=True)] == [
        *product([1], [0, 1, 2]),
        *product([0], [0, 1, 2]),
        (1, 3),
        (1, 4),
    ]
    assert row.ids[row.at].tolist() == [10, 11, 12, 10, 11, 12, 13, 14]
    assert np.flatnonzero(row.last).tolist() == [2, 5, 7]
    padded = row.padded(0)
    assert padded.mask is not None
    assert padded.types is None
    assert padded.ids[padded.mask].tolist() == row.ids.tolist()
    assert padded.ids[~padded.mask].tolist() == [0, 0]
    assert padded.ids.ravel()[padded.positions[row.at]].tolist() == row.ids[row.at].tolist()


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_an_aligned_row_has_complete_tiles(lengths: list[int]) -> None:
    words = [TokenizedText(np.arange(10, 10 + n), *[np.arange(n)] * 3) for n in lengths]
    row = build_row([TextWindow(i, 0, n, 0, n) for i, n in enumerate(lengths)], words, 1, 2)
    aligned = row.aligned(16, 128, 0)
    assert len(aligned.ids) % 128 == 0
    assert (aligned.lengths % 16 == 0).all()
    assert aligned.lengths.sum() == len(aligned.ids) < len(row.ids) + 16 * len(lengths) + 128
    assert aligned.ids[aligned.positions[row.at]].tolist() == row.ids[row.at].tolist()
    assert (aligned.text_lengths[: len(lengths)] == row.lengths).all()
    starts = np.cumsum(aligned.lengths) - aligned.lengths
    for start, length, at, own in zip(starts, row.lengths, row.starts, words, strict=False):
        assert aligned.ids[start : start + length].tolist() == row.ids[at : at + length].tolist() == [1, *own.ids, 2]
    assert row.aligned(1, 1, 0).ids.tolist() == row.ids.tolist()
