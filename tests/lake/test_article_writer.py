"""What is imported, in whatever order, ends in the same view; and each text is new once."""

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
from litmine.lake.article_writer import Added
from litmine.lake.articles import new_texts, part_summary
from litmine.lake.hashing import deletion_hash, record_hash, text_hash
from litmine.types import Article, Deletion, MeshHeading, Section, SourceRecord

Seen = Callable[..., SourceRecord]

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


def adds_up(added: Added) -> bool:
    became = (added.new, added.revised, added.repeated, added.deletions, added.unchanged, added.superseded)
    return added.read == sum(became)


def texts_for_models(lake: Lake) -> Counter[tuple[int, int]]:
    read = [new_texts(lake.part(name)) for name in lake.parts()]
    return Counter(pair for texts in read for pair in zip(texts.pmids, texts.text_hashes, strict=True))


def test_an_article_comes_back_as_it_was(lake: Lake) -> None:
    as_of = datetime(2025, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
    added = lake.add([SourceRecord(FULL, as_of, mended=2)], source="/data/pubmed25n0001.xml.gz", dated=True)
    assert added == Added(read=1, new=1, mended=2, texts=1, parts=added.parts)
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
        field.name: getattr(FULL, field.name) for field in fields(FULL) if field.name not in ("sections", "mesh")
    }
    assert new_texts(lake.part(name)).texts == [FULL.text]
    assert part_summary(lake.part(name)).source == "/data/pubmed25n0001.xml.gz"


def test_text_of_records_that_lack_a_side(lake: Lake) -> None:
    records = [
        SourceRecord(Article(pmid, title, abstract), datetime.now(UTC))
        for pmid, title, abstract in [(1, "T", "A"), (2, "T", None), (3, None, "A"), (4, None, None)]
    ]
    assert lake.add(records, source="x").texts == 3
    assert lake.sql("SELECT text FROM articles ORDER BY pmid")["text"].to_pylist() == ["T A", "T", "A", ""]


def test_the_same_again_is_not_written(lake: Lake, seen: Seen) -> None:
    records = [seen(day, pmid, f"t{pmid}") for day, pmid in enumerate(range(1, 8))]
    first = lake.add(records, source="a", dated=True, part_size=3)
    assert (first.new, len(first.parts)) == (7, 3)
    again = lake.add(records, source="a", dated=True, part_size=3)
    assert again == Added(read=7, unchanged=7)


def test_an_undated_source_repeats_only_what_is_not_current(lake: Lake, seen: Seen) -> None:
    lake.add([seen(0, 1, "old"), seen(0, 2, "kept")], source="a", dated=True)
    lake.add([seen(1, 1, "new")], source="b", dated=True)
    added = lake.add([seen(2, 1, "old"), seen(2, 2, "kept")], source="c", dated=False)
    assert (added.repeated, added.unchanged, added.texts) == (1, 1, 0)
    assert lake.sql("SELECT title FROM articles ORDER BY pmid")["title"].to_pylist() == ["old", "kept"]


def test_a_deletion_and_its_return(lake: Lake, seen: Seen) -> None:
    assert lake.add([seen(0, 1, "t"), seen(1, 1), seen(1, 99)], source="a", dated=True, part_size=1).deletions == 2
    assert lake.sql("SELECT * FROM articles").num_rows == 0
    assert lake.add([seen(1, 1)], source="b", dated=True).unchanged == 1
    assert lake.add([seen(2, 1, "t")], source="c", dated=True).repeated == 1
    assert lake.sql("SELECT pmid, title FROM articles").to_pylist() == [{"pmid": 1, "title": "t"}]


def test_one_pmid_stands_once_in_a_part(lake: Lake, seen: Seen) -> None:
    added = lake.add([seen(1, 1, "b"), seen(2, 1, "c"), seen(0, 1, "a")], source="a", dated=True)
    assert (added.new, added.superseded) == (1, 2)
    assert lake.sql("SELECT title FROM articles")["title"].to_pylist() == ["c"]


