"""A flipped bit in a small table ends a query with a sentence; nothing is answered from it."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from litmine.errors import LakeError
from litmine.lake.lake import Lake
from litmine.lake.readings import QuestionLogEntry, RetrievedArticle, record_questions
from litmine.lake.runs import Run
from litmine.types import Question

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.create(tmp_path / "lake")
    for number in range(9):
        hits = tuple(RetrievedArticle(pmid, pmid, 1.0 / pmid, pmid) for pmid in range(1, 200))
        entry = QuestionLogEntry(Question("q", "What grows?", "factoid"), "r@0123456789ab", 10, None, hits)
        record_questions(lake.location, [entry], f"run-{number}", AT)
        lake.record_run(Run(f"run-{number}", "ask", AT, AT, "done"))
    return lake


@pytest.mark.parametrize("table", ["retrieved", "questions"])
def test_a_flipped_bit_is_found_each_time_it_is_read(lake: Lake, table: str) -> None:
    query = f"SELECT count(*) FROM {table}"
    expected = lake.rows(query)
    file = lake.path / table / "run-4.parquet"
    content = file.read_bytes()
    found = 0
    columns = pq.read_metadata(file).row_group(0)
    last = columns.column(columns.num_columns - 1)
    # Pages have checksums; what describes them, at the end of the file, has none.
    for position in range(4, last.data_page_offset + last.total_compressed_size, 11):
        file.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        try:
            assert lake.rows(query) == expected  # the bit is in no page of a column
        except LakeError as error:
            assert str(file) in str(error)  # noqa: PT017 -- some bits are in no page
            found += 1
    assert found > 5
    file.write_bytes(content)
    assert lake.rows(query) == expected


def test_a_file_that_was_verified_is_not_read_again(lake: Lake) -> None:
    assert lake.rows("SELECT count(*) FROM retrieved")
    files = sorted((lake.path / "retrieved").glob("run-*.parquet"))
    assert len(files) == 9
    before = {file: file.stat().st_atime_ns for file in files}
    lake.rows("SELECT 1")
    assert {file: file.stat().st_atime_ns for file in files} == before
