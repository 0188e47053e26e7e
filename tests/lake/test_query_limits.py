"""Memory, threads and disk space of queries: defaults, options, variables, and what a query that needs more says."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED, LitmineError, QueryLimitError, SettingError
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.query_limits import VARIABLES, QueryLimits, limit_error
from litmine.lake.views import open_duckdb

Run = Callable[..., CompletedProcess[str]]
# Sorting whole texts by a random key needs some 400 MB.
BIG = "select md5(range::varchar) as key, repeat(md5((range * 7)::varchar), 3) as text from range(2000000) order by key"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the test, with a quote in its name."""
    folder = tmp_path / "tempo'rary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def setting_of(name: str, limits: QueryLimits | None = None) -> str:
    with open_duckdb(limits=limits) as connection:
        return str(connection.execute("SELECT current_setting($1)", [name]).fetchall()[0][0])


def test_defaults_leave_room_for_others(temporary: Path) -> None:
    with open_duckdb() as connection:
        (memory, threads, spill, folder) = connection.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads'),"
            " current_setting('max_temp_directory_size'), current_setting('temp_directory')"
        ).fetchall()[0]
    number, unit = memory.split()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert float(number) * {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit] < 0.65 * total
    assert 1 <= threads <= (os.cpu_count() or 1)
    assert spill.endswith("iB")
    assert folder.startswith(f"{temporary}/litmine-")


def test_options_come_before_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES["memory"], "128MiB")
    monkeypatch.setenv(VARIABLES["threads"], "1")
    assert [setting_of("memory_limit"), setting_of("threads")] == ["128.0 MiB", "1"]
    assert setting_of("memory_limit", QueryLimits(memory="256 mib")) == "256.0 MiB"
    assert setting_of("threads", QueryLimits(memory="256MiB")) == "1"
    assert setting_of("max_temp_directory_size", QueryLimits(spill="1.5GiB")) == "1.5 GiB"


@pytest.mark.parametrize("size", ["4", "GB", "-4GB", "4 apples", "4GB; SELECT 1", "1MB", "0GB"])
def test_a_bad_size_is_refused(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError):
        QueryLimits(memory=size)
    monkeypatch.setenv(VARIABLES["memory"], size)
    with pytest.raises(SettingError, match=f"^{VARIABLES['memory']}: "):
        open_duckdb()


@pytest.mark.parametrize("threads", ["0", "two", "1.5"])
def test_a_bad_number_of_threads_is_refused(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES["threads"], threads)
    with pytest.raises(SettingError, match=f"^{VARIABLES['threads']}: "):
        open_duckdb()


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (
            ("--memory", "64MB", "--spill", "1MB"),
            "temporary disk space than 976.5 KiB; raise the limit with `litmine sql --spill SIZE` or LITMINE_SQL_SPILL",
        ),
        (("--memory", "64MB", "--spill", "4GB", "--threads", "1"), ""),
    ],
)
def test_a_query_spills_to_disk_and_stops_at_its_limit(
    run: Run, imported_lake: Path, temporary: Path, tmp_path: Path, options: tuple[str, ...], needed: str
) -> None:
    ran = run("sql", BIG, "--lake", imported_lake, "-o", tmp_path / "out.parquet", *options)
    if needed:
        assert ran.returncode == FAILED
        assert ran.stderr == f"litmine: the query needs more {needed}, or let the query read fewer rows or columns\n"
    else:
        assert (ran.returncode, ran.stderr) == (DONE, f"2,000,000 rows written to {tmp_path / 'out.parquet'}\n")
    assert [*temporary.iterdir()] == []
    assert (tmp_path / "out.parquet").exists() is not bool(needed)


def test_a_query_that_cannot_spill_names_the_memory(imported_lake: Path) -> None:
    query = "select string_agg(md5(range::varchar), '') as all from range(3000000)"
    with pytest.raises(
        QueryLimitError, match=r"needs more memory than 61\.0 MiB; raise the limit with `litmine sql --memory"
    ):
        Lake(imported_lake).select(query, QueryLimits("64MB")).read_all()


def test_commands_other_than_sql_stop_at_the_limit_too(imported_lake: Path) -> None:
    with (
        pytest.raises(LitmineError, match="LITMINE_SQL_MEMORY"),
        report_damaged_files(imported_lake),
        open_duckdb(imported_lake, QueryLimits("64MB", 1)) as connection,
    ):
        connection.execute("select string_agg(md5(range::varchar), '') from range(3000000)").fetchall()


def test_a_full_disk_is_named() -> None:
    error = limit_error('IO Error: Could not write file "/tmp/x": No space left on device')
    assert error is not None
    assert "set TMPDIR to another folder" in str(error)
    assert limit_error("Binder Error: no such column") is None


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from range(10000000000) where hash(range) = 1",
        "select count(*) from range(1000000) one, range(1000000) other where hash(one.range * other.range) = 1",
        "from range(1000000000000)",
    ],
)
def test_a_query_that_takes_too_long_ends_with_a_sentence(imported_lake: Path, query: str) -> None:
    with pytest.raises(QueryLimitError, match="takes longer than it may"):
        for _ in Lake(imported_lake).select(query, QueryLimits(seconds=0.3)):
            pass


def test_a_query_within_its_time_has_all_its_rows(imported_lake: Path) -> None:
    rows = Lake(imported_lake).select("from range(100000)", QueryLimits(seconds=300))
    assert sum(batch.num_rows for batch in rows) == 100_000
