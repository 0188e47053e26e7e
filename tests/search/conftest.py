"""Fixtures for search tests: a lake, short articles that all contain the word "study", and comparison of hits."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from litmine import Lake
from litmine.search import index_update
from litmine.search.index import Hit
from litmine.types import Article, Deletion, SourceRecord

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
WORDS = "allergy penicillin shock asthma aspirin fever rash insulin kidney liver heart tumour gene cell mouse"
Texts = dict[int, str | None]
AddTexts = Callable[[Lake, Texts], None]
MakeTexts = Callable[..., Texts]
AssertSameHits = Callable[[Sequence[Hit], Sequence[Hit]], None]


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Lake:
    return Lake(place_lake())


@pytest.fixture(scope="session")
def add_texts() -> AddTexts:
    """`add_texts(lake, {1: "text", 2: "", 3: None})` adds two articles, one of them without text, and a deletion.

    Each call has a later date than the one before.
    """
    days = count()

    def add(lake: Lake, texts: Texts) -> None:
        moment = EPOCH + timedelta(days=next(days))
        records = [
            SourceRecord(Deletion(pmid) if text is None else Article(pmid, text or None, year=2000 + pmid % 10), moment)
            for pmid, text in texts.items()
        ]
        lake.add(records, source="made", dated=True, part_size=50)

    return add


@pytest.fixture(scope="session")
def make_texts() -> MakeTexts:
    """`make_texts(range(9), seed=0)`: for each PMID "study" and up to 30 words, with very different frequencies."""

    def make(pmids: range, seed: int = 0) -> Texts:
        rng = Random(seed)
        words = WORDS.split()
        weights = [1 / (position + 1) for position in range(len(words))]
        return {pmid: " ".join(["study", *rng.choices(words, weights, k=rng.randint(0, 30))]) for pmid in pmids}

    return make


@pytest.fixture(scope="session")
def assert_same_hits() -> AssertSameHits:
    """`assert_same_hits(hits, expected)` ignores the last decimal of scores and the order among nearly equal scores.

    Both depend on the history of the index.
    """

    def check(hits: Sequence[Hit], expected: Sequence[Hit]) -> None:
        assert [hit.rank for hit in hits] == [hit.rank for hit in expected]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in expected], abs=1.5e-3)
        scores = {hit.pmid: hit.score for hit in expected}
        last = expected[-1].score if expected else 0
        assert [hit.score for hit in hits] == pytest.approx([scores.get(hit.pmid, last) for hit in hits], abs=1.5e-3)

    return check


@pytest.fixture
def update_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every index as a large one: update it in rounds of 40 articles, and never rebuild it."""
    monkeypatch.setattr(index_update, "SMALL_INDEX", 0)
    monkeypatch.setattr(index_update, "MAX_DELETED_SHARE", 1e9)
    monkeypatch.setattr(index_update, "ROUND_SIZE", 40)
