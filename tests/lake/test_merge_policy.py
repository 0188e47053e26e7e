"""What is merged with what: few files stay, and no row is rewritten often."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from litmine.lake.compaction import FAN, groups


@given(st.dictionaries(st.text("abc", max_size=4), st.integers(0, 60)), st.integers(2, 100))
def test_groups_are_apart_small_and_worth_it(rows: dict[str, int], most: int) -> None:
    found = list(groups(rows, most))
    names = [name for group in found for name in group]
    assert len(names) == len(set(names))
    for group in found:
        total = sum(rows[name] for name in group)
        assert len(group) > 1
        assert total <= most
        assert len(group) >= FAN or 2 * total > most


def test_ten_years_of_nights_leave_few_files_and_rewrite_no_row_often() -> None:
    nights, rows, most = 3650, 80, 10_000
    files: dict[str, Counter[int]] = {}
    for night in range(nights):
        files[f"night-{night:05d}"] = Counter({0: rows})
        for number, group in enumerate(groups({name: held.total() for name, held in files.items()}, most)):
            merged: Counter[int] = Counter()
            for name in group:
                for rewritten, count in files.pop(name).items():
                    merged[rewritten + 1] += count
            files[f"merged-{night:05d}-{number}"] = merged
    total: Counter[int] = sum(files.values(), Counter())
    assert total.total() == nights * rows
    assert max(total) <= math.log(most, FAN) + 1
    assert len(files) <= nights * rows / (most / 2) + FAN * math.log(most, FAN)
