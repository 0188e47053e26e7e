"""A condition over `articles`: exactly what filtering all hits gives, and one sentence where it is none."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from litmine import Lake
from litmine.errors import QueryError
from litmine.search import index as index_module
from litmine.search.index import Hit, SearchIndex

Texts = dict[int, str | None]
Put = Callable[[Lake, Texts], None]
Make = Callable[..., Texts]
Alike = Callable[[Sequence[Hit], Sequence[Hit]], None]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, put: Put, make: Make) -> Lake:
    lake = Lake.create(tmp_path_factory.mktemp("where") / "lake")
    put(lake, make(range(1, 201)))
    put(lake, dict.fromkeys(range(201, 240), "study of asthma"))
    return lake


@pytest.fixture(scope="module")
def index(lake: Lake) -> SearchIndex:
    return SearchIndex.open(lake)


CONDITIONS = [
    "false",
    "year = 2003",
    "title LIKE '%liver%' OR year = 2001 -- the rest is a comment",
    "pmid IN (SELECT pmid FROM articles ORDER BY pmid DESC LIMIT 5)",
    "length(text) % 7 = 2",
    "text NOT LIKE '%asthma%'",
]


@pytest.fixture(scope="module")
def passing(lake: Lake) -> dict[str, set[int]]:
    """The articles that pass each condition."""
    columns = ", ".join(f"(\n{where}\n)::BOOLEAN" for where in CONDITIONS)
    rows = lake.rows(f"SELECT pmid, {columns} FROM articles")
    return {where: {row[0] for row in rows if row[place]} for place, where in enumerate(CONDITIONS, 1)}


# Candidates that are looked up, all that pass known at once, and few enough of them to look for no others.
WAYS = [(300, 4, 1000, 0), (0, 0, 1000, 0), (0, 1, 5, 60)]


@pytest.mark.parametrize(("spare", "lookups", "looked_up", "few"), WAYS, ids=["looked up", "all", "few"])
@pytest.mark.parametrize("where", CONDITIONS)
def test_as_filtering_all_hits(
    lake: Lake,
    passing: dict[str, set[int]],
    alike: Alike,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    spare: int,
    lookups: int,
    looked_up: int,
    few: int,
) -> None:
    monkeypatch.setattr(index_module, "_SPARE", spare)
    monkeypatch.setattr(index_module, "_SMALL", 0)
    monkeypatch.setattr(index_module, "_LOOKUPS", lookups)
    monkeypatch.setattr(index_module, "_LOOKED_UP", looked_up)
    monkeypatch.setattr(index_module, "_FEW", few)
    index = SearchIndex.open(lake)
    for question, top_k in (("study of fever", 6), ("liver or mouse", 1), ("asthma", 55)):
        kept = [hit for hit in index.search(question, 1000) if hit.pmid in passing[where]][:top_k]
        hits = index.search(question, top_k, where)
        assert {hit.pmid for hit in hits} <= passing[where]
        alike(hits, [replace(hit, rank=rank) for rank, hit in enumerate(kept, 1)])


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("", "the condition is empty"),
        (" \n", "the condition is empty"),
        ("yaer > 2000", 'Referenced column "yaer" not found'),
        ("year >", "syntax error at or near"),
        ("true; DROP VIEW articles", "syntax error at or near"),
        ("true) UNION SELECT ('x'", "it is more than a condition"),
        ("title", "Could not convert string"),
        ("error('mine')", "mine"),
        ("pmid IN (SELECT a FROM read_csv('/etc/passwd') AS t(a))", "reads the views and the lake's own files"),
        ("EXISTS (WITH x AS (COPY (SELECT 1) TO 'x.csv') FROM x)", "exactly one SELECT"),
        ("year > 0\0", "without NUL"),
    ],
)
def test_a_bad_condition_is_one_sentence(index: SearchIndex, where: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence) as caught:
        index.search("asthma", 3, where)
    assert "\n" not in str(caught.value)


def test_a_bad_condition_is_told_even_where_nothing_is_found(index: SearchIndex) -> None:
    with pytest.raises(QueryError, match="yaer"):
        index.search("xyzzy", 3, "yaer > 2000")


def test_only_articles_come_through_a_union(index: SearchIndex) -> None:
    """The sandbox keeps it from harm, and what is no hit stays none."""
    hits = index.search("fever", 500, "false) UNION SELECT (-1")
    assert hits == []
