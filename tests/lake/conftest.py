"""A fresh lake, and short ways to make what goes into one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from litmine import Lake
from litmine.types import Article, Deletion, SourceRecord

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
Seen = Callable[..., SourceRecord]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


@pytest.fixture(scope="session")
def seen() -> Seen:
    """`seen(day, pmid, title, abstract)`: an article as observed on that day; a deletion when it has no title."""

    def observe(
        day: int, pmid: int, title: str | None = None, abstract: str | None = None, **more: object
    ) -> SourceRecord:
        record = Deletion(pmid) if title is None else Article(pmid, title, abstract, **more)  # type: ignore[arg-type]
        return SourceRecord(record, EPOCH + timedelta(days=day))

    return observe
