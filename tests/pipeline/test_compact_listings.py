"""A query lists files several times; a merge or an import between two listings must not mix old and new."""

import io
import math
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
from litmine.lake import listing
from litmine.lake.articles import read_new_texts
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import FailedText, TargetFooter, TargetSet, write_target
from litmine.lake.views import catalogue_sql
from litmine.pipeline.compact import compact
from litmine.tasks.linking.model import LinkedMention, link_rows
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Deletion, Entity, SourceRecord

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


@pytest.fixture(scope="module")
def revised_parts(tmp_path_factory: pytest.TempPathFactory, small_parts: Path, merged_parts: Path) -> dict[str, Path]:
    """Both lakes after an import that revises three texts, deletes one and adds one, and the model has read it."""
    lakes = {}
    for name, before in (("small", small_parts), ("merged", merged_parts)):
        lake = Lake(shutil.copytree(before, tmp_path_factory.mktemp(f"revised-{name}") / "parts"))
        now = START + timedelta(days=99)
        records: list[Article | Deletion] = [Article(pmid, "another", None) for pmid in (1, 4, 7, 99)]
        source = [SourceRecord(record, now) for record in [*records, Deletion(10)]]
        (part,) = lake.add(source, source="revised", dated=True).parts
        texts = read_new_texts(lake.part(part))
        footer = TargetFooter("m@1", part, 4, (), "cpu", "float32", 1.0, 4, {})
        rows = entity_rows(texts, [[Entity("a", "Disease", 0, 1, 0.5)]] * 4)
        write_target(lake.path, TargetSet("entities", "m@1"), part, texts, rows, footer)
        lakes[name] = lake.path
    return lakes


@pytest.fixture(scope="module")
def linked_parts(tmp_path_factory: pytest.TempPathFactory, small_parts: Path) -> dict[str, Path]:
    """The small parts with seven of them linked, then all eight, then merged."""
    lakes = {}
    lake = Lake(shutil.copytree(small_parts, tmp_path_factory.mktemp("linked") / "parts"))
    tagger, linker = TargetSet("entities", "m@1"), TargetSet("links", "l@1", "m@1")
    active = [ActiveModel("ner", "m@1"), ActiveModel("linking", "l@1", "m@1")]
    lake.record_run(Run("s", "annotate", START, START + timedelta(days=1), "done", active=active))
    read = sorted(tagger.finished_parts(lake.path))
    for done, part in enumerate(read, 1):
        texts = read_new_texts(lake.part(part))
        footer = TargetFooter(
            "l@1", part, 3, [FailedText(texts.pmids[0], texts.text_hashes[0], "why")], "cpu", "", 1.0, 3, {}
        )
        links = [LinkedMention(0, 1, "t", "Disease", 0.5, "MESH:D1", 0.75)]
        write_target(lake.path, linker, part, texts, link_rows(texts, [[], links, links]), footer)
        if done == len(read) - 1:
            lakes["seven"] = Path(shutil.copytree(lake.path, tmp_path_factory.mktemp("seven") / "parts"))
    lakes["all"] = Path(shutil.copytree(lake.path, tmp_path_factory.mktemp("all") / "parts"))
    compact(lake)
    assert len(lake.parts()) == 2
    lakes["merged"] = lake.path
    return lakes


@pytest.fixture
def changes(
    small_parts: Path, merged_parts: Path, revised_parts: dict[str, Path], linked_parts: dict[str, Path]
) -> dict[str, tuple[Path, Path]]:
    """Pairs of lakes: before and after a change that another process may make during a query."""
    return {
        "a merge": (small_parts, merged_parts),
        "a revision": (small_parts, revised_parts["small"]),
        "a revision of merged parts": (merged_parts, revised_parts["merged"]),
        "a merge and a revision": (small_parts, revised_parts["merged"]),
        "the links of a part": (linked_parts["seven"], linked_parts["all"]),
        "a merge of linked parts": (linked_parts["all"], linked_parts["merged"]),
    }


VIEWS = ("coverage", "articles", "all_entities", "entities", "gaps")
# The views that the gate asks at each change, from the catalogue and from the lake; `make soak` asks all of them.
GATE = {
    "a merge": ("coverage", "gaps"),
    "a revision": ("articles", "entities"),
    "a revision of merged parts": ("articles", "articles"),
    "a merge and a revision": ("all_entities", "coverage"),
    "the links of a part": ("gaps", "entities"),
    "a merge of linked parts": ("entities", "all_entities"),
}
CATALOGUE_CASES, LAKE_CASES = (
    [
        pytest.param(change, view, marks=() if view == in_gate[place] else pytest.mark.soak)
        for change, in_gate in GATE.items()
        for view in VIEWS
    ]
    for place in (0, 1)
)


@pytest.mark.parametrize(("change", "view"), CATALOGUE_CASES)
def test_a_query_of_the_catalogue_sees_the_lake_before_or_after_a_change(
    tmp_path: Path, changes: dict[str, tuple[Path, Path]], change: str, view: str
) -> None:
    lake = tmp_path / "lake"
    watched = WatchedFileSystem(lake)
    earlier, later = changes[change]

    def make_change() -> None:
        shutil.copytree(later, lake, dirs_exist_ok=True)

    def ask() -> list[str]:
        watched.listings = 0
        return sorted(map(repr, connection.sql(f"FROM {view}").to_arrow_table().to_pylist()))

    shutil.copytree(earlier, lake)
    with duckdb.connect() as connection:
        connection.register_filesystem(watched)
        # The views check that the catalogue's file is open, and here there is none.
        sql, checks = re.subn(r"CASE WHEN EXISTS \(FROM duckdb_databases\(\) .*? END", "true", catalogue_sql(lake))
        assert checks > 0
        connection.execute(sql.replace(str(lake), watched.url))
        before = ask()
        make_change()
        after = ask()
        assert before
        for listing in range(1, watched.listings):
            shutil.rmtree(lake)
            shutil.copytree(earlier, lake)
            watched.before = {listing: make_change}
            assert ask() in (before, after), f"before listing {listing} of {watched.listings}"
            assert Lake(lake).parts() == Lake(later).parts()


@pytest.mark.parametrize(("change", "view"), LAKE_CASES)
def test_a_query_of_the_lake_sees_it_before_or_after_a_change(
    tmp_path: Path, changes: dict[str, tuple[Path, Path]], change: str, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    earlier, later = changes[change]
    listings, change_before = 0, math.inf
    list_files = listing.list_files

    def watched(*arguments: Any) -> dict[str, Any]:
        nonlocal listings
        if listings == change_before:
            shutil.copytree(later, lake, dirs_exist_ok=True)
        listings += 1
        return list_files(*arguments)

    def ask() -> list[str]:
        nonlocal listings
        listings = 0
        return sorted(map(repr, Lake(lake).sql(f"FROM {view}").to_pylist()))

    monkeypatch.setattr(listing, "list_files", watched)
    shutil.copytree(earlier, lake)
    before = ask()
    shutil.copytree(later, lake, dirs_exist_ok=True)
    after = ask()
    assert before
    count = listings
    for number in range(1, count):
        shutil.rmtree(lake)
        shutil.copytree(earlier, lake)
        change_before = number
        assert ask() in (before, after), f"before listing {number} of {count}"
        assert Lake(lake).parts() == Lake(later).parts()
