"""The views of current articles and texts equal their plain definition: group all rows by PMID, take the greatest."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake import file_metadata, listed_files
from litmine.lake.article_counts import count_articles
from litmine.lake.articles import read_new_texts
from litmine.lake.listing import MERGED_PREFIX, live_files_by_table
from litmine.lake.parquet import FOOTER_KEY
from litmine.lake.part_ranges import PartRanges
from litmine.lake.paths import CATALOGUE
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.sql_text import escape_glob, schema_map
from litmine.lake.targets import TargetFooter, TargetInput, TargetSet, read_upstream, write_target
from litmine.lake.version_order import version_column, version_struct
from litmine.lake.views import connect, create_views, narrow_views, open_duckdb
from litmine.pipeline.compact import compact
from litmine.tasks.ner.model import entity_rows
from litmine.types import BARE_TEXT, RECORD, Article, Deletion, Entity, SourceRecord
from tests.fixtures.examples import fewer_examples

START = datetime(2025, 1, 1, tzinfo=UTC)
MARKS = ["text_changed", "pmid_known"]
VERSION = "epoch_us(as_of), record_hash, text_hash, record_class, reader_version"
CONTENT = "title, abstract, year, revised, retracted"
MENTION = "pmid, start_char, end_char, mention, entity_type, model"
LINKED = ("pmid", "text_hash", "start_char", "end_char", "mention", "entity_type", "score")

# The definitions that the views had before rows were marked.
ORACLE = {
    "current_versions": f"SELECT pmid, {VERSION} FROM current",
    "articles": f"""SELECT pmid, {CONTENT}, epoch_us(current.as_of)
        FROM current JOIN (SELECT pmid, record_hash, {CONTENT} FROM versions WHERE NOT repeated)
        USING (pmid, record_hash)""",
    "unretracted_texts": """SELECT pmid, current.text_hash AS text_hash
        FROM current JOIN (SELECT pmid, record_hash, retracted FROM versions WHERE NOT repeated)
        USING (pmid, record_hash) WHERE NOT coalesce(retracted, false)""",
    "all_entities": f"SELECT {MENTION} FROM found JOIN current USING (pmid, text_hash)",
    "entities": f"""SELECT {MENTION} FROM found JOIN current USING (pmid, text_hash)
        WHERE model IN (SELECT model FROM active WHERE types IS NULL)
           OR (model, entity_type) IN (SELECT (model, unnest(types)) FROM active)""",
}
SHOWN = {
    "current_versions": f"pmid, {VERSION}",
    "articles": f"pmid, {CONTENT}, epoch_us(as_of)",
    "unretracted_texts": "pmid, text_hash",
    "all_entities": MENTION,
    "entities": MENTION,
}
WORDS = st.sampled_from(["alpha", "beta gamma", "delta"])
ARTICLES = st.builds(
    Article,
    st.integers(1, 4),
    title=WORDS,
    year=st.sampled_from([None, 2020]),
    retracted=st.booleans(),
    revised=st.sampled_from([None, date(2020, 1, 1)]),
)
RECORDS = st.builds(
    SourceRecord,
    st.one_of(st.builds(Deletion, st.integers(1, 4)), ARTICLES, ARTICLES),
    st.integers(0, 4).map(lambda day: START + timedelta(days=day)),
    record_class=st.sampled_from([RECORD, RECORD, BARE_TEXT]),
    reader_version=st.integers(0, 1),
    dated=st.booleans(),
)
STEPS = st.one_of(
    st.tuples(st.just("import"), st.lists(RECORDS, min_size=1, max_size=4)),
    st.tuples(st.just("annotate"), st.sampled_from(["a@1", "b@1"])),
    st.tuples(st.just("activate"), st.sampled_from([("a@1",), ("b@1",), ("a@1", "b@1"), ("a@1 Long", "b@1 Word")])),
    st.tuples(st.just("compact"), st.sampled_from([3, 8, 100])),
    # A part as it was written before rows were marked.
    st.tuples(st.just("forget"), st.integers(0, 9)),
)


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made where its copies are, because a catalogue names the path of its lake."""
    place = Lake.create(tmp_path_factory.mktemp("lakes") / "place").path
    return place.rename(place.with_name("empty"))


