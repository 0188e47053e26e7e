"""Pairs in blocks: all pairs of a row once and in order, and logits that do not depend on how they are grouped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.documents import AnnotatedEntity
from litmine.tasks.relations import pair_blocks as blocks
from litmine.tasks.relations.pair_head import HeadShape, PairHead
from litmine.tasks.relations.pairs import PairRule, candidate_pairs
from litmine.tasks.relations.rows import RelationRow, RowStretch, build_row, empty_row, mark_text
from tests.tasks.relations.test_stretches import TYPES, one_token_words

WIDTH = 12
RULE = PairRule((("Chemical", "Disease"), ("Chemical", "Chemical")), 1)


def row_of(places: list[tuple[int, str]], sentence: int) -> RelationRow | None:
    """A row of a text of 60 words in sentences of equal length, with mentions of one or two words."""
    text = one_token_words(60)
    sentences = [(3 * start, 3 * min(start + sentence, 60) - 1) for start in range(0, 60, sentence)]
    mentions = [
        AnnotatedEntity(3 * word, 3 * min(word + 1 + word % 2, 60) - 1, kind, (), f"T{number}")
        for number, (word, kind) in enumerate(places)
    ]
    marked = mark_text(text, sentences, mentions, candidate_pairs(mentions, sentences, RULE), TYPES, 40)
    states = torch.randn(60, WIDTH, generator=torch.Generator().manual_seed(1))
    marked = replace(marked, states=states)
    return build_row([RowStretch(0, one) for one in marked.stretches], [marked]) if marked.stretches else None


PLACES = st.lists(st.tuples(st.integers(0, 59), st.sampled_from(sorted(TYPES))), min_size=2, max_size=12)


@given(PLACES, st.integers(3, 20))
def test_blocks_have_the_pairs_of_the_row_in_its_order(places: list[tuple[int, str]], sentence: int) -> None:
    row = row_of(places, sentence)
    if row is None:
        return
    groups = list(blocks.pair_blocks(row, np.arange(len(row.ids)), len(TYPES)))
    spans = [
        group.tokens[group.block][:, 0, None] + group.mentions[group.block, slots]
        for group in groups
        for slots in (group.subject, group.object)
    ]
    np.testing.assert_array_equal(np.concatenate(spans[::2]), row.subject)
    np.testing.assert_array_equal(np.concatenate(spans[1::2]), row.object)
    for group in groups:
        assert (group.reach[:, 1] <= group.lengths[group.block]).all()
        assert (group.between[:, 0] >= group.reach[:, 0]).all()


def test_logits_do_not_depend_on_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    head = PairHead(HeadShape(WIDTH, len(TYPES), 12, 6), 3).eval()
    row = row_of([(word, "Chemical" if word % 4 else "Disease") for word in range(0, 60, 2)], 10)
    assert row is not None

    def logits() -> torch.Tensor:
        found: torch.Tensor = head(row.states, blocks.pair_blocks(row, np.arange(len(row.ids)), len(TYPES)))
        return found

    together = logits()
    assert len(together) == len(row.number) > 100
    monkeypatch.setattr(blocks, "_BLOCK_PAIRS", 7)
    monkeypatch.setattr(blocks, "_GROUP_CELLS", 300)
    torch.testing.assert_close(logits(), together)


def test_a_pair_is_judged_by_its_own_sentences() -> None:
    torch.manual_seed(1)
    head = PairHead(HeadShape(WIDTH, len(TYPES), 12, 6), 3).eval()
    row = row_of([(1, "Chemical"), (4, "Disease"), (12, "Chemical"), (17, "Disease")], 10)
    assert row is not None
    changed = replace(row, states=row.states.clone())
    changed.states[10:20] += 1
    before, after = (
        head(one.states, blocks.pair_blocks(one, np.arange(len(one.ids)), len(TYPES))) for one in (row, changed)
    )
    within = (row.reach == [0, 10]).all(axis=1)
    assert within.any()
    assert not within.all()
    torch.testing.assert_close(before[within], after[within])
    assert not torch.isclose(before[~within], after[~within]).all(dim=1).any()


def test_a_row_without_pairs_has_no_logits() -> None:
    head = PairHead(HeadShape(WIDTH, len(TYPES), 12, 6), 3)
    row = empty_row(WIDTH)
    assert head(row.states, blocks.pair_blocks(row, np.arange(1), len(TYPES))).shape == (0, 3)
