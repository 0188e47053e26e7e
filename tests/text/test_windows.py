"""Windows tile a text, and each token is kept where it stands furthest from an edge."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.windows import Window, split_into_windows


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int, int, bool]:
    size = draw(st.integers(1, 40))
    return draw(st.integers(0, 400)), size, draw(st.integers(0, size - 1)), draw(st.booleans())


@given(cuts())
def test_kept_ranges_tile_the_text(cut: tuple[int, int, int, bool]) -> None:
    tokens, size, overlap, tight = cut
    found = split_into_windows(*cut)
    kept = [token for window in found for token in range(window.keep_start, window.keep_end)]
    assert kept == list(range(tokens))
    assert all(window.start <= window.keep_start <= window.keep_end <= window.end for window in found)
    (length,) = {window.end - window.start for window in found}
    # What tight windows read more than once is their overlaps, and what rounding up adds to each.
    least = -(-(tokens + (len(found) - 1) * overlap) // len(found))
    assert length == (least if tight else min(size, tokens)) <= size


@given(cuts())
def test_windows_overlap_as_asked_and_are_as_few_as_can_be(cut: tuple[int, int, int, bool]) -> None:
    tokens, size, overlap, _ = cut
    found = split_into_windows(*cut)
    assert all(left.end - right.start >= overlap for left, right in pairwise(found))
    # One window fewer could not cover the text.
    assert len(found) == 1 or (len(found) - 1) * (size - overlap) + overlap < tokens


@given(cuts())
def test_every_token_keeps_half_the_overlap_as_context(cut: tuple[int, int, int, bool]) -> None:
    tokens, _, overlap, _ = cut
    found = split_into_windows(*cut)
    for window in found:
        assert window.start == 0 or window.keep_start - window.start >= overlap // 2
        assert window.end == tokens or window.end - window.keep_end >= overlap // 2


@given(cuts())
def test_each_token_is_kept_by_the_window_where_it_stands_furthest_from_an_edge(
    cut: tuple[int, int, int, bool],
) -> None:
    tokens, found = cut[0], split_into_windows(*cut)

    def margin(window: Window, token: int) -> int:
        left = tokens if window.start == 0 else token - window.start
        right = tokens if window.end == tokens else window.end - 1 - token
        return min(left, right)

    for keeper in found:
        for token in range(keeper.keep_start, keeper.keep_end):
            best = max(margin(window, token) for window in found if window.start <= token < window.end)
            assert margin(keeper, token) >= best - 1


def test_a_short_text_is_one_window() -> None:
    assert split_into_windows(10, 10, 4) == [Window(0, 10, 0, 10)]
    assert split_into_windows(0, 10, 4) == [Window(0, 0, 0, 0)]


def test_two_windows_part_in_the_middle_of_what_they_share() -> None:
    assert split_into_windows(16, 10, 4) == [Window(0, 10, 0, 8), Window(6, 16, 8, 16)]


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 5), (4, -1), (0, 0)])
def test_windows_that_do_not_get_on_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        split_into_windows(10, size, overlap)
