"""What the server keeps in memory says the same as queries of the lake."""

from pathlib import Path

import numpy as np
import pytest

from litmine.discovery.evidence import count_relations
from litmine.explore import queries as explore_queries
from litmine.explore.arrays import NO_YEAR, LakeArrays, read_arrays
from litmine.explore.article import label_groups, read_article
from litmine.explore.concept_tables import read_concept_tables
from litmine.explore.queries import LakeQueries
from litmine.lake.lake import Lake
from tests.explore.conftest import ASPIRIN, ASTHMA, LUNG, URTICARIA


@pytest.fixture(scope="module")
def queries(explored_lake: Path) -> LakeQueries:
    return LakeQueries(Lake(explored_lake))


@pytest.fixture(scope="module")
def arrays(queries: LakeQueries) -> LakeArrays:
    return read_arrays(queries)


@pytest.mark.parametrize(
    ("facet", "query"),
    [
        ("year", "SELECT year::VARCHAR AS value, count(*) AS articles FROM articles WHERE year IS NOT NULL GROUP BY 1"),
        ("journal", "SELECT journal AS value, count(*) AS articles FROM articles WHERE journal IS NOT NULL GROUP BY 1"),
        ("design", "SELECT unnest(publication_types) AS value, count(*) AS articles FROM articles GROUP BY 1"),
        ("entity_type", "SELECT entity_type AS value, count(DISTINCT pmid) AS articles FROM entities GROUP BY 1"),
    ],
)
def test_facets_count_as_sql_does(queries: LakeQueries, arrays: LakeArrays, facet: str, query: str) -> None:
    counted = {row["value"]: row["articles"] for row in queries.rows(query)}
    assert {row["value"]: row["articles"] for row in arrays.all_facets[facet]} == counted
    for value, articles in counted.items():
        places = np.flatnonzero(arrays.facet_mask(facet, value))
        assert len(places) == articles
        assert {"value": value, "articles": articles} in arrays.facets(places)[facet]
    assert not arrays.facet_mask(facet, "no such value").any()


def test_articles_come_newest_first_and_those_without_year_last(queries: LakeQueries, arrays: LakeArrays) -> None:
    rows = queries.rows("SELECT pmid FROM articles ORDER BY year DESC NULLS LAST, pmid DESC")
    everything = np.ones(len(arrays.pmids), np.bool_)
    assert arrays.page(everything, 0, 99) == arrays.newest_page(0, 99) == [row["pmid"] for row in rows]
    assert arrays.page(everything, 2, 1) == [rows[2]["pmid"]]
    assert (arrays.years[arrays.newest][-1:] == NO_YEAR).all()


def test_a_composite_mention_counts_for_each_concept(arrays: LakeArrays) -> None:
    places, mentions = arrays.articles_of(LUNG)
    assert arrays.pmids[places].tolist() == [3]
    assert mentions.tolist() == [1]
    assert arrays.articles_of("no such concept")[0].tolist() == []
    near, pairs = arrays.neighbours(ASTHMA, 5, 5)
    assert [(one["identifier"], one["articles"]) for one in near] == [(ASPIRIN, 2), (LUNG, 1)]
    assert pairs == []


def test_spellings_relations_and_events_of_concepts(queries: LakeQueries) -> None:
    tables = read_concept_tables(queries)
    assert {one["mention"] for one in tables.spellings_of(ASTHMA)} == {"asthma", "severe asthma"}
    # Of equally frequent and sure ones, the first by identifier comes first: asthma before urticaria.
    assert [one["relation_type"] for one in tables.relations_of(ASPIRIN)] == ["treats", "adverse_effect"]
    assert [one["event"] for one in tables.events_of(2)] == ["urticaria"]
    assert tables.events_of(1) == tables.relations_of("none") == tables.spellings_of("none") == []


def test_relations_between_concepts_are_those_that_sql_counts(queries: LakeQueries) -> None:
    tables = read_concept_tables(queries)
    named = {one for row in queries.rows("FROM document_relations") for one in (row["subject_id"], row["object_id"])}
    for wanted in ({*filter(None, named)}, {ASPIRIN, URTICARIA}, {ASPIRIN}, {"none"}):
        assert tables.relations_between(wanted) == count_relations(queries.lake, wanted, None)
    assert tables.relations_between({ASPIRIN, URTICARIA})


def test_an_empty_lake_has_empty_arrays(place_lake: object) -> None:
    queries = LakeQueries(Lake(place_lake()))  # type: ignore[operator]
    arrays = read_arrays(queries)
    assert arrays.page(np.ones(0, np.bool_), 0, 20) == []
    assert arrays.neighbours("x", 5, 5) == ([], [])
    tables = read_concept_tables(queries)
    assert tables.relations_of("x") == []
    assert tables.relations_between({"x"}) == {}


def test_labels_are_grouped_by_scheme() -> None:
    labels = [
        {"scheme": "study", "label": "Human-RCT", "score": 0.9, "start_char": None, "end_char": None},
        {"scheme": "section", "label": "methods", "score": 0.8, "start_char": 0, "end_char": 5},
        {"scheme": "section", "label": "methods", "score": 0.6, "start_char": 6, "end_char": 9},
    ]
    assert label_groups(labels) == [
        ("study", "Human-RCT (0.90)"),
        ("section", "methods (2 sentences, 0.80 at most)"),
    ]


def test_an_article_is_the_same_from_the_files_that_can_have_it(
    queries: LakeQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = read_concept_tables(queries)
    pmids = [row["pmid"] for row in queries.rows("SELECT pmid FROM article_versions")]
    whole = {pmid: read_article(queries, tables, pmid) for pmid in (*pmids, 10**9)}
    assert sum(one is not None for one in whole.values()) > 5
    monkeypatch.setattr(explore_queries, "_MIN_FILES_SAVED", 0)
    assert {pmid: read_article(queries, tables, pmid) for pmid in whole} == whole
