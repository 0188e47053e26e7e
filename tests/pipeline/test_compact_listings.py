"""A query of the catalogue lists files several times; a merge between two listings must not mix old and new."""

import io
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import duckdb
import pytest
from fsspec.spec import AbstractFileSystem

from litmine import Lake
from litmine.lake.articles import read_new_texts
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import FailedText, TargetFooter, TargetSet, write_target
from litmine.lake.views import catalogue_sql
from litmine.pipeline.compact import compact
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, SourceRecord

START = datetime(2025, 1, 1, tzinfo=UTC)
PROTOCOL = "watched"


class WatchedFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Shows DuckDB the lake under a URL of the same length as its path, and calls a function before a listing."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, lake: Path) -> None:
        super().__init__()
        self._lake = str(lake)
        self.url = f"{PROTOCOL}://".ljust(len(self._lake), "x")
        self.listings = 0
        self.before: dict[int, Callable[[], object]] = {}

    def glob(self, path: str, **_: Any) -> list[str]:
        self.before.get(self.listings, lambda: None)()
        self.listings += 1
        found = Path(self._lake).glob(path.removeprefix(f"{self.url}/"))
        return [str(file).replace(self._lake, self.url) for file in sorted(found)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return {"name": path, "size": self._local(path).stat().st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self._local(path).stat().st_mtime, UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> IO[bytes]:
        assert mode == "rb"
        return io.BytesIO(self._local(path).read_bytes())

    def _local(self, path: str) -> Path:
        return Path(self.unstrip_protocol(path).replace(self.url, self._lake))


@pytest.fixture(scope="module")
def small_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight parts that a model has read, with one failed text each, and a part that it has not read."""
    lake = Lake.create(tmp_path_factory.mktemp("small") / "parts")
    importer = lake.article_writer()
    for day in range(9):
        records = [SourceRecord(Article(3 * day + at, "title", None), START + timedelta(days=day)) for at in range(3)]
        (part,) = importer.add(records, source=f"night-{day}", dated=True).parts
        if day < 8:
            texts = read_new_texts(lake.part(part))
            failed = [FailedText(texts.pmids[0], texts.text_hashes[0], "why")]
            footer = TargetFooter("m@1", part, 3, failed, "cpu", "float32", 1.0, 3, {})
            entity = Entity("t", "Disease", 0, 1, 0.5)
            rows = entity_rows(texts, [[], [entity], [entity]])
            write_target(lake.path, TargetSet("entities", "m@1"), part, texts, rows, footer)
    lake.record_run(Run("r", "annotate", START, START, "done", active=[ActiveModel("ner", "m@1")]))
    return lake.path


@pytest.fixture(scope="module")
def merged_parts(tmp_path_factory: pytest.TempPathFactory, small_parts: Path) -> Path:
    """The same lake with the eight parts merged, and the replaced files still there."""
    lake = Lake(shutil.copytree(small_parts, tmp_path_factory.mktemp("merged") / "parts"))
    compact(lake)
    assert len(lake.parts()) == 2
    return lake.path


@pytest.mark.parametrize("view", ["coverage", "articles", "entities", "gaps"])
def test_a_query_sees_the_lake_before_or_after_the_merge(
    tmp_path: Path, small_parts: Path, merged_parts: Path, view: str
) -> None:
    lake = tmp_path / "lake"
    watched = WatchedFileSystem(lake)

    def merge() -> None:
        shutil.copytree(merged_parts, lake, dirs_exist_ok=True)

    def ask() -> list[str]:
        watched.listings = 0
        return sorted(map(repr, connection.sql(f"FROM {view}").to_arrow_table().to_pylist()))

    shutil.copytree(small_parts, lake)
    with duckdb.connect() as connection:
        connection.register_filesystem(watched)
        # The views check that the catalogue's file is open, and here there is none.
        sql, checks = re.subn(r"CASE WHEN EXISTS \(FROM duckdb_databases\(\) .*? END", "true", catalogue_sql(lake))
        assert checks > 0
        connection.execute(sql.replace(str(lake), watched.url))
        before = ask()
        merge()
        after = ask()
        assert before
        for listing in range(1, watched.listings):
            shutil.rmtree(lake)
            shutil.copytree(small_parts, lake)
            watched.before = {listing: merge}
            assert ask() in (before, after), f"before listing {listing} of {watched.listings}"
            assert len(Lake(lake).parts()) == 2