@pytest.fixture(autouse=True)
def always_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also small lakes use what earlier queries have read."""
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(file_metadata, "_MIN_NEW", {True: 1, False: 1})
    monkeypatch.setattr(listed_files, "are_worth_caching", lambda files: True)  # noqa: ARG005


@contextmanager
def lake_copy(empty_lake: Path) -> Iterator[Lake]:
    """An empty lake, one after another at the same path, so that its catalogue is not built again each time."""
    place = empty_lake.with_name("place")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(empty_lake, place)
    yield Lake(place)


def annotate(lake: Lake, model: str, part: str) -> None:
    """Write a target with each word of each text; words of more than four letters have another type."""
    texts = read_new_texts(lake.part(part))
    found = [
        [Entity(word, "Long" if len(word) > 4 else "Word", text.find(word), text.find(word) + len(word), 1.0)
         for word in dict.fromkeys(text.split())]
        for text in texts.texts
    ]  # fmt: skip
    footer = TargetFooter(model, part, len(texts), (), "cpu", "float32", 0.1, 9, {})
    write_target(lake.path, TargetSet("entities", model), part, texts, entity_rows(texts, found), footer)


def link(lake: Lake, linker: str, tagger: str) -> None:
    """Write the links of every part that the tagger has read and the linker has not; long words have no identifier."""
    source, targets = TargetSet("entities", tagger), TargetSet("links", linker, tagger)
    for part in source.finished_parts(lake.path) - targets.finished_parts(lake.path):
        if part not in lake.parts():
            continue
        texts = read_new_texts(lake.part(part))
        rows = [
            (*(row[name] for name in LINKED), None if row["entity_type"] == "Long" else f"{linker}:{row['mention']}",
             None if row["entity_type"] == "Long" else 0.5)
            for row in read_upstream(lake.path, TargetInput(source), part, texts).rows.to_pylist()
        ]  # fmt: skip
        footer = TargetFooter(linker, part, len(texts), (), "cpu", "float32", 0.1, 9, {}, [str(source)])
        write_target(lake.path, targets, part, texts, rows, footer)


def activate(lake: Lake, number: int, models: Sequence[str], linkers: Sequence[tuple[str, str]] = ()) -> None:
    when = START + timedelta(minutes=number)
    active = [ActiveModel("ner", one.split()[0], types=tuple(one.split()[1:]) or None) for one in models]
    active += [ActiveModel("linking", linker, tagger) for linker, tagger in linkers]
    lake.record_run(Run(f"r{number}", "annotate", when, when, "done", active=active))


def forget_marks(lake: Lake, part: str) -> None:
    file = lake.part(part)
    footer = pq.read_metadata(file).metadata[FOOTER_KEY]
    rows = pq.read_table(file).drop_columns(MARKS)
    with pq.ParquetWriter(file, rows.schema, store_schema=False) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({FOOTER_KEY: footer})


def perform(lake: Lake, number: int, step: tuple[str, Any]) -> None:
    kind, value = step
    if kind == "import":
        lake.add(value, source=f"s{number}", part_size=2)
    elif kind == "annotate":
        for part in lake.pending_parts(TargetSet("entities", value)):
            annotate(lake, value, part)
    elif kind == "activate":
        activate(lake, number, value)
    elif kind == "compact":
        compact(lake, value, timedelta(0))
    elif kind == "link":
        link(lake, *value)
    else:
        # Merging gives the rows of such a part their marks.
        originals = [part for part in lake.parts() if not part.startswith(MERGED_PREFIX)]
        if value < len(originals) and set(MARKS) <= set(pq.read_schema(lake.part(originals[value])).names):
            forget_marks(lake, originals[value])


def expected_rows(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    files = live_files_by_table(lake.path)
    with open_duckdb(lake.path) as connection:

        def load(name: str, table: str, columns: str) -> None:
            connection.execute("SET VARIABLE files = $1", [[escape_glob(file) for file in files[table]]])
            reader = f"read_parquet(getvariable('files'), filename = true, schema = {schema_map(table)})"
            rows = f"SELECT {columns} FROM {reader}" if files[table] else f"SELECT {columns} FROM empty_{table}"
            connection.execute(f"CREATE TABLE {name} AS {rows}")

        for table in ("articles", "entities"):
            pattern = "*/_schema.parquet" if table == "entities" else "_schema.parquet"
            (schema_file,) = (lake.path / table).glob(pattern)
            reader = f"read_parquet('{escape_glob(schema_file)}', filename = true, schema = {schema_map(table)})"
            connection.execute(f"CREATE TABLE empty_{table} AS FROM {reader}")
        order = ", ".join(f"{version_column(name)} AS {name}" for name in ("record_class", "reader_version"))
        load("versions", "articles", f"* REPLACE ({order})")
        load("found", "entities", "*, split_part(split_part(filename, '/model=', 2), '/', 1) AS model")
        connection.execute(f"""
            CREATE TABLE current AS SELECT * EXCLUDE (revised) FROM (SELECT pmid, newest.* FROM (
                SELECT pmid, max({version_struct(["text_hash", "deleted"])}) AS newest FROM versions GROUP BY pmid
            ) WHERE NOT newest.deleted)""")
        connection.execute("CREATE TABLE active (model VARCHAR, types VARCHAR[])")
        for one in lake.active_models():
            connection.execute("INSERT INTO active VALUES ($1, $2)", [one.model, one.types and list(one.types)])
        return {view: connection.execute(f"{query} ORDER BY ALL").fetchall() for view, query in ORACLE.items()}


def view_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        view: connection.execute(f"SELECT {columns} FROM {view} ORDER BY ALL").fetchall()
        for view, columns in SHOWN.items()
    }


def check_views(lake: Lake, each_alone: bool = False) -> None:
    """Assert that `litmine sql` and the catalogue show what the plain definitions show.

    A query that reads few views creates only these; `each_alone` reads each view in a query of its own.
    """
    expected = expected_rows(lake)
    counts, articles = count_articles(lake.path, "s0"), expected["articles"]
    assert (counts.articles, counts.retracted) == (len(articles), sum(row[5] for row in articles))
    assert counts.as_of_us == max((row[6] for row in articles), default=None)
    with connect(lake.path, SHOWN) as connection:
        assert view_rows(connection) == expected
    for view, columns in SHOWN.items() if each_alone else ():
        assert lake.rows(f"SELECT count(*) FROM (SELECT {columns} FROM {view})") == [(len(expected[view]),)]
    with duckdb.connect(str(lake.path / CATALOGUE), read_only=True) as catalogue:
        assert view_rows(catalogue) == expected
    pmids = {2, 4} if each_alone else {1}
    files = live_files_by_table(lake.path)
    parts = list(filter(PartRanges().parts_with(pmids), files["articles"]))
    with open_duckdb(lake.path) as connection:
        source = create_views(connection, lake.path)
        with narrow_views(connection, lake.path, source, SHOWN, files, parts) as narrow:
            shown = view_rows(narrow)
        assert view_rows(connection) == expected
    for view, rows in expected.items():
        about = [row for row in rows if row[0] in pmids]
        assert [row for row in shown[view] if row[0] in pmids] == about


def seen(day: int, pmid: int, title: str | None, record_class: int = RECORD, year: int | None = None) -> SourceRecord:
    record = Deletion(pmid) if title is None else Article(pmid, title, year=year)
    return SourceRecord(record, START + timedelta(days=day), record_class=record_class, dated=True)


def add(*records: SourceRecord) -> tuple[str, list[SourceRecord]]:
    return "import", list(records)


BOTH = [("annotate", "a@1"), ("annotate", "b@1"), ("activate", ("a@1", "b@1"))]


@settings(max_examples=fewer_examples(gate=4, soak=500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=9), order=st.randoms(use_true_random=False))
# A text that goes and comes back, with a merge on the way.
@example([add(seen(0, 1, "alpha")), add(seen(1, 1, "delta")), ("compact", 100), add(seen(2, 1, "alpha")), *BOTH], None)
# A bare text before and behind a record, and a record with the words of a hidden text.
@example([add(seen(9, 1, "alpha", BARE_TEXT)), *BOTH, add(seen(0, 1, "delta"))], None)
@example([add(seen(0, 1, "alpha")), *BOTH, add(seen(9, 1, "delta", BARE_TEXT)), add(seen(1, 1, "delta"))], None)
# A deletion before its record, and a record that returns.
@example([add(seen(5, 1, None)), add(seen(4, 1, "alpha")), *BOTH, add(seen(6, 1, "alpha"))], None)
# Seen again later, with an older revision in between; two rows of a PMID in one source.
@example(
    [add(seen(0, 1, "alpha")), add(seen(5, 1, "alpha")), *BOTH, add(seen(3, 1, "delta"), seen(2, 1, "beta"))], None
)
# A part with the current text of a PMID that has a superseded one, and the superseded text of another PMID.
@example(
    [add(seen(0, 1, "alpha")), add(seen(1, 1, "delta"), seen(0, 2, "alpha")), add(seen(1, 2, "delta")), *BOTH], None
)
# Parts without marks, before and after others, and their merge.
@example(
    [add(seen(0, 1, "alpha")), ("forget", 0), add(seen(1, 1, "delta")), *BOTH, ("forget", 0), ("compact", 100)], None
)
def test_views_equal_their_plain_definitions(empty_lake: Path, steps: list[Any], order: Any) -> None:
    """Steps of all kinds in any order: imports with any dates, two models, merges, and parts without marks."""
    if order is not None:
        order.shuffle(steps)
    with lake_copy(empty_lake) as lake:
        for number, step in enumerate(steps):
            perform(lake, number, step)
        check_views(lake)
        perform(lake, 97, ("annotate", "a@1"))
        perform(lake, 98, ("activate", ("a@1",)))
        check_views(lake)
        perform(lake, 99, ("compact", 100))
        check_views(lake, each_alone=True)


@settings(max_examples=fewer_examples(gate=4, soak=300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("import"), st.lists(RECORDS, min_size=1, max_size=4)),
            st.tuples(st.just("annotate"), st.sampled_from(["a@1", "b@1"])),
            st.tuples(st.just("link"), st.tuples(st.sampled_from(["l@1", "l@2"]), st.sampled_from(["a@1", "b@1"]))),
            st.tuples(st.just("compact"), st.sampled_from([3, 100])),
        ),
        min_size=3,
        max_size=9,
    )
)
@example([add(seen(0, 1, "alpha beta")), ("annotate", "a@1"), ("link", ("l@1", "a@1")), add(seen(1, 1, "delta")),
          ("annotate", "a@1"), ("compact", 100), add(seen(2, 1, "alpha beta")), ("link", ("l@1", "a@1"))])  # fmt: skip
def test_links_in_any_order_never_add_or_lose_a_mention(empty_lake: Path, steps: list[Any]) -> None:
    """Imports, tagging, two linkers, links of each and merges in any order: each mention once, with the right links."""
    with lake_copy(empty_lake) as lake:
        for number, step in enumerate(steps):
            perform(lake, number, step)
        activate(lake, 90, ["a@1", "b@1"], [("l@1", "a@1"), ("l@2", "b@1")])
        expected = expected_rows(lake)["entities"]
        shown = lake.rows(f"SELECT {MENTION}, identifier, linker FROM entities ORDER BY ALL")
        assert [row[:6] for row in shown] == expected
        linker_of = {"a@1": "l@1", "b@1": "l@2"}
        for *_, mention, kind, model, identifier, linker in shown:
            assert identifier in (None, f"{linker_of[model]}:{mention}")
            assert (identifier is None) == (linker is None)
            assert kind == "Word" or identifier is None
        for number, tagger in enumerate(linker_of, 91):
            perform(lake, number, ("annotate", tagger))
            link(lake, linker_of[tagger], tagger)
        expected = expected_rows(lake)["entities"]
        shown = lake.rows(f"SELECT {MENTION}, identifier FROM entities ORDER BY ALL")
        assert shown == [
            (*row, f"{linker_of[row[5]]}:{row[3]}" if row[4] == "Word" else None) for row in expected
        ]  # fmt: skip


def test_marks_say_what_the_lake_held(empty_lake: Path) -> None:
    marks = f"SELECT {', '.join(MARKS)} FROM article_versions ORDER BY pmid, as_of"
    with lake_copy(empty_lake) as lake:
        for day, record in enumerate(
            [
                seen(0, 1, "alpha"),
                seen(1, 1, "alpha"),  # the same, seen again
                seen(2, 1, "alpha", year=2020),  # other fields only
                seen(3, 1, "delta"),
                seen(4, 1, "alpha", year=2020),
                seen(5, 1, None),
                seen(6, 1, "beta", BARE_TEXT),  # hidden
                seen(0, 2, None),
                seen(1, 3, "gamma", BARE_TEXT),
            ]
        ):
            lake.add([record], source=f"s{day}")
        changed = [False, False, False, True, True, True, False, False, False]
        known = [False, True, True, True, True, True, True, False, False]
        assert lake.rows(marks) == list(zip(changed, known, strict=True))


def test_a_merge_marks_rows_of_parts_without_marks(empty_lake: Path) -> None:
    with lake_copy(empty_lake) as lake:
        for day, record in enumerate([seen(0, 1, "alpha"), seen(1, 1, "delta"), seen(0, 2, "beta"), seen(0, 3, None)]):
            for part in lake.add([record], source=f"s{day}").parts:
                forget_marks(lake, part)
        lake.add([seen(2, 2, "beta", year=2020)], source="later")
        for number in range(4):
            lake.add([seen(0, 10 + number, "delta")], source=f"more-{number}")
        assert lake.rows("SELECT count(*) FROM article_versions WHERE text_changed IS NULL") == [(4,)]
        compact(lake, 100, timedelta(0))
        rows = lake.rows(f"SELECT pmid, {', '.join(MARKS)} FROM article_versions WHERE pmid < 10 ORDER BY pmid, as_of")
        assert rows == [
            (1, True, True),
            (1, True, True),
            (2, False, True),
            (2, False, True),
            (3, False, False),
        ]
