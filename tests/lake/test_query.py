"""A query can read only the lake, changes no file, and fails with a one-sentence message."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from litmine import Lake
from litmine.errors import LakeError, QueryError
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.types import SourceRecord

MakeRecord = Callable[..., SourceRecord]

WRITES = """
COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet)
EXPORT DATABASE '{lake}/export'
EXPLAIN SELECT 1
EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}'
SELECT 1; SELECT 2
SELECT 1; COPY (SELECT 1) TO '{part}'
WITH x AS (COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet)) SELECT * FROM x
(WITH x AS (COPY (SELECT 1 AS a) TO '{lake}/new.csv') FROM x)
WITH x AS (COPY (SELECT 1 AS a) TO '{lake}/new.csv') FROM x UNION ALL SELECT 2
WITH y AS (WITH x AS (COPY (SELECT 1 AS a) TO '{lake}/new.csv') FROM x) FROM y
WITH x AS (INSERT INTO articles VALUES (1)) SELECT 1
WITH x AS (DELETE FROM articles RETURNING *) FROM x
FROM json_execute_serialized_sql('{copy}')
FROM "JSON_Execute_Serialized_SQL"('{copy}')
FROM system.main.json_execute_serialized_sql('{copy}')
FROM query('FROM json_execute_serialized_sql(''{copy}'')')
FROM destroy_external_resource('json_execute_serialized_sql', '{copy}')
SELECT (SELECT count(*) FROM query('SELECT 1'))
DESCRIBE FROM query('SELECT 1')
SELECT * FROM articles, LATERAL (FROM query('SELECT 1'))
FROM enable_logging('QueryLog', storage = 'file', storage_path = '{lake}/log')
FROM checkpoint()
ATTACH '{lake}/lake.duckdb' AS x
ATTACH '{lake}/new.duckdb' AS x
INSTALL httpfs
LOAD httpfs
PRAGMA version
SET threads = 1
RESET allowed_directories
CALL pragma_version()
CREATE MACRO f() AS 1
CREATE TABLE t AS SELECT 1
INSERT INTO articles VALUES (1)
DELETE FROM articles
DROP VIEW articles
PREPARE x AS SELECT 1
EXECUTE x
CHECKPOINT
BEGIN
VACUUM
USE memory
IMPORT DATABASE '{lake}'
""".strip().splitlines()

READS_OUTSIDE = """
SELECT * FROM read_csv('{outside}')
SELECT * FROM '{outside}'
SELECT * FROM 'relative.csv'
SELECT * FROM read_csv('relative.csv')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_json('/etc/passwd')
SELECT * FROM read_text('/proc/self/environ')
SELECT * FROM read_text('file:///etc/passwd')
SELECT * FROM read_text('~/.bashrc')
SELECT * FROM glob('/etc/*')
SELECT * FROM glob('{lake}/../*')
SELECT * FROM read_text('{lake}/../outside.csv')
SELECT * FROM read_text('{lake}/articles/../../outside.csv')
SELECT * FROM read_text('{lake}2/beside.csv')
SELECT * FROM read_text('{lake}/link.csv')
SELECT * FROM glob('{lake}/folder/*')
SELECT * FROM read_text('{lake}/folder/outside.csv')
SELECT * FROM parquet_metadata('{outside}')
SELECT * FROM sniff_csv('{outside}')
SELECT * FROM query_table('{outside}')
SELECT * FROM read_duckdb('{outside}')
SELECT * FROM read_parquet('https://example.com/x.parquet')
SELECT * FROM read_parquet('s3://bucket/x.parquet')
SELECT * FROM duckdb_secrets()
SELECT getenv('HOME')
SELECT * FROM lake
""".strip().splitlines()

ANSWERED = {
    "SELECT count(*) FROM articles": 1,
    "FROM articles": 3,
    "TABLE articles;": 3,
    "VALUES (1), (2)": 2,
    "WITH x AS MATERIALIZED (SELECT 1) FROM x, x AS y": 1,
    "WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x WHERE a < 3) FROM x": 3,
    "SELECT 1 UNION SELECT 2 ORDER BY 1": 2,
    "DESCRIBE articles": 29,
    "SUMMARIZE SELECT pmid FROM articles": 1,
    "SHOW TABLES": 47,
    "FROM duckdb_views() WHERE NOT internal": 47,
    "FROM pragma_table_info('articles')": 29,
    "FROM histogram('articles', pmid)": 3,
    "FROM information_schema.tables": 47,
    "FROM memory.main.articles": 3,
    'SELECT pmid FROM "Articles" WHERE pmid IN (SELECT pmid FROM CURRENT_VERSIONS)': 3,
    "WITH runs AS (FROM articles), x AS (FROM runs) FROM x": 3,
    "FROM range(3) AS r(i), unnest([1, 2]) AS u(x)": 6,
    "PIVOT articles ON pmid IN (1, 2) USING count(*) GROUP BY year": 1,
    "SELECT pmid FROM articles WHERE title LIKE $$%-- ; COPY%$$ -- a comment; DROP": 0,
    "/* first */ SELECT text FROM articles ORDER BY pmid DESC LIMIT 2": 2,
    "SELECT title FROM articles QUALIFY row_number() OVER (ORDER BY pmid) = 1": 1,
    "SELECT * FROM read_parquet('{part}')": 3,
    "SELECT * FROM glob('{lake}/articles/*.parquet')": 2,
}

MISTAKES = {
    "": "a query must be exactly one SELECT, and this one has 0 statements",
    "-- nothing": "a query must be exactly one SELECT, and this one has 0 statements",
    "SELEC 1": 'syntax error at or near "SELEC"',
    "SELECT '": "unterminated string literal",
    "SELECT nope FROM articles": 'Referenced column "nope" not found in FROM clause! Candidate bindings: ',
    "SELECT * FROM artcles": 'Table with name artcles does not exist! Did you mean "articles"?',
    "SELECT * FROM xyzzy": "Table with name xyzzy does not exist; the views are article_versions, current_versions",
    "SELECT nosuch(1)": "nosuch does not exist",
    "SELECT title::INT FROM articles": "Could not convert string 'title 1' to INT32",
    "SELECT error('mine')": "mine",
    "SELECT * FROM articles WHERE pmid = $x": "Values were not provided for the following parameters: x",
    "PIVOT articles ON year USING count(*)": "ON x IN (...)",
    "SELECT 1\0": "without NUL",
    "SELECT '\ud800'": "must be Unicode text",
    f"SELECT {'abs(' * 300}1{')' * 300}": "nested at most 200 deep",
    f"{'FROM (' * 100_000}articles{')' * 100_000}": "nested at most 200 deep",
    f"SELECT 1{' + 1' * 500}": "nested too deeply",
    f"SELECT {'[' * 190}1{']' * 190}": "Recursion level in ArrowSchema struct exceeded",
    f"SELECT true{' AND true' * 200_000}": "at most 1,000,000 characters, and this one has 1,800,011",
}


@pytest.fixture(scope="module")
def filled_lake(tmp_path_factory: pytest.TempPathFactory, make_record: MakeRecord) -> Lake:
    folder = tmp_path_factory.mktemp("query")
    lake = Lake.create(folder / "lake")
    lake.add([make_record(0, pmid, f"title {pmid}", "abstract") for pmid in (1, 2, 3)], source="a", dated=True)
    (folder / "lake2").mkdir()
    for path in (folder / "outside.csv", folder / "lake2" / "beside.csv"):
        path.write_text("a\n1\n")
    (lake.path / "link.csv").symlink_to(folder / "outside.csv")
    (lake.path / "folder").symlink_to(folder)
    return lake


@pytest.fixture(autouse=True)
def no_file_changes(filled_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check that no test changes the lake, files beside it or the working folder."""

    def checksums() -> dict[Path, str]:
        files = [path for path in filled_lake.path.parent.rglob("*") if path.is_file()]
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = checksums()
    work = tmp_path / "work"
    work.mkdir()
    (work / "relative.csv").write_text("a\n1\n")
    monkeypatch.chdir(work)
    yield
    assert checksums() == before
    assert [path.name for path in work.iterdir()] == ["relative.csv"]