def test_a_new_revision_of_an_old_text_is_not_read_again(lake: Lake, seen: Seen) -> None:
    lake.add([seen(0, 1, "same text")], source="a", dated=True)
    added = lake.add([seen(1, 1, "same text", keywords=("new",))], source="b", dated=True)
    assert (added.revised, added.texts) == (1, 0)
    assert lake.sql("SELECT keywords FROM articles")["keywords"].to_pylist() == [["new"]]


def test_a_title_that_becomes_an_abstract_is_the_same_text(lake: Lake) -> None:
    now = datetime.now(UTC)
    lake.add([SourceRecord(Article(1, "a b"), now)], source="a", dated=True)
    added = lake.add([SourceRecord(Article(1, "a", "b"), now + timedelta(days=1))], source="b", dated=True)
    assert (added.revised, added.texts) == (1, 0)


def test_refused_records(lake: Lake, seen: Seen) -> None:
    with pytest.raises(SchemaError, match=r"PMID 1: .* lies outside a text of 1"):
        lake.add([seen(0, 1, "t", sections=(Section(None, 0, 2),))], source="a")
    with pytest.raises(SchemaError, match=r"articles\.title cannot hold"):
        lake.add([seen(0, 1, "\ud800")], source="a")
    assert lake.parts() == []


def test_a_source_that_fails_leaves_whole_parts(lake: Lake, seen: Seen) -> None:
    def records() -> Iterator[SourceRecord]:
        yield from (seen(0, pmid, "t") for pmid in range(1, 6))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.add(records(), source="a", dated=True, part_size=2)
    assert lake.sql("SELECT count(*) AS n FROM articles")["n"].to_pylist() == [4]
    added = lake.add([seen(0, pmid, "t") for pmid in range(1, 6)], source="a", dated=True, part_size=2)
    assert (added.unchanged, added.new) == (4, 1)


def test_what_another_import_wrote_meanwhile_counts(lake: Lake, seen: Seen) -> None:
    """Rows wait for a part while another process writes the same, an older version, and a newer one."""

    def records() -> Iterator[SourceRecord]:
        yield from [seen(5, pmid, "text") for pmid in (1, 2, 3, 4)]
        others = [seen(5, 1, "text"), seen(4, 2, "text"), seen(6, 3, "text", keywords=("k",)), seen(5, 9, "text")]
        assert lake.add(others, source="b", dated=True).new == 4
        yield seen(5, 5, "text")

    added = lake.add(records(), source="a", dated=True)
    assert adds_up(added)
    assert (added.read, added.new, added.revised, added.repeated, added.unchanged, added.texts) == (5, 2, 1, 1, 1, 2)
    assert set(texts_for_models(lake).values()) == {1}
    shown = lake.rows("SELECT pmid, epoch(as_of) / 86400, keywords FROM articles ORDER BY pmid")
    day = datetime(2025, 1, 6, tzinfo=UTC).timestamp() / 86400
    assert shown == [(1, day, []), (2, day, []), (3, day + 1, ["k"]), (4, day, []), (5, day, []), (9, day, [])]


def test_a_part_of_nothing_new_is_not_written(lake: Lake, seen: Seen) -> None:
    def records() -> Iterator[SourceRecord]:
        yield seen(0, 1, "text")
        lake.add([seen(0, 1, "text")], source="b", dated=True)

    added = lake.add(records(), source="a", dated=True)
    assert added == Added(read=1, unchanged=1)
    assert len(lake.parts()) == 1


def test_hashes() -> None:
    # A lake outlives versions of litmine: what a record hashes to must not change.
    assert record_hash(FULL) == record_hash(replace(FULL, pmid=8)) == -4511572443672992436
    defaults = {field.name: field.default for field in fields(FULL) if field.name != "pmid"}
    changed = [replace(FULL, **cast("dict[str, Any]", {name: default})) for name, default in defaults.items()]
    assert len({record_hash(article) for article in [FULL, *changed]}) == len(changed) + 1
    assert -(2**63) <= text_hash("é") < 2**63
    assert text_hash("é") != text_hash("e\u0301")


