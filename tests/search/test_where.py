"""A SQL condition on `articles` gives the same hits as filtering all hits; an invalid one is one sentence."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from litmine import Lake
from litmine.errors import QueryError
from litmine.search import index as index_module
from litmine.search.index import Hit, SearchIndex

Texts = dict[int, str | None]
AddTexts = Callable[[Lake, Texts], None]
MakeTexts = Callable[..., Texts]
AssertSameHits = Callable[[Sequence[Hit], Sequence[Hit]], None]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, add_texts: AddTexts, make_texts: MakeTexts) -> Lake:
    lake = Lake.create(tmp_path_factory.mktemp("where") / "lake")
    add_texts(lake, make_texts(range(1, 201)))
    add_texts(lake, dict.fromkeys(range(201, 240), "study of asthma"))
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
def matching(lake: Lake) -> dict[str, set[int]]:
    """The PMIDs that fulfil each condition."""
    columns = ", ".join(f"(\n{where}\n)::BOOLEAN" for where in CONDITIONS)
    rows = lake.rows(f"SELECT pmid, {columns} FROM articles")
    return {where: {row[0] for row in rows if row[column]} for column, where in enumerate(CONDITIONS, 1)}


# The three strategies: look up candidates, find all matching articles, and search only among a few matching ones.
STRATEGIES = [(300, 4, 1000, 0), (0, 0, 1000, 0), (0, 1, 5, 60)]


@pytest.mark.parametrize(
    ("spare_hits", "max_lookups", "max_lookup_pmids", "max_listed_pmids"), STRATEGIES, ids=["looked up", "all", "few"]
)
@pytest.mark.parametrize("where", CONDITIONS)
def test_a_condition_gives_the_same_hits_as_filtering_all_hits(
    lake: Lake,
    matching: dict[str, set[int]],
    assert_same_hits: AssertSameHits,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    spare_hits: int,
    max_lookups: int,
    max_lookup_pmids: int,
    max_listed_pmids: int,
) -> None:
    monkeypatch.setattr(index_module, "_SPARE_HITS", spare_hits)
    monkeypatch.setattr(index_module, "_LOOKUPS_ABOVE_ARTICLES", 0)
    monkeypatch.setattr(index_module, "_MAX_LOOKUPS", max_lookups)
    monkeypatch.setattr(index_module, "_MAX_LOOKUP_PMIDS", max_lookup_pmids)
    monkeypatch.setattr(index_module, "_MAX_LISTED_PMIDS", max_listed_pmids)
    index = SearchIndex.open(lake)
    for question, top_k in (("study of fever", 6), ("liver or mouse", 1), ("asthma", 55)):
        expected = [hit for hit in index.search(question, 1000) if hit.pmid in matching[where]][:top_k]
        hits = index.search(question, top_k, where)
        assert {hit.pmid for hit in hits} <= matching[where]
        assert_same_hits(hits, [replace(hit, rank=rank) for rank, hit in enumerate(expected, 1)])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", "the condition is empty"),
        (" \n", "the condition is empty"),
        ("yaer > 2000", 'Referenced column "yaer" not found'),
        ("year >", "syntax error at or near"),
        ("true; DROP VIEW articles", "syntax error at or near"),
        ("true) UNION SELECT ('x'", "it is not a single condition"),
        ("title", "Could not convert string"),
        ("error('mine')", "mine"),
        ("pmid IN (SELECT a FROM read_csv('/etc/passwd') AS t(a))", "can read only the views and the lake's own files"),
        ("EXISTS (WITH x AS (COPY (SELECT 1) TO 'x.csv') FROM x)", "exactly one SELECT"),
        ("year > 0\0", "without NUL"),
    ],
)
def test_an_invalid_condition_is_reported_in_one_sentence(index: SearchIndex, where: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        index.search("asthma", 3, where)
    assert "\n" not in str(caught.value)


def test_an_invalid_condition_is_reported_even_without_hits(index: SearchIndex) -> None:
    with pytest.raises(QueryError, match="yaer"):
        index.search("xyzzy", 3, "yaer > 2000")


def test_a_union_cannot_add_hits(index: SearchIndex) -> None:
    """A condition can contain a UNION that only reads, but its rows are not hits."""
    hits = index.search("fever", 500, "false) UNION SELECT (-1")
    assert hits == []
