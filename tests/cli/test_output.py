"""Results of `litmine sql` in every format, on stdout and in files."""

import csv
import io
import json
import os
import pty
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.cli.query_output import FORMATS, column_widths, wrap_cell, write_result
from litmine.errors import DONE, FAILED, WRONG_USAGE
from litmine.lake.lake import Lake
from litmine.output.rows import records, shortest_decimal
from litmine.types import Article, SourceRecord

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]

NESTED = """
select 1 as number, 0.5::float as score, true as yes, null as nothing, 'a "b", c' || chr(10) || 'd' as words,
       [1, null] as list, {'inner': ['x']} as struct, date '2020-02-29' as day, 1.50::decimal(5, 2) as price
"""
PLAIN: dict[str, Any] = {
    "number": 1,
    "score": 0.5,
    "yes": True,
    "nothing": None,
    "words": 'a "b", c\nd',
    "list": [1, None],
    "struct": {"inner": ["x"]},
    "day": "2020-02-29",
    "price": "1.50",
}


@pytest.fixture
def empty(place_lake: Callable[[], Path]) -> Path:
    return place_lake()


def test_json_and_jsonl_keep_values(run: Run, empty: Path) -> None:
    assert json.loads(run("sql", NESTED, "--lake", empty, "--format", "json").stdout) == [PLAIN]
    assert json.loads(run("sql", NESTED, "--lake", empty, "--format", "jsonl").stdout) == PLAIN
    ran = run("sql", "select 'nan'::float as a, [{'b': '-inf'::double}] as c", "--lake", empty, "--format", "json")
    assert json.loads(ran.stdout, parse_constant=pytest.fail) == [{"a": None, "c": [{"b": None}]}]


def test_csv_quotes_values(run: Run, empty: Path) -> None:
    (row,) = csv.DictReader(io.StringIO(run("sql", NESTED, "--lake", empty, "--format", "csv").stdout))
    assert {**row, "list": json.loads(row["list"]), "struct": json.loads(row["struct"])} == {
        **PLAIN,
        "number": "1",
        "score": "0.5",
        "yes": "true",
        "nothing": "",
    }


def test_csv_keeps_what_a_spreadsheet_takes_for_a_formula(run: Run, empty: Path) -> None:
    ran = run("sql", "select '=1+1' as a, '@x' as b", "--format", "csv", "--lake", empty)
    assert ran.stdout == "a,b\n=1+1,@x\n"


def test_a_table_aligns_columns_and_cuts_long_cells(run: Run, empty: Path) -> None:
    ran = run("sql", "select 1.23456789::double as score, 'ab' as words union all select 10, null", "--lake", empty)
    assert ran.stdout == "score  words\n-----  -----\n1.235  ab\n   10\n"
    assert ran.stderr == "(2 rows)\n"


QUOTE = "An allergy to penicillin, which is a common cause of anaphylactic reactions, was seen in 12 of 30 patients."


def test_a_table_wraps_a_long_cell_and_leaves_nothing_out(run: Run, empty: Path) -> None:
    ran = run("sql", f"select 1 as pmid, '{QUOTE}' as quote, 2013 as year", "--lake", empty)
    assert ran.stdout.splitlines() == [
        "pmid  quote                                                         year",
        "----  ------------------------------------------------------------  ----",
        "   1  An allergy to penicillin, which is a common cause of          2013",
        "      anaphylactic reactions, was seen in 12 of 30 patients.",
    ]
    assert ran.stderr == "(1 row)\n"


def test_a_very_long_cell_is_cut_and_the_other_formats_are_named(run: Run, empty: Path) -> None:
    ran = run("sql", "select repeat('word ', 99) as a, repeat('x', 360) as b, repeat('x', 361) as c", "--lake", empty)
    assert len(ran.stdout.splitlines()) == 2 + 6
    assert ran.stdout.count("…") == 2
    assert ran.stdout.count("x") == 360 + 359
    assert ran.stderr == "(1 row; 2 long cells are cut, and --format csv or jsonl prints everything)\n"


