"""Tests of `<PMID Version="2">`: the greatest version of a PMID in a file counts, whatever their order there."""

import io
from itertools import permutations

import pytest

from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article, Deletion, OlderVersion

ARTICLE = (
    "<PubmedArticle><MedlineCitation>{}<Article><ArticleTitle>{}</ArticleTitle></Article></MedlineCitation>"
    "</PubmedArticle>"
)
CITATION = "<MedlineCitation>{}<Article><ArticleTitle>{}</ArticleTitle></Article></MedlineCitation>"


def read(*records: str, root: str = "PubmedArticleSet") -> list[object]:
    document = f"<{root}>{''.join(records)}</{root}>"
    return list(read_pubmed_xml(io.BytesIO(document.encode())))


def pmid(number: int, version: object = None) -> str:
    return f"<PMID>{number}</PMID>" if version is None else f'<PMID Version="{version}">{number}</PMID>'


@pytest.mark.parametrize("order", list(permutations((1, 2, 10))), ids=str)
@pytest.mark.parametrize(
    ("form", "root"), [(ARTICLE, "PubmedArticleSet"), (CITATION, "MedlineCitationSet")], ids=["new", "old"]
)
def test_the_greatest_version_is_the_last_article(order: tuple[int, ...], form: str, root: str) -> None:
    records = [form.format(pmid(71, version), f"Version {version}.") for version in order]
    other = form.format(pmid(72, 1), "Another.")
    found = read(*records, other, root=root)
    assert len(found) == len(order) + 1
    articles = [one for one in found if isinstance(one, Article) and one.pmid == 71]
    assert articles[-1].title == "Version 10."
    assert sum(isinstance(one, OlderVersion) for one in found) == len(order) - len(articles)


@pytest.mark.parametrize("version", [None, "", "x", "-3", "0x2", "9" * 30])
def test_a_version_that_is_no_number_counts_as_the_first(version: str | None) -> None:
    found = read(ARTICLE.format(pmid(5, version), "A."), ARTICLE.format(pmid(5, 1), "B."))
    assert [getattr(one, "title", None) for one in found] == ["A.", "B."]


def test_the_deletion_of_an_older_version_deletes_nothing() -> None:
    article = ARTICLE.format(pmid(5, 2), "Second.")
    older = f"<DeleteCitation>{pmid(5, 1)}{pmid(6, 1)}</DeleteCitation>"
    assert read(article, older)[1:] == [OlderVersion(5), Deletion(6)]
    assert read(article, f"<DeleteCitation>{pmid(5, 2)}</DeleteCitation>")[1:] == [Deletion(5)]
