"""Tests of which files are merged: few files remain, and no row is rewritten often."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from litmine.lake.compaction import MERGE_FACTOR, group_small_files


@given(st.dictionaries(st.text("abc", max_size=4), st.integers(0, 60)), st.integers(2, 100))
def test_groups_are_disjoint_small_enough_and_large_enough(rows: dict[str, int], max_rows: int) -> None:
    groups = list(group_small_files(rows, max_rows))
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    for group in groups:
        total = sum(rows[name] for name in group)
        assert len(group) > 1
        assert total <= max_rows
        assert len(group) >= MERGE_FACTOR or 2 * total > max_rows


def test_ten_years_of_daily_merges_leave_few_files_and_rewrite_no_row_often() -> None:
    nights, rows, max_rows = 3650, 80, 10_000
    # Per file: how many of its rows were rewritten how often.
    files: dict[str, Counter[int]] = {}
    for night in range(nights):
        files[f"night-{night:05d}"] = Counter({0: rows})
        file_rows = {name: rewrites.total() for name, rewrites in files.items()}
        for number, group in enumerate(group_small_files(file_rows, max_rows)):
            merged: Counter[int] = Counter()
            for name in group:
                for rewrites, count in files.pop(name).items():
                    merged[rewrites + 1] += count
            files[f"merged-{night:05d}-{number}"] = merged
    total: Counter[int] = sum(files.values(), Counter())
    assert total.total() == nights * rows
    assert max(total) <= math.log(max_rows, MERGE_FACTOR) + 1
    assert len(files) <= nights * rows / (max_rows / 2) + MERGE_FACTOR * math.log(max_rows, MERGE_FACTOR)
