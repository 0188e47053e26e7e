"""Compaction changes no view: between other writes, when it is killed, and while others read."""

import random
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import LakeLockedError
from litmine.lake.articles import read_new_texts
from litmine.lake.import_log import ImportedFile
from litmine.lake.listing import MERGED_PREFIX
from litmine.lake.lock import hold_lock
from litmine.lake.parquet import FOOTER_KEY
from litmine.lake.paths import CATALOGUE, REPLACED
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import FailedText, TargetFooter, TargetSet, write_target
from litmine.lake.views import connect
from litmine.pipeline.compact import CompactionResult, compact
from litmine.search.index import SearchIndex
from litmine.search.index_state import index_is_behind
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Deletion, Entity, SourceRecord

START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = timedelta(0)
ROWS = 6
VIEWS = (
    "FROM article_versions",
    "FROM articles",
    "FROM current_versions",
    "FROM all_entities",
    "FROM entities",
    "SELECT model, active, texts_read, texts_unread, texts_failed FROM coverage",
    "SELECT model, pmid, why FROM gaps",
)


def seen(day: int, pmid: int, title: str | None) -> SourceRecord:
    return SourceRecord(Deletion(pmid) if title is None else Article(pmid, title, None), START + timedelta(days=day))


def annotate(lake: Lake, model: str, part: str) -> None:
    """Write a target that has the first letter of each text as an entity; texts that start with z fail."""
    texts = read_new_texts(lake.part(part))
    failed = [
        FailedText(pmid, hash_, "z")
        for pmid, hash_, text in zip(texts.pmids, texts.text_hashes, texts.texts, strict=True)
        if text[0] == "z"
    ]
    found = [None if text[0] == "z" else [Entity(text[0], "Disease", 0, 1, 0.5)] for text in texts.texts]
    footer = TargetFooter(model, part, len(texts), failed, "cpu", "float32", 1.0, len(texts), {"litmine": "0"})
    rows = entity_rows(texts, [one or [] for one in found])
    write_target(lake.path, TargetSet("entities", model), part, texts, rows, footer)


def activate(lake: Lake, *models: str) -> None:
    lake.record_run(
        Run(
            f"run-{time.time_ns()}",
            "annotate",
            START,
            START,
            "done",
            active=[ActiveModel("ner", model) for model in models],
        )
    )


def view_rows(lake: Lake) -> list[list[str]]:
    with connect(lake.path) as connection:
        return [sorted(map(repr, connection.sql(view).to_arrow_table().to_pylist())) for view in VIEWS]


def make_lake(folder: Path, parts: int, rows: int = 3) -> Lake:
    """A lake of small parts with revisions and deletions; one model has read all of it."""
    lake = Lake.create(folder)
    importer = lake.article_writer()
    for day in range(parts):
        first = day * rows
        batch = [seen(day, first + at, f"{'z' if at == 2 else 'a'} text {day}") for at in range(rows)]
        batch += [seen(day, max(0, first - rows), f"b again {day}"), seen(day, max(1, first - 2 * rows), None)]
        for part in importer.add(batch, source=f"night-{day}", dated=True).parts:
            annotate(lake, "m@1", part)
    activate(lake, "m@1")
    return lake


STEPS = st.one_of(
    st.tuples(st.integers(0, 4), st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["a", "b c", "z", None])))),
    st.sampled_from(["annotate m@1", "annotate n@1", "compact"]),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=max(4, settings().max_examples // 15),
)
@given(st.lists(STEPS, min_size=5, max_size=12))
def test_views_equal_those_of_a_lake_that_is_never_compacted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("interleaved")
    lakes = compacted, plain = Lake.create(folder / "compacted"), Lake.create(folder / "plain")
    for number, step in enumerate([*steps, "compact"]):
        if step == "compact":
            compact(compacted, ROWS, NOW)
        elif isinstance(step, str):
            model = step.split()[1]
            for lake in lakes:
                for part in lake.pending_parts(TargetSet("entities", model)):
                    annotate(lake, model, part)
                activate(lake, model)
        else:
            day, batch = step
            records = [seen(day, pmid, title) for pmid, title in batch]
            counts = [lake.add(records, source=str(number), dated=True) for lake in lakes]
            assert [(one.new, one.revised, one.texts) for one in counts[:1]] == [
                (one.new, one.revised, one.texts) for one in counts[1:]
            ]
    assert view_rows(compacted) == view_rows(plain)


