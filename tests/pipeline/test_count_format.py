"""Counts in messages have separators, the right singular or plural, and no zeros."""

import pytest

from litmine.pipeline.count_format import format_count, format_nonzero


@pytest.mark.parametrize(
    ("count", "plural", "expected"),
    [
        (0, "texts", "0 texts"),
        (1, "texts", "1 text"),
        (1, "entities", "1 entity"),
        (1, "log and answer files", "1 log and answer file"),
        (1, "skipped", "1 skipped"),
        (1234, "entities", "1,234 entities"),
    ],
)
def test_singular_and_plural(count: int, plural: str, expected: str) -> None:
    assert format_count(count, plural) == expected


def test_zeros_are_left_out() -> None:
    assert format_nonzero({"new": 398, "revised": 0, "deleted": 1000}) == "398 new, 1,000 deleted"
    assert format_nonzero({"new": 0}) == ""
