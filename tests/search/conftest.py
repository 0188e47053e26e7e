"""Lakes of short articles that all have the word "study", and indexes that are changed in place."""

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
Put = Callable[[Lake, Texts], None]
Make = Callable[..., Texts]
Alike = Callable[[Sequence[Hit], Sequence[Hit]], None]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


@pytest.fixture(scope="session")
def put() -> Put:
    """`put(lake, {1: "text", 2: "", 3: None})`: two articles, one without text, and a deletion; each call is later."""
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
def make() -> Make:
    """`make(range(9), seed=0)`: for each PMID "study" and up to 30 words, some far more frequent than others."""

    def made(pmids: range, seed: int = 0) -> Texts:
        chance = Random(seed)
        words = WORDS.split()
        weights = [1 / (place + 1) for place in range(len(words))]
        return {pmid: " ".join(["study", *chance.choices(words, weights, k=chance.randint(0, 30))]) for pmid in pmids}

    return made


@pytest.fixture(scope="session")
def alike() -> Alike:
    """`alike(hits, expected)`: the same but for the last decimal, which is history, and the order that it decides."""

    def check(hits: Sequence[Hit], expected: Sequence[Hit]) -> None:
        assert [hit.rank for hit in hits] == [hit.rank for hit in expected]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in expected], abs=1.5e-3)
        scores = {hit.pmid: hit.score for hit in expected}
        last = expected[-1].score if expected else 0
        assert [hit.score for hit in hits] == pytest.approx([scores.get(hit.pmid, last) for hit in hits], abs=1.5e-3)

    return check


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every index is taken for a large one, and changed in rounds of 40 articles rather than made anew."""
    monkeypatch.setattr(index_update, "SMALL", 0)
    monkeypatch.setattr(index_update, "MOST_DELETED", 1e9)
    monkeypatch.setattr(index_update, "ROUND", 40)