@pytest.mark.parametrize(
    ("longest", "terminal", "widths"),
    [
        ([4, 70, 500], 0, [4, 60, 60]),
        ([4, 70, 500], 80, [4, 60, 60]),
        ([4, 70, 500], 140, [4, 66, 66]),
        ([4, 70, 500], 178, [4, 70, 100]),
        ([4, 70, 100], 300, [4, 70, 100]),
        ([], 80, []),
    ],
)
def test_long_columns_share_the_room_of_a_terminal(longest: list[int], terminal: int, widths: list[int]) -> None:
    assert column_widths(longest, terminal) == widths


@given(st.text(max_size=500), st.integers(2, 70))
def test_a_wrapped_cell_has_all_its_words_or_is_marked_as_cut(text: str, width: int) -> None:
    cell = " ".join(text.split())
    lines, whole = wrap_cell(cell, width)
    assert 1 <= len(lines) <= 6
    assert max(map(len, lines)) <= width
    shown = "".join("".join(lines).split())
    expected = "".join(cell.split())
    if whole:
        assert shown == expected
    else:
        assert lines[-1].endswith("…")
        assert expected.startswith(shown.removesuffix("…"))
        assert len(cell) > width


SCORES = """
select 0.95::float as score, [0.1::float, null] as list,
       {'inner': 0.3::float, 'wide': 0.949999988079071::double} as struct,
       map {'a': 0.7::float} as pairs, 16777216::float as large, 'nan'::float as missing
"""


def test_float32_values_are_the_shortest_decimals_except_in_parquet(run: Run, empty: Path, tmp_path: Path) -> None:
    struct = '{"inner": 0.3, "wide": 0.949999988079071}'
    pairs = '{"a": 0.7}'
    values = f'"list": [0.1, null], "struct": {struct}, "pairs": {pairs}, "large": 16777216.0, "missing": null'
    line = f'{{"score": 0.95, {values}}}\n'
    assert run("sql", SCORES, "--lake", empty, "--format", "jsonl").stdout == line
    assert run("sql", SCORES, "--lake", empty, "--format", "json").stdout == f"[\n{line}]\n"
    (row,) = csv.DictReader(io.StringIO(run("sql", SCORES, "--lake", empty, "--format", "csv").stdout))
    assert (row["score"], row["list"], row["struct"], row["pairs"]) == ("0.95", "[0.1, null]", struct, pairs)
    assert run("sql", "select 0.95::float as score", "--lake", empty).stdout == "score\n-----\n 0.95\n"
    assert run("sql", SCORES, "--lake", empty, "-o", tmp_path / "a.parquet").returncode == DONE
    assert pq.read_schema(tmp_path / "a.parquet").field("score").type == pa.float32()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_reads_back_to_the_same_float32(value: float) -> None:
    assert pa.scalar(shortest_decimal(value), pa.float32()) == pa.scalar(value, pa.float32())
    assert significant_digits(shortest_decimal(value)) <= significant_digits(value)


def significant_digits(value: float) -> int:
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


def test_maps_and_intervals_are_written_as_people_write_them(run: Run, empty: Path) -> None:
    query = "select map {'parts': 10} as counts, interval '90.5' second as took, [interval '1' day] as days"
    ran = run("sql", query, "--lake", empty, "--format", "jsonl")
    assert json.loads(ran.stdout) == {"counts": {"parts": 10}, "took": "00:01:30.5", "days": ["1 day"]}
    assert run("sql", query, "--lake", empty).stdout.splitlines()[2].split() == [
        '{"parts":', "10}", "00:01:30.5", '["1', 'day"]'
    ]  # fmt: skip


@given(st.integers(-40, 40), st.integers(-400, 400), st.integers(-(10**13), 10**13))
def test_an_interval_is_written_as_duckdb_writes_it(months: int, days: int, microseconds: int) -> None:
    query = "select i, i::varchar from (select to_months($1) + to_days($2) + to_microseconds($3) as i)"
    with duckdb.connect() as connection:
        (record,) = records(connection.sql(query, params=[months, days, microseconds]).to_arrow_reader())
    assert list(record.values()) == [record["CAST(i AS VARCHAR)"]] * 2


