"""What an import or a fetch could not read stays in the view `gaps` until it is read, or settled by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine.errors import DONE, NEW_GAPS, WRONG_USAGE, UnknownNameError
from litmine.lake.lake import Lake
from litmine.lake.runs import Gap, Run, new_run_id
from litmine.pipeline.import_files import import_files
from litmine.pipeline.import_result import FileImportResult
from litmine.pipeline.settle_gaps import gaps_with_records, settle_gaps
from litmine.sources.files import UNLISTED, file_of_location
from litmine.types import Article, SourceRecord

RunCommand = Callable[..., CompletedProcess[str]]
GOOD, BAD = '{"pmid": 1, "title": "One."}\n', "{\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


def open_places(lake: Path) -> list[str]:
    return [place for (place,) in Lake(lake).rows("select what from gaps order by all")]


def test_a_gap_outlives_later_imports_of_other_files(tmp_path: Path, lake: Path, file: Path) -> None:
    file.write_text(GOOD + BAD)
    import_files(lake, [file])
    for number in (2, 3):
        other = tmp_path / f"{number}.jsonl"
        other.write_text(f'{{"pmid": {number}, "title": "Another."}}\n')
        import_files(lake, [other])
    assert open_places(lake) == [f"{file}, line 2"]


def test_an_import_that_writes_nothing_but_a_gap_is_logged_once(lake: Path, file: Path) -> None:
    file.write_text(GOOD)
    import_files(lake, [file])
    file.write_text(GOOD + BAD)
    for new in (1, 0):
        assert len(import_files(lake, [file]).new_gaps) == new
        assert open_places(lake) == [f"{file}, line 2"]
        assert Lake(lake).rows("select count(*) from runs") == [(2,)]


def test_a_gap_ends_when_its_place_is_read_even_if_nothing_is_written(lake: Path, file: Path) -> None:
    file.write_text(GOOD + BAD)
    import_files(lake, [file])
    file.write_text(GOOD + '{"pmid": 2, "title": "Two."}\n' + BAD)
    assert [gap.where for gap in import_files(lake, [file]).new_gaps] == [f"{file}, line 3"]
    assert open_places(lake) == [f"{file}, line 3"]
    file.write_text(GOOD)
    assert import_files(lake, [file]).added.parts == ()
    assert open_places(lake) == []
    logged = Lake(lake).rows("select count(*) from runs")
    import_files(lake, [file])
    assert Lake(lake).rows("select count(*) from runs") == logged


def test_a_gap_that_comes_back_is_new(lake: Path, file: Path) -> None:
    for content, new in ((GOOD + BAD, 1), (GOOD, 0), (GOOD + BAD, 1), (GOOD + BAD, 0)):
        file.write_text(content)
        assert len(import_files(lake, [file]).new_gaps) == new
        assert len(open_places(lake)) == (BAD in content)


def test_records_behind_a_damage_are_not_read(lake: Path, file: Path) -> None:
    file.write_text(GOOD + BAD)
    import_files(lake, [file])
    file.write_bytes(b"\x1f\x8b\x08")
    import_files(lake, [file])
    assert open_places(lake) == [str(file), f"{file}, line 2"]
    file.write_text(GOOD)
    import_files(lake, [file])
    assert open_places(lake) == []


def test_a_skipped_file_keeps_the_gaps_of_its_records(lake: Path, file: Path) -> None:
    file.write_text(GOOD + BAD)
    import_files(lake, [file], NOW)
    assert import_files(lake, [file], NOW).skipped == 1
    assert open_places(lake) == [f"{file}, line 2"]


def test_a_gap_is_settled_by_hand(run: RunCommand, tmp_path: Path, lake: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl", "c, line 2"):
        (folder / name).write_text(GOOD + BAD)
    assert run("import", folder, "--lake", lake).returncode == NEW_GAPS
    ran = run("status", "--lake", lake, "--settle", "nowhere", "--settle", folder / "a.jsonl")
    assert (ran.returncode, "no gap of an import or a fetch is at nowhere" in ran.stderr) == (WRONG_USAGE, True)
    assert len(open_places(lake)) == 3
    ran = run("status", "--lake", lake, "--settle", folder / "a.jsonl", "--settle", f"{folder}/b.jsonl, line 2")
    assert (ran.returncode, ran.stderr) == (DONE, "2 gaps settled\n")
    assert ran.stdout.count("\ngap ") == 1
    assert open_places(lake) == [f"{folder}/c, line 2, line 2"]
    assert [gap.where for gap in settle_gaps(Lake(lake), [str(folder)])] == [f"{folder}/c, line 2, line 2"]
    assert open_places(lake) == []
    with pytest.raises(UnknownNameError):
        settle_gaps(Lake(lake), [str(folder)])
    # Read again, the files still have them.
    assert len(import_files(lake, [folder]).new_gaps) == 3


def test_a_missing_pmid_is_a_gap_until_the_lake_has_its_record(lake: Path, file: Path, tmp_path: Path) -> None:
    opened = Lake.create(lake)
    missing = [Gap("PMID 5", "PubMed did not return it"), Gap("PMID 1", "PubMed did not return it")]
    opened.record_run(Run(new_run_id(NOW), "fetch", NOW, NOW, "gaps", gaps=missing, settled=[]))
    assert opened.rows("select what, pmid from gaps order by pmid") == [("PMID 1", 1), ("PMID 5", 5)]
    file.write_text(GOOD)
    import_files(lake, [file])
    assert open_places(lake) == ["PMID 1", "PMID 5"]  # a bare text is no record
    record = tmp_path / "one.nbib"
    record.write_text("PMID- 1\nTI  - One.\n")
    import_files(lake, [record])
    assert open_places(lake) == ["PMID 5"]
    opened.add([SourceRecord(Article(5, "Five."), NOW)], source="x", dated=True)
    assert gaps_with_records(opened, missing) == missing


def test_runs_of_an_earlier_litmine_show_the_gaps_of_the_latest(lake: Path, file: Path) -> None:
    """They do not tell what they read, so what they could not read before is unknown."""
    opened = Lake.create(lake)
    for number in (1, 2):
        at = datetime(2025, 1, number, tzinfo=UTC)
        gap = Gap(f"{number}.xml", "damaged")
        opened.record_run(Run(f"r{number}", "import", at, at, "gaps", gaps=[gap]))
        log = opened.location / "runs" / f"r{number}.parquet"
        pq.write_table(pq.read_table(log).drop_columns(["settled"]).replace_schema_metadata(), log)
    assert open_places(lake) == ["2.xml"]
    file.write_text(GOOD)
    import_files(lake, [file])
    assert open_places(lake) == ["2.xml"]


PLACES = st.sampled_from(["", ", line 1", ", record 2 (PMID 7)", ", after record 3", ", before record 1", ", and more"])


@given(name=st.text(min_size=1), place=PLACES)
def test_the_file_of_a_location(name: str, place: str) -> None:
    assert file_of_location(name + place) == (name if place else file_of_location(name))


GAPS = st.lists(st.builds(lambda place, why: Gap(f"a{place}", why), PLACES, st.sampled_from("xy")), unique=True)


@settings(max_examples=200)
@given(earlier=GAPS, found=GAPS, status=st.sampled_from(["read", "skipped", "refused"]))
def test_only_places_that_were_read_are_settled(earlier: list[Gap], found: list[Gap], status: str) -> None:
    result = FileImportResult(Path("a"), status, gaps=found)  # type: ignore[arg-type]
    read = result.gaps_read([*earlier, Gap("ab, line 1", "x"), Gap("b", "x")])
    assert set(read) <= set(earlier) - set(found)
    places = {gap.where for gap in found}
    if status == "read" and not places & {"a", f"a, {UNLISTED}"}:
        assert set(read) == set(earlier) - set(found)
    elif status == "skipped":
        assert {gap.where for gap in read} <= {"a"}
    else:
        assert {gap.where for gap in read} <= places