def test_small_parts_are_merged_and_deleted_after_the_grace_period(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 12)
    before, parts = view_rows(lake), lake.parts()
    planned = compact(lake, 20, dry_run=True)
    assert (planned.parts, lake.parts()) == (12, parts)
    done = compact(lake, 20)
    assert (done.parts, done.parts_made, done.deleted, done.waiting) == (12, planned.parts_made, 0, 12)
    assert len(lake.parts()) == done.parts_made
    assert all(lake.part(name).exists() for name in parts)
    assert view_rows(lake) == before
    assert lake.pending_parts(TargetSet("entities", "m@1")) == []
    deleted = compact(lake, 20, NOW)
    assert deleted.deleted == 24
    assert not [
        name
        for name in parts
        if lake.part(name).exists() or TargetSet("entities", "m@1").target_path(lake.path, name).exists()
    ]
    assert view_rows(lake) == before
    assert compact(lake, 20, NOW) == CompactionResult()
    counts = lake.rows("SELECT counts['parts'] FROM runs WHERE command = 'compact' ORDER BY started")
    assert counts == [(12,), (0,)]


def test_the_search_index_stays_current(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 8)
    SearchIndex.open(lake)
    for part_rows in (20, 60, 60):
        compact(lake, part_rows, NOW)
        assert not index_is_behind(lake)
    assert len(lake.parts()) == 1
    lake.add([seen(99, 1, "a new title")], source="new", dated=True)
    assert index_is_behind(lake)


def test_an_open_catalogue_shows_each_row_once(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 8)
    with duckdb.connect(str(lake.path / CATALOGUE), read_only=True) as held:
        counts = (f"(SELECT count(*) FROM {view})" for view in ("article_versions", "entities", "runs"))
        ask = f"SELECT {', '.join(counts)}"
        versions, entities, runs = held.execute(ask).fetchall()[0]
        compact(lake, 20)
        assert held.execute(ask).fetchall() == [(versions, entities, runs + 1)]
        compact(lake, 20, NOW)
        assert held.execute(ask).fetchall() == [(versions, entities, runs + 2)]
        assert held.execute("SELECT count(*) FROM parts").fetchall() == [(len(lake.parts()),)]


def test_a_part_waits_for_a_model_that_may_be_running(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 16)
    late, hours = TargetSet("entities", "n@1"), timedelta(hours=6)
    for part in lake.parts()[:8]:
        annotate(lake, "n@1", part)
    done = compact(lake, 20, hours)
    assert (done.parts, len(lake.pending_parts(late))) == (8, 8)
    assert "waiting for n@1 to read 8 article parts; run `litmine compact` again afterwards" in done.summary_lines()
    for part in lake.pending_parts(late):
        annotate(lake, "n@1", part)
    assert compact(lake, 20, hours).parts == 8
    assert lake.pending_parts(late) == lake.pending_parts(TargetSet("entities", "m@1")) == []


def test_a_model_that_is_not_running_does_not_prevent_merges(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 16)
    activate(lake, "m@1", "late@1", "never@1")
    for part in lake.parts()[:8]:
        annotate(lake, "late@1", part)
    before = view_rows(lake)
    assert compact(lake, 20, NOW).parts == 16
    assert view_rows(lake) == before
    coverage = dict(lake.rows("SELECT model, texts_unread FROM coverage"))
    assert coverage["m@1"] == 0 < coverage["late@1"] < coverage["never@1"]


