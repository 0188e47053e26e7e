"""How `litmine sql` reads files: by name, with true numbers of rows, and with what earlier queries read of them."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.lake import file_metadata, listed_files, parquet
from litmine.lake.articles import read_new_texts
from litmine.lake.lake_cache import cache_folder
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.lake.views import connect
from litmine.pipeline.compact import compact
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, SourceRecord

START = datetime(2025, 1, 1, tzinfo=UTC)
MENTIONS = "SELECT pmid, mention, model FROM all_entities ORDER BY ALL"


@pytest.fixture
def always_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lakes of any size have a cache, in a folder of the test."""
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(file_metadata, "_MIN_NEW", {True: 1, False: 1})
    monkeypatch.setattr(listed_files, "are_worth_caching", lambda files: True)  # noqa: ARG005


def add(lake: Lake, day: int, *titles: tuple[int, str], models: tuple[str, ...] = ("m@1",)) -> str:
    """Import records, and write a target of each model with the first word of each text."""
    records = [SourceRecord(Article(pmid, title), START + timedelta(days=day)) for pmid, title in titles]
    (part,) = lake.add(records, source=f"day-{day}", dated=True, part_size=2000).parts
    texts = read_new_texts(lake.part(part))
    for model in models:
        footer = TargetFooter(model, part, len(texts), (), "cpu", "float32", 0.1, 9, {})
        words = [text.split()[0] for text in texts.texts]
        rows = entity_rows(texts, [[Entity(word, "Word", 0, len(word), 1.0)] for word in words])
        write_target(lake.path, TargetSet("entities", model), part, texts, rows, footer)
    return part


def estimates(lake: Lake, query: str) -> list[int]:
    """The numbers of rows that DuckDB expects of each scan of Parquet files."""
    with connect(lake.path) as connection:
        ((_, plan),) = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    nodes, found = json.loads(plan), []
    while nodes:
        node = nodes.pop()
        nodes += node["children"]
        if "READ_PARQUET" in node["extra_info"].get("Function", ""):
            found.append(int(node["extra_info"]["Estimated Cardinality"]))
    return sorted(found)


def test_duckdb_knows_how_many_rows_the_files_have(lake: Lake) -> None:
    for day in range(3):
        add(lake, day, *((100 * day + number, "alpha beta") for number in range(40)))
    for view in ("all_entities", "article_versions"):
        assert estimates(lake, f"SELECT pmid FROM {view}") == [120]
    # A fifth of the rows is DuckDB's guess for any condition.
    assert estimates(lake, "SELECT pmid FROM articles") == [24]
    # A part that is too old to have a column is read by name as well.
    file = lake.part(lake.parts()[0])
    pq.write_table(pq.read_table(file).drop_columns(["pmid_known", "chemicals"]), file, store_schema=False)
    assert estimates(lake, "SELECT pmid FROM article_versions") == [40, 80]
    assert lake.rows("SELECT count(*), count(chemicals) FROM articles") == [(120, 80)]


def test_a_query_opens_only_the_files_of_active_models(lake: Lake) -> None:
    for pmid, word in ((1, "alpha"), (2, "beta")):
        add(lake, pmid, (pmid, word), models=("m@1", "n@1"))
    active = [ActiveModel("ner", "m@1"), ActiveModel("ner", "n@1", types=("Other",))]
    lake.record_run(Run("r", "annotate", START, START, "done", active=active))
    assert lake.rows("SELECT pmid, mention, model FROM entities ORDER BY ALL") == [
        (1, "alpha", "m@1"),
        (2, "beta", "m@1"),
    ]
    lake.record_run(Run("s", "annotate", START, START + timedelta(1), "done", active=active[:1]))
    for file in TargetSet("entities", "n@1").folder(lake.path).glob("*.parquet"):
        file.write_bytes(b"damaged")
    assert lake.rows("SELECT count(*) FROM entities") == [(2,)]
    with pytest.raises(Exception, match="damaged"):
        lake.rows(MENTIONS)


