"""Fixtures for tests of the lake: an empty lake, and a function that makes records."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from litmine import Lake
from litmine.types import Article, Deletion, SourceRecord

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
MakeRecord = Callable[..., SourceRecord]


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Lake:
    return Lake(place_lake())


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """`make_record(day, pmid, title, abstract)`: an article whose `as_of` is that day. Without a title: a deletion."""

    def make(
        day: int, pmid: int, title: str | None = None, abstract: str | None = None, **more: object
    ) -> SourceRecord:
        record = Deletion(pmid) if title is None else Article(pmid, title, abstract, **more)  # type: ignore[arg-type]
        return SourceRecord(record, EPOCH + timedelta(days=day))

    return make
