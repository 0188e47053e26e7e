"""Registry numbers: all spellings of a table are found with exact offsets, and what only looks like a number is not."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.registry_numbers import find_registry_numbers, normal_registry_number

TABLE = Path(__file__).with_name("registry_numbers.tsv")
ESCAPES = {"\\n": "\n", "\\u00a0": "\u00a0", "\\u2009": "\u2009"}


def rows() -> list[tuple[str, list[str]]]:
    """Each text of the table with its numbers in normal form."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        read = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    for written, meant in ESCAPES.items():
        read = [[text.replace(written, meant), numbers] for text, numbers in read]
    return [(text, numbers.split("|") if numbers else []) for text, numbers in read]


def test_the_table_has_two_hundred_numbers_and_others_that_are_none() -> None:
    assert sum(len(numbers) for _, numbers in rows()) >= 200
    assert sum(not numbers for _, numbers in rows()) >= 40


@pytest.mark.parametrize(("text", "numbers"), rows())
def test_all_are_found_and_none_is_invented(text: str, numbers: list[str]) -> None:
    assert [one.identifier for one in find_registry_numbers(text)] == numbers


@pytest.mark.parametrize(("text", "numbers"), rows())
def test_offsets_are_exact_in_a_longer_text(text: str, numbers: list[str]) -> None:
    before, after = "Naïve 🙂 β ", " (see text)."
    found = find_registry_numbers(before + text + after)
    assert [one.identifier for one in found] == numbers
    for one, other in zip(found, find_registry_numbers(text), strict=True):
        assert (before + text + after)[one.start_char : one.end_char] == text[other.start_char : other.end_char]


@given(st.text(alphabet="NCTISRDKAEU0123456789- /,O\n", max_size=60))
def test_any_text_gives_numbers_in_order_and_in_normal_form(text: str) -> None:
    found = find_registry_numbers(text)
    assert all(one.start_char < one.end_char <= len(text) for one in found)
    assert all(one.end_char <= other.start_char for one, other in pairwise(found))
    assert all(normal_registry_number(one.identifier) == one.identifier for one in found)