@pytest.mark.usefixtures("always_cached")
def test_a_footer_is_read_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    add(lake, 0, (1, "alpha"))
    add(lake, 1, (1, "beta"), (2, "gamma"))
    expected = [(1, "beta", "m@1"), (2, "gamma", "m@1")]
    assert lake.rows(MENTIONS) == expected
    read: list[str] = []
    read_metadata = parquet.read_metadata

    def watched(file: Path) -> pq.FileMetaData:
        read.append(file.name)
        return read_metadata(file)

    monkeypatch.setattr(file_metadata, "read_metadata", watched)
    assert lake.rows(MENTIONS) == expected
    assert read == []
    part = add(lake, 2, (2, "delta"))
    read.clear()
    assert lake.rows(MENTIONS) == [(1, "beta", "m@1"), (2, "delta", "m@1")]
    assert set(read) == {f"{part}.parquet"}
    read.clear()
    copied = Lake(shutil.copytree(lake.path, lake.path.with_name("copied")))
    assert copied.rows(MENTIONS) == lake.rows(MENTIONS)
    assert len(read) == 6


@pytest.mark.usefixtures("always_cached")
@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"no cache"),
        lambda file: file.write_bytes(b"[1]"),
        lambda file: file.unlink(),
        lambda file: pq.write_table(pa.table({"pmid": [1]}), file),
    ],
    ids=["bytes", "json", "gone", "another table"],
)
def test_a_damaged_cache_is_ignored(lake: Lake, damage: Callable[[Path], object]) -> None:
    add(lake, 0, (1, "alpha"), (2, "gamma"))
    add(lake, 1, (1, "beta"))
    expected = lake.rows(MENTIONS)
    files = sorted(cache_folder(lake.path).iterdir())
    assert {file.name for file in files} >= {"metadata-articles", "metadata-entities", "superseded-texts"}
    for file in files:
        damage(file)
    assert lake.rows(MENTIONS) == expected == [(1, "beta", "m@1"), (2, "gamma", "m@1")]


@pytest.mark.usefixtures("always_cached")
def test_cached_texts_are_not_used_after_another_change(lake: Lake) -> None:
    add(lake, 0, (1, "alpha"), (2, "gamma"))
    add(lake, 1, (1, "beta"))
    assert lake.rows(MENTIONS) == [(1, "beta", "m@1"), (2, "gamma", "m@1")]
    # The first text returns, and no model reads it again.
    record = SourceRecord(Article(1, "alpha"), START + timedelta(days=2))
    assert lake.add([record], source="day-2", dated=True).texts == 0
    assert lake.rows(MENTIONS) == [(1, "alpha", "m@1"), (2, "gamma", "m@1")]
    compact(lake, 100, timedelta(0))
    assert lake.rows(MENTIONS) == [(1, "alpha", "m@1"), (2, "gamma", "m@1")]


def test_merged_targets_have_one_row_group(lake: Lake) -> None:
    for day in range(8):
        add(lake, day, *((1500 * day + number, "alpha") for number in range(1500)))
    compact(lake, 20_000, timedelta(0))
    (name,) = lake.parts()
    file = TargetSet("entities", "m@1").target_path(lake.path, name)
    metadata = pq.read_metadata(file)
    assert (metadata.num_rows, metadata.num_row_groups) == (12_000, 1)


def test_parts_have_small_row_groups_also_when_they_are_merged(lake: Lake) -> None:
    for day in range(8):
        add(lake, day, *((1500 * day + number, "alpha") for number in range(1500)))
    sizes = {pq.read_metadata(lake.part(name)).num_row_groups for name in lake.parts()}
    assert sizes == {2}
    compact(lake, 20_000, timedelta(0))
    (name,) = lake.parts()
    metadata = pq.read_metadata(lake.part(name))
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert (sum(groups), max(groups)) == (12_000, 1_000)