def test_a_target_written_after_the_merge_is_ignored_and_deleted(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 8)
    before, (part, *_) = view_rows(lake), lake.parts()
    compact(lake, 20, NOW)
    annotate(lake, "late@1", part)
    assert [row for row in lake.rows("FROM all_entities") if row[-1] == "late@1"] == []
    assert len(lake.pending_parts(TargetSet("entities", "late@1"))) == len(lake.parts())
    compact(lake, 20, NOW)
    annotate_again = TargetSet("entities", "late@1").target_path(lake.path, part)
    assert not annotate_again.exists()
    assert view_rows(lake) == before


def test_targets_of_a_killed_merge_stay_for_the_grace_period(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 1)
    left = TargetSet("entities", "m@1").target_path(lake.path, f"{MERGED_PREFIX}left")
    left.write_bytes(TargetSet("entities", "m@1").target_path(lake.path, lake.parts()[0]).read_bytes())
    before = view_rows(lake)
    assert compact(lake).deleted == 0
    assert left.exists()
    assert compact(lake, grace=NOW).deleted == 1
    assert not left.exists()
    assert view_rows(lake) == before


def test_a_file_counts_as_imported_after_its_parts_are_merged_twice(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 8)
    lake.record_imported_file(ImportedFile("f.xml", 1, "0" * 32, START, 1, 1, 0, 0, lake.parts(), START))
    compact(lake, 20, NOW)
    assert len(lake.parts()) > 1
    compact(lake, 60, NOW)
    compact(lake, 60, NOW)
    assert len(lake.parts()) == 1
    assert lake.is_imported("0" * 32, START, 1)
    lake.part(lake.parts()[0]).unlink()
    assert not lake.is_imported("0" * 32, START, 1)


