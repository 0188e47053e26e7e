"""Tests of imports into a lake: every order gives the same view, and each text is new exactly once."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import SchemaError
from litmine.lake.article_writer import ImportCounts
from litmine.lake.articles import read_new_texts, read_part_summary
from litmine.lake.hashing import deletion_hash, record_hash, text_hash
from litmine.types import (
    BARE_TEXT,
    RECORD,
    Article,
    AuthorAffiliation,
    Chemical,
    Correction,
    DataBank,
    Deletion,
    Grant,
    MeshHeading,
    OlderVersion,
    Section,
    SourceRecord,
)
from tests.fixtures.examples import fewer_examples

MakeRecord = Callable[..., SourceRecord]

FULL = Article(
    pmid=7,
    title="β-Blockers: a title",
    abstract="BACKGROUND: One. METHODS: Two.",
    sections=(Section("BACKGROUND", 32, 36), Section("METHODS", 46, 50)),
    journal="J",
    pub_date="2013-05",
    year=2013,
    authors=("Last, Fore", "Group"),
    mesh=(MeshHeading("D1", "Asthma", True, ("drug therapy",)), MeshHeading(None, "Humans", False)),
    keywords=("k",),
    publication_types=("Journal Article",),
    doi="10.1/x",
    pmcid="PMC1",
    language="eng,fre",
    retracted=True,
    revised=date(2020, 2, 29),
)


def counts_add_up(added: ImportCounts) -> bool:
    counts = (added.new, added.revised, added.repeated, added.deletions, added.unchanged, added.superseded)
    return added.read == sum(counts) + added.hidden


def new_text_counts(lake: Lake) -> Counter[tuple[int, int]]:
    """How many parts mark each (PMID, text hash) as new."""
    parts = [read_new_texts(lake.part(name)) for name in lake.parts()]
    return Counter(pair for texts in parts for pair in zip(texts.pmids, texts.text_hashes, strict=True))


def test_an_article_is_read_as_it_was_written(lake: Lake) -> None:
    as_of = datetime(2025, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
    added = lake.add([SourceRecord(FULL, as_of, mended=2)], source="/data/pubmed25n0001.xml.gz", dated=True)
    assert added == ImportCounts(read=1, new=1, mended=2, texts=1, parts=added.parts)
    (name,) = added.parts
    assert name.startswith("pubmed25n0001-00000-")
    (row,) = lake.sql("SELECT * FROM articles").to_pylist()
    assert row.pop("text") == FULL.text
    assert row.pop("as_of") == as_of
    assert row.pop("sections") == [
        {"label": s.label, "start_char": s.start_char, "end_char": s.end_char} for s in FULL.sections
    ]
    assert [(m["ui"], m["name"], m["major"], tuple(m["qualifiers"])) for m in row.pop("mesh")] == [
        (m.ui, m.name, m.major, m.qualifiers) for m in FULL.mesh
    ]
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()} == {
        field.name: getattr(FULL, field.name)
        for field in fields(FULL)
        if field.compare and field.name not in ("sections", "mesh")
    }
    assert read_new_texts(lake.part(name)).texts == [FULL.text]
    assert read_part_summary(lake.part(name)).source == "/data/pubmed25n0001.xml.gz"


def test_text_of_a_record_without_title_or_abstract(lake: Lake) -> None:
    records = [
        SourceRecord(Article(pmid, title, abstract), datetime.now(UTC))
        for pmid, title, abstract in [(1, "T", "A"), (2, "T", None), (3, None, "A"), (4, None, None)]
    ]
    assert lake.add(records, source="x").texts == 3
    assert lake.sql("SELECT text FROM articles ORDER BY pmid")["text"].to_pylist() == ["T A", "T", "A", ""]


def test_records_that_the_lake_holds_are_not_written_again(lake: Lake, make_record: MakeRecord) -> None:
    records = [make_record(day, pmid, f"t{pmid}") for day, pmid in enumerate(range(1, 8))]
    first = lake.add(records, source="a", dated=True, part_size=3)
    assert (first.new, len(first.parts)) == (7, 3)
    again = lake.add(records, source="a", dated=True, part_size=3)
    assert again == ImportCounts(read=7, unchanged=7)


def test_an_undated_source_repeats_only_versions_that_are_not_current(lake: Lake, make_record: MakeRecord) -> None:
    lake.add([make_record(0, 1, "old"), make_record(0, 2, "kept")], source="a", dated=True)
    lake.add([make_record(1, 1, "new")], source="b", dated=True)
    added = lake.add([make_record(2, 1, "old"), make_record(2, 2, "kept")], source="c", dated=False)
    assert (added.repeated, added.unchanged, added.texts) == (1, 1, 0)
    assert lake.sql("SELECT title FROM articles ORDER BY pmid")["title"].to_pylist() == ["old", "kept"]


def test_a_deleted_article_comes_back(lake: Lake, make_record: MakeRecord) -> None:
    assert (
        lake.add(
            [make_record(0, 1, "t"), make_record(1, 1), make_record(1, 99)], source="a", dated=True, part_size=1
        ).deletions
        == 2
    )
    assert lake.sql("SELECT * FROM articles").num_rows == 0
    assert lake.add([make_record(1, 1)], source="b", dated=True).unchanged == 1
    assert lake.add([make_record(2, 1, "t")], source="c", dated=True).repeated == 1
    assert lake.sql("SELECT pmid, title FROM articles").to_pylist() == [{"pmid": 1, "title": "t"}]


def test_a_part_holds_a_pmid_once(lake: Lake, make_record: MakeRecord) -> None:
    added = lake.add([make_record(1, 1, "b"), make_record(2, 1, "c"), make_record(0, 1, "a")], source="a", dated=True)
    assert (added.new, added.superseded) == (1, 2)
    assert lake.sql("SELECT title FROM articles")["title"].to_pylist() == ["c"]


def test_a_revision_with_the_same_text_has_no_new_text(lake: Lake, make_record: MakeRecord) -> None:
    lake.add([make_record(0, 1, "same text")], source="a", dated=True)
    added = lake.add([make_record(1, 1, "same text", keywords=("new",))], source="b", dated=True)
    assert (added.revised, added.texts) == (1, 0)
    assert lake.sql("SELECT keywords FROM articles")["keywords"].to_pylist() == [["new"]]


def test_words_that_move_from_title_to_abstract_are_the_same_text(lake: Lake) -> None:
    now = datetime.now(UTC)
    lake.add([SourceRecord(Article(1, "a b"), now)], source="a", dated=True)
    added = lake.add([SourceRecord(Article(1, "a", "b"), now + timedelta(days=1))], source="b", dated=True)
    assert (added.revised, added.texts) == (1, 0)


def test_invalid_records_are_refused(lake: Lake, make_record: MakeRecord) -> None:
    with pytest.raises(SchemaError, match=r"PMID 1: .* is outside its text \(length 1\)"):
        lake.add([make_record(0, 1, "t", sections=(Section(None, 0, 2),))], source="a")
    with pytest.raises(SchemaError, match=r"articles\.title cannot hold"):
        lake.add([make_record(0, 1, "\ud800")], source="a")
    assert lake.parts() == []


def test_an_interrupted_import_leaves_complete_parts(lake: Lake, make_record: MakeRecord) -> None:
    def records() -> Iterator[SourceRecord]:
        yield from (make_record(0, pmid, "t") for pmid in range(1, 6))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.add(records(), source="a", dated=True, part_size=2)
    assert lake.sql("SELECT count(*) AS n FROM articles")["n"].to_pylist() == [4]
    added = lake.add([make_record(0, pmid, "t") for pmid in range(1, 6)], source="a", dated=True, part_size=2)
    assert (added.unchanged, added.new) == (4, 1)


def test_rows_that_another_import_writes_meanwhile_are_taken_into_account(lake: Lake, make_record: MakeRecord) -> None:
    """While rows wait for their part, another import writes an equal, an older and a newer version."""

    def records() -> Iterator[SourceRecord]:
        yield from [make_record(5, pmid, "text") for pmid in (1, 2, 3, 4)]
        others = [
            make_record(5, 1, "text"),
            make_record(4, 2, "text"),
            make_record(6, 3, "text", keywords=("k",)),
            make_record(5, 9, "text"),
        ]
        assert lake.add(others, source="b", dated=True).new == 4
        yield make_record(5, 5, "text")

    added = lake.add(records(), source="a", dated=True)
    assert counts_add_up(added)
    assert (added.read, added.new, added.revised, added.repeated, added.unchanged, added.texts) == (5, 2, 1, 1, 1, 2)
    assert set(new_text_counts(lake).values()) == {1}
    shown = lake.rows("SELECT pmid, epoch(as_of) / 86400, keywords FROM articles ORDER BY pmid")
    day = datetime(2025, 1, 6, tzinfo=UTC).timestamp() / 86400
    assert shown == [(1, day, []), (2, day, []), (3, day + 1, ["k"]), (4, day, []), (5, day, []), (9, day, [])]


def test_a_part_without_changes_is_not_written(lake: Lake, make_record: MakeRecord) -> None:
    def records() -> Iterator[SourceRecord]:
        yield make_record(0, 1, "text")
        lake.add([make_record(0, 1, "text")], source="b", dated=True)

    added = lake.add(records(), source="a", dated=True)
    assert added == ImportCounts(read=1, unchanged=1)
    assert len(lake.parts()) == 1


def test_hashes_stay_the_same_and_tell_contents_apart() -> None:
    # Newer versions of litmine read older lakes, so the hash of a record must not change.
    assert record_hash(FULL) == record_hash(replace(FULL, pmid=8)) == -4511572443672992436
    newest = replace(
        FULL,
        affiliations=(AuthorAffiliation("Last, Fore", ("An institute",)),),
        chemicals=(Chemical("0", "water"),),
        grants=(Grant("1"),),
        journal_abbreviation="J",
        issn="1234-5678",
        volume="1",
        issue="2",
        pages="3",
        status="MEDLINE",
        corrections=(Correction("ErratumIn", 9),),
        data_banks=(DataBank("ClinicalTrials.gov", ("NCT01234567",)),),
    )
    defaults = {field.name: field.default for field in fields(newest) if field.compare and field.name != "pmid"}
    changed = [replace(newest, **cast("dict[str, Any]", {name: default})) for name, default in defaults.items()]
    assert len({record_hash(article) for article in [newest, *changed]}) == len(changed) + 1
    assert record_hash(FULL, BARE_TEXT) != record_hash(FULL, RECORD)
    assert -(2**63) <= text_hash("é") < 2**63
    assert text_hash("é") != text_hash("e\u0301")


TITLES = st.sampled_from(["alpha", "beta", "gamma", None])
# PubMed numbers the versions of few articles.
VERSIONS = st.sampled_from([1, 1, 1, 2])
RECORDS = st.one_of(
    st.builds(Deletion, st.integers(1, 4), VERSIONS),
    st.builds(
        Article,
        st.integers(1, 4),
        title=TITLES,
        abstract=TITLES,
        year=st.sampled_from([None, 2020]),
        revised=st.sampled_from([None, date(2020, 1, 1), date(2021, 1, 1)]),
        version=VERSIONS,
    ),
)
# Each example makes a lake, which takes up to a second.
FEWER_EXAMPLES = fewer_examples(gate=4, soak=600)
SOURCES = st.lists(
    st.lists(
        st.builds(
            SourceRecord,
            RECORDS,
            st.integers(0, 4).map(lambda day: datetime(2025, 1, 1 + day, tzinfo=UTC)),
            record_class=st.sampled_from([BARE_TEXT, RECORD]),
            reader_version=st.integers(0, 2),
            dated=st.just(True),
        )
    ),
    min_size=2,
    max_size=4,
)


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


def current_versions(versions: list[SourceRecord]) -> dict[int, SourceRecord]:
    """The versions that the view must show: for each PMID the greatest by class, `version`, dates, reader and hash."""

    def version_key(version: SourceRecord) -> tuple[int, int, datetime, date, int, int]:
        assert not isinstance(version.record, OlderVersion)
        if isinstance(version.record, Deletion):
            return RECORD, version.record.version, version.as_of, date.min, version.reader_version, deletion_hash()
        record, content = version.record, record_hash(version.record, version.record_class)
        dates = version.as_of, record.revised or date.min
        return version.record_class, record.version, *dates, version.reader_version, content

    latest = {version.record.pmid: version for version in sorted(versions, key=version_key)}
    return {pmid: version for pmid, version in latest.items() if isinstance(version.record, Article)}


def check_lake(lake: Lake, sources: list[list[SourceRecord]]) -> None:
    """Assert that the view shows the current versions, each version has its content once, and each text is new once.

    Each shown text is new somewhere, so that models read it.
    """
    rows = lake.sql("SELECT articles.*, text_hash FROM articles JOIN current_versions USING (pmid)").to_pylist()
    expected = current_versions([record for records in sources for record in records])
    shown = {row["pmid"]: [row[name] for name in ("title", "abstract", "year", "revised", "as_of")] for row in rows}
    assert len(shown) == len(rows)
    assert shown == {
        pmid: [*(getattr(version.record, name) for name in ("title", "abstract", "year", "revised")), version.as_of]
        for pmid, version in expected.items()
    }
    versions = "SELECT count(*), count(DISTINCT (pmid, record_hash)) FROM article_versions WHERE NOT repeated"
    ((total, distinct),) = lake.rows(versions)
    assert total == distinct
    texts = new_text_counts(lake)
    assert set(texts.values()) <= {1}
    assert {(row["pmid"], row["text_hash"]) for row in rows if row["text"]} <= set(texts)


@settings(max_examples=FEWER_EXAMPLES)
@given(data=st.data(), sources=SOURCES)
def test_every_order_gives_the_same_view(
    empty_lake: Path, data: st.DataObject, sources: list[list[SourceRecord]]
) -> None:
    """The sources act as a baseline, as updates that revise, delete and restore, and as an unchanged copy."""
    order = data.draw(st.permutations([*enumerate(sources), (9, sources[0])]))
    part_size = data.draw(st.integers(1, 4))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        writer = lake.article_writer()
        for number, records in order:
            added = writer.add(records, source=f"s{number}", dated=True, part_size=part_size)
            assert counts_add_up(added)
        check_lake(lake, sources)
        for number, records in order:
            assert writer.add(records, source=f"s{number}", dated=True, part_size=part_size).parts == ()


@settings(max_examples=FEWER_EXAMPLES)
@given(data=st.data(), sources=SOURCES)
def test_interleaved_imports_give_the_same_view(
    empty_lake: Path, data: st.DataObject, sources: list[list[SourceRecord]]
) -> None:
    """While one import reads its source, the next ones run completely, so that rows wait while the lake changes."""
    order = data.draw(st.permutations([*sources, sources[0]]))
    breaks = [data.draw(st.integers(0, len(records))) for records in order]
    part_size = data.draw(st.integers(1, 4))

    def read(number: int) -> Iterator[SourceRecord]:
        yield from order[number][: breaks[number]]
        if number + 1 < len(order):
            run_import(number + 1)
        yield from order[number][breaks[number] :]

    def run_import(number: int) -> None:
        added = writers[number].add(read(number), source=f"s{number}", dated=True, part_size=part_size)
        assert counts_add_up(added)
        assert added.read == len(order[number])

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        writers = [lake.article_writer() for _ in order]
        run_import(0)
        check_lake(lake, sources)
