"""Tests of which version of a PMID is current: records before bare texts, newer reader versions before older ones."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake.article_writer import ImportCounts
from litmine.lake.articles import read_new_texts
from litmine.lake.freshness import last_seen
from litmine.lake.parquet import FOOTER_KEY
from litmine.lake.version_order import VERSION_COLUMNS, VersionKey, version_struct
from litmine.types import BARE_TEXT, READER_VERSION, RECORD, Article, Deletion, SourceRecord
from tests.fixtures.examples import fewer_examples

MakeRecord = Callable[..., SourceRecord]
DAY = datetime(2025, 1, 1, tzinfo=UTC)
RETRACTED = Article(1, "Drug Q", "It cures.", year=2011, doi="10.1/q", retracted=True)
# Each example makes a lake.
FEWER_EXAMPLES = fewer_examples(gate=5, soak=600)

KEYS = st.builds(
    VersionKey,
    st.sampled_from([BARE_TEXT, RECORD]),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from([date.min, date(2020, 1, 1), date(2021, 1, 1)]),
    st.integers(0, 2),
    st.integers(-2, 2),
)


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


@contextmanager
def lake_copy(empty_lake: Path) -> Iterator[Lake]:
    with tempfile.TemporaryDirectory() as folder:
        yield Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))


def bare(day: int, pmid: int = 1, title: str = "Drug Q", abstract: str | None = "It cures.") -> SourceRecord:
    return SourceRecord(Article(pmid, title, abstract), DAY + timedelta(days=day), record_class=BARE_TEXT)


def shown(lake: Lake) -> list[tuple[object, ...]]:
    return lake.rows("SELECT pmid, title, year, doi, retracted FROM articles ORDER BY pmid")


@given(st.lists(KEYS, min_size=1, max_size=6))
def test_sql_orders_versions_as_python_does(keys: list[VersionKey]) -> None:
    columns = dict(zip(VERSION_COLUMNS, map(list, zip(*keys, strict=True)), strict=True))
    # In the files, a missing revision date and what older parts lack are null.
    columns["revised"] = [None if value == date.min else value for value in columns["revised"]]
    columns["record_class"] = [None if value == RECORD else value for value in columns["record_class"]]
    columns["reader_version"] = [None if value == 0 else value for value in columns["reader_version"]]
    columns["version"] = [None if value == 1 else value for value in columns["version"]]
    types = {"revised": pa.date32(), "record_class": pa.int32(), "reader_version": pa.int32(), "version": pa.int32()}
    rows = pa.table({name: pa.array(values, types.get(name, pa.int64())) for name, values in columns.items()})
    with duckdb.connect() as connection:
        connection.register("versions", rows)
        ((newest,),) = connection.execute(f"SELECT max({version_struct()}) FROM versions").fetchall()
    assert VersionKey(**newest) == max(keys)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_bare_text_never_replaces_a_record(lake: Lake, order: tuple[int, ...]) -> None:
    versions = [SourceRecord(RETRACTED, DAY), bare(5), bare(9, abstract="It cures all.")]
    for number in order:
        lake.add([versions[number]], source=f"s{number}", dated=True)
    assert shown(lake) == [(1, "Drug Q", 2011, "10.1/q", True)]
    for number in order:
        for dated in (True, False):
            assert lake.add([versions[number]], source=f"s{number}", dated=dated).parts == ()


def test_models_do_not_read_a_bare_text_of_a_pmid_with_a_record(lake: Lake) -> None:
    lake.add([SourceRecord(RETRACTED, DAY)], source="r", dated=True)
    same = lake.add([bare(1)], source="t", dated=False)
    assert same == ImportCounts(read=1, unchanged=1)
    other = lake.add([bare(1, abstract="Other words.")], source="t", dated=False)
    assert (other.hidden, other.texts, len(other.parts)) == (1, 0, 1)
    assert read_new_texts(lake.part(other.parts[0])).texts == []
    # When a record has these words, models must read them.
    later = lake.add([SourceRecord(Article(1, "Drug Q", "Other words."), DAY + timedelta(9))], source="r", dated=True)
    assert (later.revised, later.texts) == (1, 1)


def test_a_record_replaces_even_a_newer_bare_text(lake: Lake) -> None:
    first = lake.add([bare(5)], source="t", dated=False)
    assert (first.new, first.texts) == (1, 1)
    added = lake.add([SourceRecord(RETRACTED, DAY)], source="r", dated=True)
    # Models have read these words already.
    assert (added.revised, added.texts) == (1, 0)
    assert shown(lake) == [(1, "Drug Q", 2011, "10.1/q", True)]


def test_a_deletion_hides_texts(lake: Lake) -> None:
    lake.add([SourceRecord(Deletion(1), DAY)], source="r", dated=True)
    assert lake.add([bare(9)], source="t", dated=False).hidden == 1
    assert shown(lake) == []
    lake.add([SourceRecord(RETRACTED, DAY + timedelta(days=1))], source="r", dated=True)
    assert shown(lake) == [(1, "Drug Q", 2011, "10.1/q", True)]


def test_a_bare_text_that_is_imported_again_becomes_current_again(lake: Lake) -> None:
    for title in ("first", "second", "first"):
        now = datetime.now(UTC)
        text = SourceRecord(Article(1, title), now, record_class=BARE_TEXT)
        lake.add([text], source="t", dated=False)
        assert lake.add([text], source="t", dated=False).parts == ()
        assert [row[1] for row in shown(lake)] == [title]


def test_a_bare_text_that_lacks_fields_of_the_one_before_is_counted(lake: Lake) -> None:
    full = [SourceRecord(replace(RETRACTED, pmid=pmid), DAY, record_class=BARE_TEXT) for pmid in (1, 2, 3)]
    assert lake.add(full, source="s", dated=False).narrowed == 0
    changed = replace(RETRACTED, title="Drug R", abstract="Cures.")
    newer = [changed, replace(changed, pmid=2, doi=None), Article(3, "A.")]
    later = [SourceRecord(article, DAY + timedelta(1), record_class=BARE_TEXT) for article in newer]
    added = lake.add(later, source="s", dated=False)
    assert (added.revised, added.narrowed) == (3, 2)
    assert added.lost_fields == ("abstract", "doi", "retracted", "year")
    # The older of two dated texts, a record, and a text under a record take nothing away.
    older = SourceRecord(Article(2, "B."), DAY - timedelta(1), record_class=BARE_TEXT)
    assert lake.add([older], source="t", dated=True).narrowed == 0
    assert lake.add([SourceRecord(Article(1, "C."), DAY)], source="u", dated=True).narrowed == 0
    assert lake.add([bare(9)], source="v", dated=False).narrowed == 0


def test_a_pmid_with_only_a_bare_text_still_has_to_be_fetched(lake: Lake) -> None:
    lake.add([bare(0), SourceRecord(Article(2, "R"), DAY)], source="x", dated=True)
    assert last_seen(lake.location, [1, 2, 3], "PubMed") == {2: None}
    lake.add([SourceRecord(RETRACTED, DAY)], source="PubMed", dated=True)
    assert last_seen(lake.location, [1, 2, 3], "PubMed") == {1: DAY, 2: None}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_a_newer_reader_version_replaces_the_older_one(lake: Lake, order: tuple[int, ...]) -> None:
    readings = [
        [SourceRecord(Article(pmid, f"{title} {pmid}"), DAY, reader_version=version) for pmid in range(1, 40)]
        for version, title in enumerate(["old", "new"])
    ]
    for number in order:
        lake.add(readings[number], source="f", dated=True)
    # The hashes, which rise for half of them, decide nothing here.
    assert [row[1] for row in shown(lake)] == [f"new {pmid}" for pmid in range(1, 40)]


@pytest.mark.parametrize("dated", [True, False])
def test_a_newer_reader_version_of_the_same_content_is_recorded_once(lake: Lake, dated: bool) -> None:
    read = [SourceRecord(RETRACTED, DAY, reader_version=0)]
    read_again = [SourceRecord(RETRACTED, DAY + (not dated) * timedelta(days=1), reader_version=1)]
    lake.add(read, source="f", dated=dated)
    added = lake.add(read_again, source="f", dated=dated)
    assert (added.repeated, added.texts) == (1, 0)
    assert lake.rows("SELECT reader_version FROM current_versions") == [(1,)]
    assert lake.add(read_again, source="f", dated=dated).parts == ()
    assert lake.add(read, source="f", dated=dated).parts == ()


def test_rows_of_parts_older_than_the_columns_are_records_of_reader_version_0(lake: Lake) -> None:
    (name,) = lake.add([SourceRecord(RETRACTED, DAY)], source="f", dated=True).parts
    file = lake.part(name)
    footer = pq.read_metadata(file).metadata[FOOTER_KEY]
    rows = pq.read_table(file).drop_columns(["record_class", "reader_version"])
    with pq.ParquetWriter(file, rows.schema, store_schema=False) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({FOOTER_KEY: footer})
    assert lake.rows("SELECT record_class, reader_version FROM article_versions") == [(RECORD, 0)]
    assert lake.add([bare(9, title="Other")], source="t", dated=False).hidden == 1
    again = SourceRecord(Article(1, "Read anew", year=2011), DAY)
    assert lake.add([again], source="f", dated=True).revised == 1
    assert shown(lake) == [(1, "Read anew", 2011, None, False)]
    assert lake.rows("SELECT reader_version FROM current_versions") == [(READER_VERSION,)]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("dated", [True, False])
def test_an_older_version_of_an_article_never_becomes_current(lake: Lake, dated: bool, order: tuple[int, ...]) -> None:
    """Files without a date are dated by their import, so the last of them has the latest date."""
    numbered = [Article(1, "First.", version=1), Article(1, "Third.", version=3), Article(1, "Second.", version=2)]
    for day, number in enumerate(order):
        lake.add([SourceRecord(numbered[number], DAY + timedelta(days=day))], source=f"s{number}", dated=dated)
    assert lake.rows("SELECT title FROM articles") == [("Third.",)]
    assert lake.rows("SELECT version FROM current_versions") == [(3,)]
    for day, number in enumerate(order):
        again = SourceRecord(numbered[number], DAY + timedelta(days=20 + day))
        assert lake.add([again], source=f"s{number}", dated=False).parts == ()
    assert lake.rows("SELECT title FROM articles") == [("Third.",)]


def test_an_older_version_is_counted_and_not_stored(lake: Lake) -> None:
    lake.add([SourceRecord(Article(1, "Second.", version=2), DAY)], source="s", dated=False)
    older = [SourceRecord(Article(1, "First."), DAY + timedelta(1)), SourceRecord(Deletion(1), DAY + timedelta(2))]
    for record in older:
        assert lake.add([record], source="t", dated=False) == ImportCounts(read=1, superseded=1)
    deletion = SourceRecord(Deletion(1, version=2), DAY + timedelta(3))
    assert lake.add([deletion], source="u", dated=False).deletions == 1
    assert shown(lake) == []


def test_the_version_of_an_article_is_no_content(lake: Lake) -> None:
    """A record with the same content and a greater version is stored as a repeated row."""
    lake.add([SourceRecord(Article(1, "A."), DAY)], source="s", dated=False)
    added = lake.add([SourceRecord(Article(1, "A.", version=2), DAY)], source="s", dated=False)
    assert (added.repeated, added.texts) == (1, 0)
    assert lake.rows("SELECT title, version FROM articles JOIN current_versions USING (pmid)") == [("A.", 2)]


def test_rows_of_parts_older_than_the_column_are_of_version_1(lake: Lake) -> None:
    (name,) = lake.add([SourceRecord(Article(1, "A.", version=2), DAY)], source="f", dated=True).parts
    file = lake.part(name)
    footer = pq.read_metadata(file).metadata[FOOTER_KEY]
    rows = pq.read_table(file).drop_columns(["version"])
    with pq.ParquetWriter(file, rows.schema, store_schema=False) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({FOOTER_KEY: footer})
    assert lake.rows("SELECT version FROM current_versions") == [(1,)]
    lake.add([SourceRecord(Article(1, "B.", version=2), DAY - timedelta(9))], source="g", dated=True)
    assert lake.rows("SELECT title FROM articles") == [("B.",)]


TITLES = st.sampled_from(["alpha", "beta"])
ARTICLES = st.builds(Article, st.integers(1, 3), TITLES, year=st.sampled_from([None, 2020]), retracted=st.booleans())
ITEMS = st.one_of(
    st.tuples(st.just(RECORD), st.builds(Deletion, st.integers(1, 3))),
    st.tuples(st.just(RECORD), ARTICLES),
    st.tuples(st.just(BARE_TEXT), ARTICLES),
)


OF_RECORDS = st.lists(ITEMS.filter(lambda item: item[0] == RECORD), max_size=6)
OF_TEXTS = st.lists(ITEMS.filter(lambda item: item[0] == BARE_TEXT), max_size=6)


@settings(max_examples=FEWER_EXAMPLES)
@given(files=st.lists(st.one_of(OF_RECORDS, OF_TEXTS), min_size=1, max_size=3), part_size=st.integers(1, 3))
def test_undated_files_write_nothing_the_second_time(
    empty_lake: Path, files: list[list[tuple[int, Article | Deletion]]], part_size: int
) -> None:
    """Each file of one class is imported twice; a PMID's last record counts, and a text only where there is none."""
    records: dict[int, Article | Deletion] = {}
    texts: dict[int, Article | Deletion] = {}
    with lake_copy(empty_lake) as lake:
        writer = lake.article_writer()
        for number, file in enumerate(files):
            for again in (0, 1):
                start = DAY + timedelta(hours=2 * number + again)
                read = [
                    SourceRecord(record, start + timedelta(microseconds=position), record_class=record_class)
                    for position, (record_class, record) in enumerate(file)
                ]
                added = writer.add(read, source=f"f{number}", dated=False, part_size=part_size)
                assert not again or added.parts == ()
            for record_class, record in file:
                (records if record_class == RECORD else texts)[record.pmid] = record
        expected = [one for _, one in sorted((texts | records).items()) if isinstance(one, Article)]
        assert lake.rows("SELECT pmid, title, year, retracted FROM articles ORDER BY pmid") == [
            (one.pmid, one.title, one.year, one.retracted) for one in expected
        ]


@settings(max_examples=FEWER_EXAMPLES)
@given(data=st.data(), items=st.lists(ITEMS, min_size=1, max_size=6))
def test_bare_texts_in_any_order_change_no_record(
    empty_lake: Path, data: st.DataObject, items: list[tuple[int, Article | Deletion]]
) -> None:
    """With texts before, between and after, each PMID with a record or deletion shows what it shows without them."""
    versions = [
        SourceRecord(record, DAY + timedelta(days=data.draw(st.integers(0, 3))), record_class=record_class)
        for record_class, record in items
    ]
    views = []
    for chosen in (versions, [one for one in versions if one.record_class == RECORD]):
        with lake_copy(empty_lake) as lake:
            writer = lake.article_writer()
            for version in data.draw(st.permutations(chosen)):
                writer.add([version], source="s", dated=True)
            views.append({row[0]: row for row in lake.rows("SELECT pmid, title, year, retracted FROM articles")})
    with_texts, without = views
    recorded = {record.pmid for record_class, record in items if record_class == RECORD}
    assert {pmid: row for pmid, row in with_texts.items() if pmid in recorded} == without
