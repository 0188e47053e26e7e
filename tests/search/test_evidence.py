"""Questions are answered from articles, and not from notices about other articles."""

from datetime import UTC, datetime

import pytest

from litmine import Lake
from litmine.search.evidence import IS_EVIDENCE
from litmine.types import Article, Correction, SourceRecord

ARTICLES = {
    "an article": Article(1, publication_types=("Journal Article",)),
    "an article with an erratum": Article(2, corrections=(Correction("ErratumIn", 3),)),
    "a comment": Article(4, publication_types=("Comment",), corrections=(Correction("CommentOn", 1),)),
    "a version in place of a retracted one": Article(
        5, corrections=(Correction("RetractedandRepublishedFrom", 6), Correction("RetractionOf", 6))
    ),
    "a bare text": Article(7, "Title"),
}
OTHERS = {
    "retracted": Article(11, retracted=True),
    "a retraction notice": Article(12, publication_types=("Retraction of Publication",)),
    "a retraction notice by its new name": Article(13, publication_types=("Retraction Notice", "Journal Article")),
    "an erratum": Article(14, publication_types=("Published Erratum",)),
    "a voice of concern": Article(15, publication_types=("Expression of Concern",)),
    "a notice by its link": Article(16, corrections=(Correction("RetractionOf", 11),)),
    "an erratum by its link": Article(17, corrections=(Correction("ErratumFor", 2),)),
    "a typed erratum that republishes": Article(
        18, publication_types=("Published Erratum",), corrections=(Correction("CorrectedandRepublishedFrom", 2),)
    ),
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> set[int]:
    lake = Lake.create(tmp_path_factory.mktemp("evidence") / "lake")
    records = [SourceRecord(article, datetime.now(UTC)) for article in [*ARTICLES.values(), *OTHERS.values()]]
    lake.add(records, source="test")
    return set(lake.sql(f"SELECT pmid FROM articles WHERE {IS_EVIDENCE}")["pmid"].to_pylist())


@pytest.mark.parametrize("name", [*ARTICLES, *OTHERS])
def test_which_articles_are_evidence(evidence: set[int], name: str) -> None:
    assert ((ARTICLES | OTHERS)[name].pmid in evidence) == (name in ARTICLES)
