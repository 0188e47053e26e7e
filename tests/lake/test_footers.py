"""The caches of a lake: footers, coverage and article counts are what the files say, whatever happened to the files."""

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import LakeError
from litmine.lake import article_counts, file_metadata
from litmine.lake.article_counts import count_articles
from litmine.lake.coverage import read_coverage
from litmine.lake.footers import read_footers
from litmine.lake.lake_cache import read_cached_json
from litmine.lake.listing import live_files_by_table
from litmine.lake.parquet import read_footer_text
from litmine.lake.paths import CATALOGUE
from litmine.lake.views import write_catalogue
from litmine.pipeline.compact import compact
from litmine.pipeline.fetch_plan import SOURCE
from litmine.specs import TASKS
from litmine.types import BARE_TEXT, READER_VERSION, RECORD, Article, Deletion, SourceRecord
from tests.fixtures.examples import fewer_examples

MakeRecord = Callable[..., SourceRecord]
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cache_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lakes with few files have a cache as well, in a folder of the test."""
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(file_metadata, "_MIN_NEW", {True: 1, False: 1})
    monkeypatch.setattr(article_counts, "are_worth_caching", lambda files: True)  # noqa: ARG005


@pytest.fixture
def annotated(annotated_copy: Path) -> Lake:
    return Lake(annotated_copy)


def files_with_footers(lake: Lake) -> list[Path]:
    files = live_files_by_table(lake.path)
    return [Path(str(path)) for table in ("articles", *(spec.table for spec in TASKS)) for path in files[table]]


def test_footers_are_read_once(annotated: Lake) -> None:
    files = files_with_footers(annotated)
    expected = {path: read_footer_text(path) for path in files}
    assert read_footers(annotated.path, files).complete() == expected
    # Damage that a look at size and time cannot see shows that no file is read again.
    for path in files:
        stat = path.stat()
        path.write_bytes(b"x" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert read_footers(annotated.path, files).complete() == expected
    os.utime(files[0])
    again = read_footers(annotated.path, files)
    assert [*again.errors] == files[:1]
    assert again.texts == {path: text for path, text in expected.items() if path != files[0]}
    with pytest.raises(LakeError, match="is damaged"):
        again.complete()


def test_every_command_and_query_uses_the_cache(annotated: Lake) -> None:
    before = sorted(annotated.path.rglob("*"))
    rows = [annotated.rows(f"FROM {view}") for view in ("coverage", "targets")]
    assert annotated.coverage_warnings() == []
    assert sorted(annotated.path.rglob("*")) == before
    for path in files_with_footers(annotated):
        stat = path.stat()
        path.write_bytes(b"x" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [annotated.rows(f"FROM {view}") for view in ("coverage", "targets")] == rows
    assert read_coverage(annotated.path)[0].parts_read == len(annotated.parts())


def test_replaced_files_leave_the_cache(annotated: Lake, make_record: MakeRecord) -> None:
    def cached() -> set[str]:
        return {*read_cached_json(annotated.path, "metadata-articles", file_metadata._cache_key("articles"))}

    read_coverage(annotated.path)
    before = cached()
    compact(annotated, grace=timedelta(0))
    compact(annotated, grace=timedelta(0))
    # The cache is written when it lacks a file.
    annotated.add([make_record(1, 9001, "New.")], source="a")
    read_coverage(annotated.path)
    assert {f"articles/{part}.parquet" for part in annotated.parts()} <= cached()
    assert all((annotated.path / name).exists() for name in cached())
    assert not before <= cached()


def from_files(lake: Lake, view: str) -> list[tuple[object, ...]]:
    """The rows of a view of the catalogue, whose views read every file."""
    write_catalogue(lake.path)
    with duckdb.connect(str(lake.path / CATALOGUE), read_only=True) as catalogue:
        return catalogue.execute(f"FROM {view}").fetchall()


def check_lake(lake: Lake) -> None:
    """The numbers from the caches are those of the views over the files."""
    coverage = [
        (one.task, one.model, one.inputs or None, one.active, one.texts_read, one.texts_unread, one.texts_failed,
         one.parts_read, one.parts_unread)
        for one in read_coverage(lake.path)
    ]  # fmt: skip
    assert coverage == from_files(lake, "coverage")
    for view in ("coverage", "parts", "targets"):
        assert sorted(lake.rows(f"FROM {view}"), key=repr) == [
            tuple(row) for row in sorted(from_files(lake, view), key=repr)
        ]
    counts = count_articles(lake.path, SOURCE)
    ((articles, retracted, as_of),) = lake.rows(SHOWN)
    ((versions,),) = lake.rows(VERSIONS)
    assert (counts.articles, counts.retracted, counts.as_of) == (articles, retracted, as_of)
    assert counts.versions == versions


def test_the_numbers_follow_every_change(annotated: Lake, make_record: MakeRecord, tmp_path: Path) -> None:
    check_lake(annotated)
    annotated.add([make_record(1, 9001, "New.", retracted=True), make_record(2, 9002, "New.")], source="a")
    check_lake(annotated)
    annotated.add([make_record(3, 9001, "Revised."), make_record(4, 9002)], source="b")
    check_lake(annotated)
    target = files_with_footers(annotated)[-1]
    shutil.move(target, tmp_path / "target")
    check_lake(annotated)
    shutil.move(tmp_path / "target", target)
    check_lake(annotated)
    compact(annotated)
    check_lake(annotated)
    shutil.copytree(annotated.path, tmp_path / "copied")
    shutil.rmtree(annotated.path)
    check_lake(Lake(tmp_path / "copied"))


# Each example makes a lake.
EXAMPLES = fewer_examples(gate=5, soak=500)
RECORDS = st.builds(
    lambda pmid, day, kind: SourceRecord(
        Deletion(pmid) if kind == 0 else Article(pmid, f"Title {kind}.", retracted=kind == 1),
        EPOCH.replace(day=1 + day),
        record_class=BARE_TEXT if kind == 2 else RECORD,
        reader_version=READER_VERSION - (kind == 3),
    ),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 4),
)


@pytest.fixture(scope="module")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


@given(
    sources=st.lists(
        st.tuples(st.sampled_from([SOURCE, "file"]), st.lists(RECORDS, min_size=1, max_size=6)), max_size=4
    )
)
@settings(max_examples=EXAMPLES)
def test_articles_are_counted_as_the_view_shows_them(
    empty_lake: Path, sources: list[tuple[str, list[SourceRecord]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        for source, records in sources:
            lake.add(records, source=source, dated=True)
            counts = count_articles(lake.path, SOURCE)
            assert counts == count_articles(lake.path, SOURCE)  # from the cache
            # One query, because a query costs more than what it counts.
            ((*shown, fetched, imported, versions),) = lake.rows(f"FROM ({SHOWN}), ({OUTDATED}), ({VERSIONS})")
            assert [counts.articles, counts.retracted, counts.as_of] == shown
            assert (counts.fetched_before, counts.imported_before) == (fetched, imported)
            assert counts.versions == versions


SHOWN = "SELECT count(*), count(*) FILTER (retracted), max(as_of) FROM articles"
VERSIONS = "SELECT count(*) AS versions FROM article_versions WHERE NOT repeated AND NOT deleted"
OUTDATED = f"""
SELECT count(*) FILTER (source = '{SOURCE}') AS fetched, count(*) FILTER (source != '{SOURCE}') AS imported
FROM current_versions JOIN article_versions USING (pmid, as_of, record_hash, record_class, reader_version)
WHERE reader_version < {READER_VERSION}
"""
