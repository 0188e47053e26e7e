"""Numbers of people in digits and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.counts import parse_count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("one hundred and twenty", 120),
        ("1,204", 1204),
        ("1 204 women", 1204),
        ("n = 30", 30),
        ("Twenty-five patients", 25),
        ("Forty – eight", 48),
        ("a hundred", 100),
        ("two thousand three hundred and four", 2304),
        ("a dozen", 12),
        ("96/2212", 96),
        ("1204 (50%)", 1204),
        ("12.5%", None),
        ("30 %", None),
        ("Sixty-three percent", None),
        ("63 per cent of 40 women", 40),
        ("an infant", None),
        ("a person", None),
        ("0.5", None),
        ("", None),
    ],
)
def test_the_first_whole_number_counts(text: str, number: int | None) -> None:
    assert parse_count(text) == number


@given(st.integers(min_value=0, max_value=9_999_999))
def test_digits_with_and_without_separators_are_the_same_number(number: int) -> None:
    assert parse_count(f"N={number}") == parse_count(f"{number:,} patients") == number