def with_paths(query: str, lake: Lake) -> str:
    """Replace the placeholders in a query by paths."""
    copy = Path(__file__).with_name("serialised_copy.json").read_text(encoding="utf-8").strip()
    paths = {
        "part": lake.part(lake.parts()[0]),
        "lake": lake.path,
        "outside": lake.path.parent / "outside.csv",
        "copy": copy.replace("/new.csv", f"{lake.path}/new.csv"),
    }
    for name, value in paths.items():
        query = query.replace(f"{{{name}}}", str(value))
    return query


@pytest.mark.parametrize("query", WRITES + READS_OUTSIDE)
def test_writing_and_reading_outside_the_lake_is_refused(filled_lake: Lake, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        filled_lake.sql(with_paths(query, filled_lake))
    message = str(caught.value)
    assert "\n" not in message
    assert not message.startswith("the query failed: the query")


def test_the_serialised_copy_writes_without_the_sandbox(filled_lake: Lake, tmp_path: Path) -> None:
    """Shows that the refusal of this statement above is due to the sandbox."""
    import duckdb

    written = tmp_path / "written.csv"
    copy = with_paths("{copy}", filled_lake).replace(f"{filled_lake.path}/new.csv", str(written))
    with duckdb.connect() as connection:
        connection.execute(f"FROM json_execute_serialized_sql('{copy}')")
    assert written.exists()


@pytest.mark.parametrize(("query", "rows"), ANSWERED.items())
def test_selects_are_answered(filled_lake: Lake, query: str, rows: int) -> None:
    assert filled_lake.sql(with_paths(query, filled_lake)).num_rows == rows


@pytest.mark.parametrize(("query", "message"), MISTAKES.items())
def test_a_faulty_query_fails_with_one_sentence(filled_lake: Lake, query: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        filled_lake.sql(query)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_query_cannot_read_python_variables(filled_lake: Lake) -> None:
    import pyarrow as pa

    hidden = pa.table({"a": [1]})
    with pytest.raises(QueryError, match="hidden does not exist"):
        filled_lake.sql("SELECT * FROM hidden")
    assert hidden.num_rows == 1


def test_rows_are_streamed_in_batches(filled_lake: Lake) -> None:
    with filled_lake.select("SELECT range AS n FROM range(100000)") as rows:
        assert rows.schema.names == ["n"]
        assert rows.read_next_batch().num_rows <= 10_000


def test_an_error_while_reading_rows_is_one_sentence(filled_lake: Lake) -> None:
    rows = filled_lake.select(
        "SELECT CASE WHEN range = 90000 THEN error('late') ELSE range END AS n FROM range(100000)"
    )
    with pytest.raises(QueryError, match=r"^the query failed: late$"):
        rows.read_all()


def test_timestamps_are_in_utc(filled_lake: Lake) -> None:
    (as_of,) = filled_lake.sql("SELECT DISTINCT as_of::VARCHAR AS t FROM articles")["t"].to_pylist()
    assert as_of == "2025-01-01 00:00:00+00"


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        # After less than 3 seconds, DuckDB would draw its progress bar on stdout, which is for data.
        ("SELECT count(*) FROM range(1000000000000) AS t(a) WHERE a % 7 = 3", 3),
        ("SELECT a FROM range(1000000000000) AS t(a) WHERE a < 50000 OR a = -1", 0.3),
    ],
    ids=["computed", "streamed"],
)
def test_ctrl_c_stops_a_query(filled_lake: Lake, query: str, seconds: float) -> None:
    script = (
        "import os, signal, sys, threading\nfrom litmine import Lake\nlake = Lake(sys.argv[1])\nlake.sql('SELECT 1')\n"
        "threading.Timer(float(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    lake.sql(sys.argv[2])\nexcept KeyboardInterrupt:\n    print('interrupted')"
    )
    command = [sys.executable, "-c", script, str(filled_lake.path), query, str(seconds)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    assert ran.stdout == "interrupted\n"


def test_a_damaged_part_is_named(lake: Lake, make_record: MakeRecord) -> None:
    records = [make_record(0, pmid, f"title {pmid}", "abstract " * pmid) for pmid in range(50)]
    good, bad = lake.add(records, source="a", dated=True, part_size=25).parts
    data = lake.part(bad).read_bytes()
    metadata = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for broken in (
        b"",
        data[: len(data) // 2],
        data[:4] + b"\0" * 400 + data[404:],
        data[: metadata + 20] + b"\xff" * 40 + data[metadata + 60 :],
    ):
        lake.part(bad).write_bytes(broken)
        with pytest.raises(LakeError, match=rf"{bad}\.parquet is damaged .*; restore it, or delete each"):
            lake.sql("SELECT * FROM articles")
        with pytest.raises(LakeError, match=rf"{bad}\.parquet is damaged"):
            lake.add([make_record(1, pmid, "other") for pmid in range(50)], source="b", dated=True)
        assert good in lake.parts()
    with pytest.raises(LakeError, match=rf"{bad}\.parquet is damaged"):
        lake.sql("SELECT nope FROM articles")
    lake.part(bad).write_bytes(data)
    with pytest.raises(QueryError):
        lake.sql("SELECT nope FROM articles")


@pytest.mark.parametrize("kind", ["", "IO Error: ", "Invalid Error: "])
def test_each_form_of_a_message_about_damage_finds_the_file(lake: Lake, make_record: MakeRecord, kind: str) -> None:
    (bad,) = lake.add([make_record(0, 1, "title")], source="a", dated=True).parts
    lake.part(bad).write_bytes(b"PAR1 and no more")
    with pytest.raises(LakeError, match=rf"{bad}\.parquet is damaged"), report_damaged_files(lake.location):
        raise duckdb.Error(f"{kind}TProtocolException: Invalid data")


@pytest.mark.parametrize("kind", ["Binder Error: ", "Invalid Input Error: "])
def test_a_message_about_the_query_does_not_read_the_files(lake: Lake, make_record: MakeRecord, kind: str) -> None:
    (bad,) = lake.add([make_record(0, 1, "title")], source="a", dated=True).parts
    lake.part(bad).write_bytes(b"PAR1 and no more")
    with pytest.raises(LakeError, match=r"the lake cannot be read: .*no such"), report_damaged_files(lake.location):
        raise duckdb.Error(f"{kind}no such column")
