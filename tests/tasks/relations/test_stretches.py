"""The stretches of a text: what is read of it, for which pairs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.documents import AnnotatedEntity
from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.relations.pairs import PairRule, candidate_pairs
from litmine.tasks.relations.rows import RowStretch, build_row, mark_text

TYPES = {"Chemical": 0, "Disease": 1}
RULE = PairRule((("Chemical", "Disease"),), 2)


def one_token_words(count: int) -> TokenizedText:
    """Words of two code points and one token each, with a space after each."""
    number = np.arange(count)
    return TokenizedText(number + 100, number, 3 * number, 3 * number + 2)


@st.composite
def texts(draw: st.DrawFn) -> tuple[TokenizedText, list[tuple[int, int]], list[AnnotatedEntity]]:
    """Words in sentences, with mentions of one or two words."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=8))
    edges = np.cumsum([0, *lengths]).tolist()
    sentences = [(3 * start, 3 * end - 1) for start, end in pairwise(edges)]
    words = edges[-1]
    places = draw(st.lists(st.tuples(st.integers(0, words - 1), st.integers(1, 2), st.sampled_from(sorted(TYPES)))))
    mentions = [
        AnnotatedEntity(3 * word, 3 * min(word + length, words) - 1, kind, (), f"T{number}")
        for number, (word, length, kind) in enumerate(places)
    ]
    return one_token_words(words), sentences, mentions


@given(texts(), st.integers(4, 40))
def test_a_pair_is_read_once_with_both_mentions(
    text: tuple[TokenizedText, list[tuple[int, int]], list[AnnotatedEntity]], window: int
) -> None:
    tokens, sentences, mentions = text
    pairs = candidate_pairs(mentions, sentences, RULE)
    marked = mark_text(tokens, sentences, mentions, pairs, TYPES, window)
    read = [number for stretch in marked.stretches for number in stretch.pairs]
    assert len(read) == len(set(read))
    starts = {3 * 0, *(start for start, _ in sentences)}
    for stretch in marked.stretches:
        assert 0 <= stretch.start < stretch.end <= len(tokens.ids)
        assert stretch.end - stretch.start <= window
        for number in stretch.pairs:
            for mention in marked.pairs[number]:
                first, last = marked.spans[mention]
                assert stretch.start <= first < last <= stretch.end
    if all(end - start <= 3 * window for start, end in sentences) and window == 40:
        assert all(3 * stretch.start in starts for stretch in marked.stretches)
    for number in set(range(len(pairs))) - set(read):
        spans = marked.spans[marked.pairs[number]]
        assert spans.max() - spans.min() > window


@given(texts())
def test_a_row_has_the_tokens_of_its_mentions(
    text: tuple[TokenizedText, list[tuple[int, int]], list[AnnotatedEntity]],
) -> None:
    tokens, sentences, mentions = text
    marked = mark_text(tokens, sentences, mentions, candidate_pairs(mentions, sentences, RULE), TYPES, 30)
    if not marked.stretches:
        return
    marked = replace(marked, states=torch.arange(len(tokens.ids), dtype=torch.float32)[:, None])
    row = build_row([RowStretch(0, one) for one in marked.stretches], [marked])
    assert (row.states[:, 0].numpy() + 100 == row.ids).all()
    for place, number in enumerate(row.number.tolist()):
        for span, mention in zip((row.subject[place], row.object[place]), marked.pairs[number], strict=True):
            first, last = marked.spans[mention]
            assert row.ids[span[0] : span[1]].tolist() == tokens.ids[first:last].tolist()
            assert row.reach[place, 0] <= min(row.subject[place, 0], row.object[place, 0])
        assert row.reach[place, 1] >= max(row.subject[place, 1], row.object[place, 1])
        assert row.window[place] == np.searchsorted(row.starts, span[0], side="right") - 1
    kinds = {(int(at), int(kind)) for at, kind in zip(row.mark_at, row.mark_type, strict=True)}
    assert len(kinds) == len(row.mark_at)
    assert all(row.ids[at] >= 100 for at, _ in kinds)


def test_sentences_without_a_pair_are_not_read() -> None:
    sentences = [(0, 29), (30, 59), (60, 89), (90, 119)]
    mentions = [AnnotatedEntity(33, 35, "Chemical", (), "T1"), AnnotatedEntity(63, 65, "Disease", (), "T2")]
    pairs = candidate_pairs(mentions, sentences, RULE)
    marked = mark_text(one_token_words(40), sentences, mentions, pairs, TYPES, 254)
    assert [(one.start, one.end) for one in marked.stretches] == [(10, 30)]
    assert marked.tokens == 20