def test_parquet_keeps_column_types(run: Run, annotated_lake: Path, tmp_path: Path) -> None:
    query = "select * from articles order by pmid"
    expected = Lake(annotated_lake).sql(query)
    for name in ("rows.parquet", "rows.PARQUET"):
        assert run("sql", query, "--lake", annotated_lake, "-o", tmp_path / name).returncode == DONE
        assert pq.read_table(tmp_path / name).equals(expected)


@pytest.mark.parametrize("form", FORMATS)
def test_stdout_and_file_are_the_same(run: Run, start: Start, annotated_lake: Path, tmp_path: Path, form: str) -> None:
    query = "select pmid, title, mesh, retracted, as_of from articles order by pmid limit 30"
    process = start("sql", query, "--lake", annotated_lake, "--format", form, text=False)
    printed, _ = process.communicate()
    ran = run("sql", "-", "--lake", annotated_lake, "--format", form, "-o", tmp_path / "rows", stdin=query.encode())
    assert (process.returncode, ran.returncode, ran.stdout) == (DONE, DONE, "")
    assert printed == (tmp_path / "rows").read_bytes()
    (tmp_path / "mine").touch()
    assert (tmp_path / "rows").stat().st_mode == (tmp_path / "mine").stat().st_mode


@pytest.mark.parametrize(
    ("form", "printed"),
    [("table", "a  b\n-  -\n"), ("csv", "a,b\n"), ("json", "[]\n"), ("jsonl", "")],
)
def test_a_result_without_rows_has_its_format(run: Run, empty: Path, tmp_path: Path, form: str, printed: str) -> None:
    assert run("sql", "select 1 as a, [2] as b where false", "--lake", empty, "--format", form).stdout == printed
    assert run("sql", "select 1 as a where false", "--lake", empty, "-o", tmp_path / "a.parquet").returncode == DONE
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == []


def test_repeated_column_names_get_a_number(run: Run, empty: Path, tmp_path: Path) -> None:
    query = "select 1 as a, 2 as a, 3 as a_1, 4 as a"
    expected = {"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}
    assert json.loads(run("sql", query, "--lake", empty, "--format", "jsonl").stdout) == expected
    assert run("sql", query, "--lake", empty, "-o", tmp_path / "a.parquet").returncode == DONE
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [expected]


@pytest.mark.parametrize(("count", "rows"), [(0, "0 rows"), (1, "1 row"), (12_345, "12,345 rows")])
def test_the_number_of_rows_in_a_file_is_told(run: Run, empty: Path, tmp_path: Path, count: int, rows: str) -> None:
    for name in ("a.csv", "a.json", "a.jsonl", "a.parquet"):
        ran = run("sql", f"select i from range({count}) r(i)", "--lake", empty, "-o", tmp_path / name)
        assert (ran.returncode, ran.stdout, ran.stderr) == (DONE, "", f"{rows} written to {tmp_path / name}\n")
    assert pq.read_table(tmp_path / "a.parquet").num_rows == count


def test_the_suffix_of_the_file_sets_the_format(run: Run, empty: Path, tmp_path: Path) -> None:
    assert run("sql", "select 1 as a", "--lake", empty, "-o", tmp_path / "a.csv").returncode == DONE
    assert (tmp_path / "a.csv").read_text() == "a\n1\n"
    ran = run("sql", "select 1 as a", "--lake", empty, "-o", tmp_path / "a.xlsx")
    assert (ran.returncode, ran.stderr) == (
        WRONG_USAGE,
        "litmine: unknown format 'xlsx'; choose --format table, csv, json, jsonl, parquet\n",
    )


def test_a_failed_query_leaves_an_existing_file_unchanged(run: Run, annotated_lake: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("before")
    breaks_late = "select case when pmid > 0 then error('no') end from articles order by pmid"
    ran = run("sql", breaks_late, "--lake", annotated_lake, "-o", tmp_path / "a.csv")
    assert ran.returncode == FAILED
    assert ran.stderr.startswith("litmine: ")
    ran = run("sql", "from articles", "--lake", annotated_lake, "-o", tmp_path / "nowhere" / "a.csv")
    assert (ran.returncode, "No such file or directory" in ran.stderr) == (FAILED, True)
    assert [(left.name, left.read_text()) for left in tmp_path.iterdir()] == [("a.csv", "before")]
    (tmp_path / "link.csv").symlink_to("a.csv")
    assert run("sql", "select 1 as a", "--lake", annotated_lake, "-o", tmp_path / "link.csv").returncode == DONE
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "a.csv").read_text() == "a\n1\n"


def test_a_device_can_be_the_output_file(run: Run, empty: Path) -> None:
    null = Path("/dev/null")
    assert run("sql", "select 1 as a", "--lake", empty, "-o", null, "--format", "csv").returncode == DONE
    assert null.is_char_device()


def test_a_full_disk_leaves_no_partial_file(run: Run, annotated_lake: Path, small_disk: Any) -> None:
    small_disk.leave(8)
    result = small_disk.folder / "rows.parquet"
    words = ("sql", "from articles", "--lake", annotated_lake, "-o", result)
    process = small_disk.start(*words)
    _, stderr = process.communicate()
    assert process.returncode == FAILED
    assert stderr.startswith(f"litmine: {result} cannot be written (")
    assert len(stderr.splitlines()) == 1
    assert list(small_disk.folder.iterdir()) == []
    small_disk.grow()
    assert run(*words).returncode == DONE
    assert pq.read_metadata(result).num_rows > 50


def test_control_characters_are_replaced_in_tables_and_kept_in_data(run: Run, empty: Path) -> None:
    title = "\x1b[2J\x1b]0;owned\x07red\x9b31m\r\u202eback"
    Lake(empty).add([SourceRecord(Article(1, title), datetime.now(UTC))], source="x")
    query = ("sql", 'select title, [title] as titles, title as "\x1b[1m" from articles', "--lake", empty)
    table = run(*query)
    assert [char for char in table.stdout if not char.isprintable() and char != "\n"] == []
    assert "�[2J�]0;owned�red�31m��back" in table.stdout
    assert json.loads(run(*query, "--format", "json").stdout)[0]["title"] == title
    (row,) = csv.DictReader(io.StringIO(run(*query, "--format", "csv").stdout, newline=""))
    assert row["title"] == title


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_control_characters_are_replaced_on_a_terminal_in_every_format(start: Start, empty: Path, form: str) -> None:
    Lake(empty).add([SourceRecord(Article(1, "\x1b[2Jred\x9b31m β"), datetime.now(UTC))], source="x")
    ours, theirs = pty.openpty()
    arguments = ("-c", 'exec 1<>"$0"; exec "$@"', os.ttyname(theirs))
    process = start("sql", "select title from articles", "--lake", empty, "--format", form, before=("sh", *arguments))
    process.communicate()
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "red" in shown
    assert "β" in shown
    assert [char for char in shown if not char.isprintable() and char not in "\r\n"] == []


NAMES = st.lists(st.sampled_from(["a", "b", "a_1", "A", "a,b", ""]), min_size=1, max_size=5)


@given(data=st.data(), names=NAMES, lines=st.integers(0, 4))
def test_any_text_is_written_and_read_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, names: list[str], lines: int
) -> None:
    texts = st.lists(st.none() | st.text(max_size=8), min_size=lines, max_size=lines)
    columns = [data.draw(texts) for _ in names]
    folder = tmp_path_factory.mktemp("rows")
    batches = pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], names=names)

    def written(form: str) -> bytes:
        write_result(pa.RecordBatchReader.from_batches(batches.schema, [batches]), form, folder / "rows")
        return (folder / "rows").read_bytes()

    rows = list(zip(*columns, strict=True))
    assert [tuple(row.values()) for row in json.loads(written("json"))] == rows
    assert [tuple(json.loads(line).values()) for line in written("jsonl").splitlines()] == rows
    header, *records = csv.reader(io.StringIO(written("csv").decode(), newline=""))
    assert [tuple(record) for record in records] == [tuple(text or "" for text in row) for row in rows]
    assert len(set(header)) == len(names)
    assert [tuple(row.values()) for row in pq.read_table(io.BytesIO(written("parquet"))).to_pylist()] == rows
    assert len(written("table").splitlines()) == 2 + lines
