"""A query of a user reads the table in memory or few parts where that is enough, and gives the same rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pytest

from litmine.errors import QueryError
from litmine.explore import queries as explore_queries
from litmine.explore.article_table import read_article_table
from litmine.explore.queries import LakeQueries
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake
from litmine.lake.prepared_views import PreparedViews, TableInMemory

IN_MEMORY = [
    "SELECT pmid FROM articles WHERE (\nyear > 1980 AND pmid % 7 = 3 -- a comment\n)",
    "SELECT year, count(*) AS articles FROM articles GROUP BY ALL ORDER BY year",
    "SELECT journal, as_of, revised FROM articles WHERE list_contains(publication_types, 'Review') OR NOT retracted",
    "SELECT count(*) FROM articles WHERE year = (SELECT max(year) FROM articles)",
    "SELECT lower(JOURNAL) FROM Articles WHERE pub_date >= '1980'",
]
FROM_THE_LAKE = [
    "SELECT count(*) FROM articles WHERE title LIKE '%a%'",
    "SELECT * FROM articles",
    "SELECT pmid FROM articles NATURAL JOIN entities",
    "SELECT year FROM articles AS a(one, year)",
    "SELECT articles FROM articles",
    "SELECT #1 FROM articles",
    "SELECT columns('year|doi') FROM articles",
    "SELECT pmid, count(*) FROM entities GROUP BY ALL",
]
OF_FEW_ARTICLES = [
    "SELECT * FROM articles WHERE pmid = {pmid}",
    "FROM entities WHERE year(now()) > 2000 AND PMID IN ({pmid}, 1, 2)",
    "SELECT relation_type, count(*) FROM relations WHERE pmid = {pmid} GROUP BY ALL",
    "SELECT pmid, rank() OVER (ORDER BY score) FROM all_entities WHERE pmid IN (3, {pmid})",
]


@pytest.fixture(scope="module")
def queries(explored_lake: Path) -> LakeQueries:
    return LakeQueries(Lake(explored_lake))


@pytest.fixture
def with_table(queries: LakeQueries) -> Iterator[LakeQueries]:
    """Queries with the table in memory, which is ready."""
    found = LakeQueries(queries.lake)
    found.article_table = Shared(lambda: read_article_table(queries), "the table", 0, Lock())
    found.article_table.prepare(found.state())
    found.article_table.wait()
    yield found
    found.close()


def rows(queries: LakeQueries, query: str) -> tuple[pa.Schema, list[str]]:
    """Columns, types and rows, in a fixed order."""
    with queries.open(query) as reader:
        table = reader.read_all()
    return table.schema, sorted(map(str, table.to_pylist()))


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, kind: type, method: str) -> Iterator[list[str]]:
    """The calls of a method in the block, which it still makes."""
    calls: list[str] = []
    original = getattr(kind, method)

    def call(self: object, *args: object) -> object:
        calls.append(method)
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(kind, method, call)
        yield calls


@pytest.mark.parametrize("query", IN_MEMORY + FROM_THE_LAKE)
def test_the_table_in_memory_gives_the_rows_of_the_view(
    queries: LakeQueries, with_table: LakeQueries, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    with counted(monkeypatch, TableInMemory, "connect") as calls:
        found = rows(with_table, query)
    assert found == rows(queries, query)
    assert bool(calls) == (query in IN_MEMORY)


def test_a_wrong_condition_is_reported_as_on_the_view(queries: LakeQueries, with_table: LakeQueries) -> None:
    for query in ("SELECT year FROM articles WHERE year > 'x'", "SELECT no_function(year) FROM articles"):
        with pytest.raises(QueryError) as of_view:
            rows(queries, query)
        with pytest.raises(QueryError) as of_table:
            rows(with_table, query)
        assert str(of_table.value) == str(of_view.value)


def test_the_table_reads_nothing_outside_the_lake(with_table: LakeQueries) -> None:
    for query in (
        "SELECT year FROM articles WHERE year = (SELECT count(*) FROM '/etc/passwd')",
        "COPY articles TO 'x'",
    ):
        with pytest.raises(QueryError):
            rows(with_table, query)


def test_a_table_of_another_state_is_not_read(with_table: LakeQueries) -> None:
    table = with_table.article_table
    assert table is not None
    table.stop()  # so that it is not made again
    assert table.get_current("another state") is None
    assert table.get_current(with_table.state()) is not None


@pytest.mark.parametrize("query", OF_FEW_ARTICLES)
def test_few_parts_give_the_rows_of_all(queries: LakeQueries, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    pmids = [row["pmid"] for row in queries.rows("SELECT pmid FROM article_versions")]
    whole = {pmid: rows(queries, query.format(pmid=pmid)) for pmid in (*pmids[:5], 10**9)}
    monkeypatch.setattr(explore_queries, "_MIN_FILES_SAVED", 0)
    with counted(monkeypatch, PreparedViews, "narrowed") as calls:
        assert {pmid: rows(queries, query.format(pmid=pmid)) for pmid in whole} == whole
    assert len(calls) == len(whole)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM articles WHERE pmid = 1 OR year > 0",
        "SELECT * FROM articles WHERE NOT pmid = 1",
        "SELECT * FROM articles WHERE pmid = -1",
        "SELECT * FROM articles WHERE pmid = NULL OR pmid IN (NULL)",
        "SELECT * FROM articles WHERE pmid = NULL",
        "SELECT * FROM articles WHERE pmid = '1'",
        "SELECT * FROM articles WHERE pmid IN (true, 1.5)",
        "SELECT * FROM articles WHERE pmid IN (SELECT pmid FROM entities)",
        "SELECT * FROM articles WHERE pmid = ANY (SELECT 1)",
        "SELECT * FROM range(3) AS r(pmid) WHERE pmid = 1",
        "VALUES (1), (2)",
        "SELECT 1 AS pmid WHERE 1 = 1",
        "FROM (SHOW TABLES) WHERE name = 'articles'",
        "SELECT * FROM articles WHERE pmid IN (1, 1 + 1)",
        "WITH articles AS (SELECT 1 AS pmid) SELECT * FROM articles WHERE pmid = 1",
        "SELECT (SELECT max(pmid) FROM articles) FROM articles WHERE pmid = 1",
        "SELECT pmid FROM articles WHERE pmid = 1 UNION ALL SELECT pmid FROM articles",
        "SELECT * FROM concepts",
    ],
)
def test_other_queries_read_all_parts(queries: LakeQueries, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(explore_queries, "_MIN_FILES_SAVED", 0)
    with counted(monkeypatch, PreparedViews, "narrowed") as calls:
        rows(queries, query)
    assert not calls
