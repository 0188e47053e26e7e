"""The kept ranges of windows cover a text once, and each token is kept where it is furthest from an edge."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.windows import Window, split_into_windows


@st.composite
def window_arguments(draw: st.DrawFn) -> tuple[int, int, int, bool]:
    size = draw(st.integers(1, 40))
    return draw(st.integers(0, 400)), size, draw(st.integers(0, size - 1)), draw(st.booleans())


@given(window_arguments())
def test_kept_ranges_cover_the_text_once(arguments: tuple[int, int, int, bool]) -> None:
    tokens, size, overlap, tight = arguments
    windows = split_into_windows(*arguments)
    kept = [token for window in windows for token in range(window.keep_start, window.keep_end)]
    assert kept == list(range(tokens))
    assert all(window.start <= window.keep_start <= window.keep_end <= window.end for window in windows)
    (length,) = {window.end - window.start for window in windows}
    # Tight windows read only the overlaps twice, apart from rounding up.
    least = -(-(tokens + (len(windows) - 1) * overlap) // len(windows))
    assert length == (least if tight else min(size, tokens)) <= size


@given(window_arguments())
def test_windows_are_the_fewest_with_the_required_overlap(arguments: tuple[int, int, int, bool]) -> None:
    tokens, size, overlap, _ = arguments
    windows = split_into_windows(*arguments)
    assert all(left.end - right.start >= overlap for left, right in pairwise(windows))
    # One window fewer could not cover the text.
    assert len(windows) == 1 or (len(windows) - 1) * (size - overlap) + overlap < tokens


@given(window_arguments())
def test_every_token_keeps_half_the_overlap_as_context(arguments: tuple[int, int, int, bool]) -> None:
    tokens, _, overlap, _ = arguments
    windows = split_into_windows(*arguments)
    for window in windows:
        assert window.start == 0 or window.keep_start - window.start >= overlap // 2
        assert window.end == tokens or window.end - window.keep_end >= overlap // 2


@given(window_arguments())
def test_each_token_is_kept_in_the_window_where_it_is_furthest_from_an_edge(
    arguments: tuple[int, int, int, bool],
) -> None:
    tokens, windows = arguments[0], split_into_windows(*arguments)

    def margin(window: Window, token: int) -> int:
        left = tokens if window.start == 0 else token - window.start
        right = tokens if window.end == tokens else window.end - 1 - token
        return min(left, right)

    for keeper in windows:
        for token in range(keeper.keep_start, keeper.keep_end):
            best = max(margin(window, token) for window in windows if window.start <= token < window.end)
            assert margin(keeper, token) >= best - 1


def test_a_short_text_is_one_window() -> None:
    assert split_into_windows(10, 10, 4) == [Window(0, 10, 0, 10)]
    assert split_into_windows(0, 10, 4) == [Window(0, 0, 0, 0)]


def test_kept_ranges_meet_in_the_middle_of_the_overlap() -> None:
    assert split_into_windows(16, 10, 4) == [Window(0, 10, 0, 8), Window(6, 16, 8, 16)]


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 5), (4, -1), (0, 0)])
def test_an_overlap_that_does_not_fit_the_size_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        split_into_windows(10, size, overlap)
