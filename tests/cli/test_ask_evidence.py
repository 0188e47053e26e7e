"""What `ask` takes as evidence, and what it says about the kind of publication."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from litmine import Lake
from litmine.types import Article, Correction, SourceRecord

Run = Callable[..., Any]

TRIAL = ("Journal Article", "Randomized Controlled Trial", "Letter", "Research Support, N.I.H., Extramural")
TITLE = "An allergy to penicillin can cause an anaphylactic reaction."
ARTICLES = (
    Article(1, TITLE, year=2013, publication_types=TRIAL),
    Article(2, f"Erratum: {TITLE}", publication_types=("Published Erratum",)),
    Article(3, f"Retraction: {TITLE}", corrections=(Correction("RetractionOf", 4),)),
    Article(4, TITLE, retracted=True),
)


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Path:
    lake = Lake(place_lake())
    lake.add([SourceRecord(article, datetime.now(UTC)) for article in ARTICLES], source="made")
    return lake.path


def test_answers_come_from_articles_and_name_their_publication_types(run: Run, lake: Path, rule_reader: Path) -> None:
    question = ("ask", "What can cause an anaphylactic reaction?", "--lake", lake, "--reader", rule_reader)
    assert "PMID 1, 2013, Randomized Controlled Trial; Letter\n" in run(*question).stdout
    output = json.loads(run(*question, "--format", "json").stdout)
    papers = [paper for answer in output["answers"] for paper in answer["papers"]]
    assert {paper["pmid"] for paper in papers} == {1}
    assert papers[0]["publication_types"] == list(TRIAL)
    assert output["retrieved"] == 1