TITLES = st.sampled_from(["alpha", "beta", "gamma", None])
RECORDS = st.one_of(
    st.builds(Deletion, st.integers(1, 4)),
    st.builds(
        Article,
        st.integers(1, 4),
        title=TITLES,
        abstract=TITLES,
        year=st.sampled_from([None, 2020]),
        revised=st.sampled_from([None, date(2020, 1, 1), date(2021, 1, 1)]),
    ),
)
# An example makes a lake, in up to a second.
FEW = settings().max_examples // (5 if settings().max_examples > 100 else 10)
SOURCES = st.lists(
    st.lists(
        st.builds(SourceRecord, RECORDS, st.integers(0, 4).map(lambda day: datetime(2025, 1, 1 + day, tzinfo=UTC)))
    ),
    min_size=2,
    max_size=4,
)


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


def newest(observations: list[SourceRecord]) -> dict[int, SourceRecord]:
    """What the view must show, by the rule itself: for each PMID the greatest (as_of, revised, record_hash)."""

    def place(observed: SourceRecord) -> tuple[datetime, date, int]:
        if isinstance(observed.record, Deletion):
            return observed.as_of, date.min, deletion_hash()
        return observed.as_of, observed.record.revised or date.min, record_hash(observed.record)

    latest = {observed.record.pmid: observed for observed in sorted(observations, key=place)}
    return {pmid: observed for pmid, observed in latest.items() if isinstance(observed.record, Article)}


def shows(lake: Lake, sources: list[list[SourceRecord]]) -> None:
    """The view is what the rule says, each version has its content once, and each text is new once."""
    rows = lake.sql("SELECT articles.*, text_hash FROM articles JOIN current_versions USING (pmid)").to_pylist()
    expected = newest([observed for records in sources for observed in records])
    shown = {row["pmid"]: [row[name] for name in ("title", "abstract", "year", "revised", "as_of")] for row in rows}
    assert len(shown) == len(rows)
    assert shown == {
        pmid: [*(getattr(observed.record, name) for name in ("title", "abstract", "year", "revised")), observed.as_of]
        for pmid, observed in expected.items()
    }
    versions = "SELECT count(*), count(DISTINCT (pmid, record_hash)) FROM article_versions WHERE NOT repeated"
    ((full, distinct),) = lake.rows(versions)
    assert full == distinct
    texts = texts_for_models(lake)
    assert set(texts.values()) <= {1}
    assert {(row["pmid"], row["text_hash"]) for row in rows if row["text"]} <= set(texts)


@settings(max_examples=FEW)
@given(data=st.data(), sources=SOURCES)
def test_every_order_gives_the_same_view(
    empty_lake: Path, data: st.DataObject, sources: list[list[SourceRecord]]
) -> None:
    """A baseline, updates that revise and delete, records that come back, an unchanged copy: lists of observations."""
    order = data.draw(st.permutations([*enumerate(sources), (9, sources[0])]))
    part_size = data.draw(st.integers(1, 4))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        importer = lake.importer()
        for number, records in order:
            added = importer.add(records, source=f"s{number}", dated=True, part_size=part_size)
            assert adds_up(added)
        shows(lake, sources)


@settings(max_examples=FEW)
@given(data=st.data(), sources=SOURCES)
def test_importers_that_take_turns_give_the_same_view(
    empty_lake: Path, data: st.DataObject, sources: list[list[SourceRecord]]
) -> None:
    """While one importer reads its source, others read all of theirs, so that rows wait while the lake changes."""
    order = data.draw(st.permutations([*sources, sources[0]]))
    turns = [data.draw(st.integers(0, len(records))) for records in order]
    part_size = data.draw(st.integers(1, 4))

    def read(number: int) -> Iterator[SourceRecord]:
        yield from order[number][: turns[number]]
        if number + 1 < len(order):
            take(number + 1)
        yield from order[number][turns[number] :]

    def take(number: int) -> None:
        added = importers[number].add(read(number), source=f"s{number}", dated=True, part_size=part_size)
        assert adds_up(added)
        assert added.read == len(order[number])

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        importers = [lake.importer() for _ in order]
        take(0)
        shows(lake, sources)