def test_a_damaged_part_is_a_gap_and_the_rest_is_merged(
    tmp_path: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    lake = make_lake(tmp_path / "lake", 9)
    bad = lake.part(lake.parts()[4])
    content = bytearray(bad.read_bytes())
    content[100:140] = bytes(40)
    bad.write_bytes(bytes(content))
    done = run("compact", "--lake", lake.path, "--part-rows", 1000)
    assert done.returncode == 3
    assert "8 article parts merged into 1\n" in done.stderr
    assert f"could not be read: articles/{bad.name}" in done.stderr
    assert set(lake.parts()) == {bad.stem, *(name for name in lake.parts() if name.startswith("merged-"))}


def test_parts_of_a_newer_litmine_are_not_merged(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 2)
    for name in lake.parts():
        table = pq.read_table(lake.part(name))
        future = pa.field("future", pa.string(), metadata={"PARQUET:field_id": "999"})
        footer = {FOOTER_KEY: (pq.read_metadata(lake.part(name)).metadata or {})[FOOTER_KEY]}
        table = table.append_column(future, pa.nulls(len(table), pa.string())).replace_schema_metadata(footer)
        pq.write_table(table, lake.part(name))
    with pytest.raises(Exception, match="newer litmine"):
        compact(lake, 12)
    assert len(lake.parts()) == 2


def test_a_lost_merge_note_is_restored(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 8)
    before = view_rows(lake)
    compact(lake, 1000)
    for note in (lake.path / REPLACED).glob("[!_]*.parquet"):
        note.unlink()
    assert view_rows(lake) != before
    compact(lake, 1000)
    assert view_rows(lake) == before


def test_a_lake_without_the_folder_of_notes_counts_each_row_once(tmp_path: Path) -> None:
    """An incomplete copy may lack it; what merged files say of themselves serves until `compact` restores the notes."""
    lake = make_lake(tmp_path / "lake", 8)
    before = view_rows(lake)
    compact(lake, 1000)
    shutil.rmtree(lake.path / REPLACED)
    assert view_rows(lake) == before
    compact(lake, 1000)
    assert (lake.path / REPLACED).is_dir()
    assert view_rows(lake) == before


def test_a_second_compaction_is_locked_out(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake", 1)
    with hold_lock(lake.path, "compact"), pytest.raises(LakeLockedError, match="litmine compact"):
        compact(lake)


def test_small_files_of_the_log_are_merged(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for night in range(20):
        lake.record_run(
            Run(
                f"run-{night:02}",
                "fetch",
                START,
                START + timedelta(days=night),
                "done",
                active=[ActiveModel("ner", "m@1")],
            )
        )
    lake.record_run(
        Run("run-20", "annotate", START, START + timedelta(days=99), "done", active=[ActiveModel("ner", "new@1")])
    )
    before = lake.sql("FROM runs ORDER BY run_id").to_pylist()
    assert compact(lake).logs == 21
    assert compact(lake, grace=NOW).deleted == 21
    after = lake.sql("FROM runs WHERE command <> 'compact' ORDER BY run_id").to_pylist()
    assert after == before
    assert [one.model for one in lake.active_models()] == ["new@1"]


class Reader:
    """Queries the views again and again, through `Lake` and through the catalogue, and keeps unexpected results."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._ask = (
            "SELECT (SELECT sum(hash(v)) FROM article_versions v), (SELECT sum(hash(a)) FROM articles a),"
            " (SELECT sum(hash(e)) FROM entities e), (SELECT sum(texts_read) FROM coverage)"
        )
        self._expected = lake.rows(self._ask)
        self._over = threading.Event()
        self.asked = 0
        self.wrong: list[object] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for(self, asked: int) -> None:
        """Wait for `asked` answers: with many parts, a query takes longer than a compaction lives in this test."""
        until = time.monotonic() + 300
        while self.asked < asked:
            assert time.monotonic() < until
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._over.is_set():
            for ask in (self._lake.rows, self._by_catalogue):
                try:
                    if (rows := ask(self._ask)) != self._expected:
                        self.wrong.append(rows)
                except Exception as error:  # noqa: BLE001
                    self.wrong.append(error)
                self.asked += 1

    def _by_catalogue(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._lake.path / CATALOGUE), read_only=True) as catalogue:
            return catalogue.execute(query).fetchall()


@pytest.mark.parametrize(
    ("parts", "kills"), [(40, 3), pytest.param(1000, 20, marks=pytest.mark.soak)], ids=["gate", "soak"]
)
def test_a_compaction_killed_at_any_moment_changes_no_view(
    tmp_path: Path, start: Callable[..., Popen[Any]], pause_before: Callable[..., Any], parts: int, kills: int
) -> None:
    lake = make_lake(tmp_path / "lake", parts)
    before = view_rows(lake)
    moment = random.Random(parts)
    killed = 0
    with Reader(lake) as reader:
        for number in range(kills):
            noted = len(list((lake.path / REPLACED).glob("*")))
            words = ("compact", "--lake", lake.path, "--part-rows", 10 * 2 ** (1 + number))
            if number == 0:  # certainly during a merge
                third_part = pause_before("*/articles/[!_]*.parquet", 2)
                process = start(*words, **third_part.environment)
                third_part.wait(process)
            else:
                process = start(*words)
                while process.poll() is None and len(list((lake.path / REPLACED).glob("*"))) == noted:
                    time.sleep(0.002)
                time.sleep(moment.uniform(0, 0.3))
            killed += process.poll() is None
            process.kill()
            process.wait()
            reader.wait_for(2 * number + 3)
        compact(lake, 10_000)
    assert reader.wrong == []
    assert reader.asked > 2 * kills
    assert killed
    assert view_rows(lake) == before
    compact(lake, 10_000, NOW)
    assert view_rows(lake) == before
    assert len(list((lake.path / "articles").glob("*.parquet"))) == len(lake.parts()) + 1
