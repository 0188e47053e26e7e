"""Dated files are imported once, undated ones always, and files that do not match their `.md5` never."""

import gc
import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from itertools import permutations
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, NEW_GAPS
from litmine.lake.lake import Lake
from litmine.pipeline.import_files import import_files
from litmine.pipeline.import_result import ImportResult
from litmine.types import READER_VERSION

Run = Callable[..., CompletedProcess[str]]
Write = Callable[..., Path]

RECORD = """<PubmedArticle><MedlineCitation><PMID>{}</PMID><Article><ArticleTitle>{}</ArticleTitle></Article>
</MedlineCitation></PubmedArticle>"""
DELETED = "<DeleteCitation>{}</DeleteCitation>"


def content(titles: dict[int, str], deleted: tuple[int, ...] = ()) -> bytes:
    records = "".join(RECORD.format(pmid, title) for pmid, title in titles.items())
    if deleted:
        records += DELETED.format("".join(f"<PMID>{pmid}</PMID>" for pmid in deleted))
    return gzip.compress(f"<PubmedArticleSet>{records}</PubmedArticleSet>".encode(), mtime=0)


@pytest.fixture
def tmp_path(same_folder: Path) -> Path:
    return same_folder


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def write(inbox: Path) -> Write:
    """`write(1, {7: "title"}, (8,))`: file 1 of 2026 in the inbox, with an article and a deletion."""

    def write_file(number: int, titles: dict[int, str], deleted: tuple[int, ...] = ()) -> Path:
        path = inbox / f"pubmed26n{number:04}.xml.gz"
        path.write_bytes(content(titles, deleted))
        return path

    return write_file


def declare(file: Path, text: str | None = None) -> None:
    digest = md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    Path(f"{file}.md5").write_text(f"MD5({file.name})= {digest}\n" if text is None else text)


def titles(lake: Path) -> dict[int, str]:
    return dict(Lake(lake).rows("select pmid, title from articles"))


def file_counts(result: ImportResult) -> tuple[int, int, int]:
    return result.files, result.skipped, result.refused


def test_an_imported_file_is_skipped(tmp_path: Path, inbox: Path, write: Write) -> None:
    write(1, {1: "one", 2: "two"}, (3,))
    write(2, {2: "two again"})
    assert file_counts(import_files(tmp_path / "lake", [inbox])) == (2, 0, 0)
    again = import_files(tmp_path / "lake", [inbox])
    assert (file_counts(again), again.added.read) == ((0, 2, 0), 0)
    lake = Lake(tmp_path / "lake")
    assert lake.rows("select name, records, deletions, unreadable, len(parts), reader from files order by name") == [
        ("pubmed26n0001.xml.gz", 3, 1, 0, 1, READER_VERSION),
        ("pubmed26n0002.xml.gz", 1, 0, 0, 1, READER_VERSION),
    ]
    sums = {md5(file.read_bytes(), usedforsecurity=False).hexdigest(): file.stat().st_size for file in inbox.iterdir()}
    assert dict(lake.rows("select md5, size from files")) == sums
    assert lake.rows("select count(*) from runs") == [(1,)]


def test_a_file_is_read_again_with_other_content_date_or_reader(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, file = tmp_path / "lake", write(1, {1: "one"})
    assert file_counts(import_files(lake, [file])) == (1, 0, 0)
    assert file_counts(import_files(lake, [file], datetime(2026, 6, 1, tzinfo=UTC))) == (1, 0, 0)
    assert file_counts(import_files(lake, [file], datetime(2026, 6, 1, tzinfo=UTC))) == (0, 1, 0)
    write(1, {1: "one", 2: "two"})
    assert file_counts(import_files(lake, [file])) == (1, 0, 0)
    monkeypatch.setattr("litmine.pipeline.import_files.READER_VERSION", READER_VERSION + 1)
    assert file_counts(import_files(lake, [file])) == (1, 0, 0)
    assert file_counts(import_files(lake, [file])) == (0, 1, 0)
    assert Lake(lake).rows("select count(*), max(reader) from files") == [(4, READER_VERSION + 1)]


def test_an_undated_file_is_always_read(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "mine.jsonl"
    for title in ("first", "second", "first"):
        file.write_text(f'{{"pmid": 1, "title": "{title}"}}\n')
        for _ in range(2):
            assert file_counts(import_files(lake, [file])) == (1, 0, 0)
        assert titles(lake) == {1: title}
    assert Lake(lake).rows("select count(*) from files") == [(0,)]


def test_a_file_with_a_missing_part_is_read_again(tmp_path: Path, write: Write) -> None:
    lake, file = tmp_path / "lake", write(1, {1: "one", 2: "two"})
    first = import_files(lake, [file], part_size=1)
    Lake(lake).part(first.added.parts[0]).unlink()
    again = import_files(lake, [file], part_size=1)
    assert (file_counts(again), again.added.new, again.added.unchanged) == ((1, 0, 0), 1, 1)
    assert file_counts(import_files(lake, [file])) == (0, 1, 0)
    assert titles(lake) == {1: "one", 2: "two"}


def test_a_damaged_file_is_not_recorded_as_imported(tmp_path: Path, write: Write) -> None:
    lake, file = tmp_path / "lake", write(1, {pmid: f"title {pmid}" for pmid in range(1, 400)})
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        cut = import_files(lake, [file])
        assert (file_counts(cut), [gap.where for gap in cut.gaps]) == ((1, 0, 0), [str(file)])
    file.write_bytes(whole)
    mended = import_files(lake, [file])
    assert (file_counts(mended), mended.gaps) == ((1, 0, 0), [])
    assert file_counts(import_files(lake, [file])) == (0, 1, 0)
    assert len(titles(lake)) == 399


def test_a_file_with_a_bad_record_is_imported_and_reported_once(run: Run, tmp_path: Path, write: Write) -> None:
    lake, file = tmp_path / "lake", write(1, {0: "nobody's", 2: "two"})
    first, second = run("import", file, "--lake", lake), run("import", file, "--lake", lake)
    assert (first.returncode, second.returncode) == (NEW_GAPS, DONE)
    assert f"could not be read: {file}, record 1: The record has '0' instead of a PMID." in first.stderr
    assert second.stderr == "1 file skipped: already imported\n"
    assert Lake(lake).rows("select records, unreadable from files") == [(1, 1)]
    assert Lake(lake).rows("select part, pmid, what, why from gaps") == [
        (None, None, f"{file}, record 1", "The record has '0' instead of a PMID.")
    ]


def test_an_older_version_in_a_later_file_without_a_date_is_not_current(tmp_path: Path) -> None:
    record = (
        '<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="{0}">5</PMID><Article><ArticleTitle>V{0}.'
        "</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    lake = tmp_path / "lake"
    for version in (2, 1):
        (tmp_path / f"{version}.xml").write_text(record.format(version))
        added = import_files(lake, [tmp_path / f"{version}.xml"]).added
        assert (added.new, added.superseded) == ((1, 0) if version == 2 else (0, 1))
    assert titles(lake) == {5: "V2."}
    (tmp_path / "deleted.xml").write_text(
        '<PubmedArticleSet><DeleteCitation><PMID Version="1">5</PMID></DeleteCitation></PubmedArticleSet>'
    )
    import_files(lake, [tmp_path / "deleted.xml"])
    assert titles(lake) == {5: "V2."}


def test_a_text_that_lacks_fields_of_the_one_before_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"pmid": 31, "title": "Drug Q helps.", "year": 2020, "retracted": true}\n')
    assert run("import", file, "--lake", tmp_path / "lake").stderr == "1 new (1 record from 1 file)\n"
    file.write_text('{"pmid": 31, "title": "Drug Q harms."}\n')
    assert run("import", file, "--lake", tmp_path / "lake").stderr == (
        "1 revised (1 record from 1 file)\n"
        "1 text replaced others that had fields which the new ones lack (retracted, year): the newest text of a PMID"
        " counts as it is\n"
    )


def test_a_day_of_many_digits_costs_no_record_and_no_file(run: Run, tmp_path: Path) -> None:
    record = (
        "<PubmedArticle><MedlineCitation><PMID>{}</PMID>{}<Article><ArticleTitle>T{}.</ArticleTitle></Article>"
        "</MedlineCitation></PubmedArticle>"
    )
    revised = f"<DateRevised><Year>2020</Year><Month>1</Month><Day>{'8' * 22}</Day></DateRevised>"
    files = [[record.format(1, revised, 1), record.format(2, "", 2)], [record.format(3, "", 3)]]
    for number, records in enumerate(files):
        (tmp_path / f"{number}.xml").write_text(f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>")
    ran = run("import", tmp_path / "0.xml", tmp_path / "1.xml", "--lake", tmp_path / "lake")
    assert (ran.returncode, ran.stderr) == (DONE, "3 new (3 records from 2 files)\n")
    assert Lake(tmp_path / "lake").rows("select pmid, revised from articles order by pmid") == [
        (1, None),
        (2, None),
        (3, None),
    ]


def test_files_that_do_not_match_their_checksums_are_refused(
    run: Run, tmp_path: Path, inbox: Path, write: Write
) -> None:
    for number in range(1, 6):
        write(number, {number: f"title {number}"})
    good, bad, empty, _, last = sorted(inbox.iterdir())
    declare(good)
    declare(bad, f"{'0' * 32}  {bad.name}\n")
    declare(empty, "")
    declare(last)
    ran = run("import", inbox, "--lake", tmp_path / "lake")
    assert ran.returncode == NEW_GAPS
    total, *gaps = ran.stderr.splitlines()
    assert total == "3 new (3 records from 3 files)"
    mismatch, unusable = gaps
    assert mismatch == (
        f"could not be read: {bad}: The file was not imported, as it does not match its .md5: download it again."
    )
    assert unusable == (
        f"could not be read: {empty}: The file was not imported, as {empty.name}.md5 has no MD5: download that file"
        " again, or delete it to skip the check."
    )
    assert set(titles(tmp_path / "lake")) == {1, 4, 5}
    counts = "outcome, counts['files'], counts['skipped'], counts['refused'], len(gaps)"
    assert Lake(tmp_path / "lake").rows(f"select {counts} from runs") == [("gaps", 3, 0, 2, 2)]
    declare(bad)
    Path(f"{empty}.md5").unlink()
    ran = run("import", inbox, "--lake", tmp_path / "lake")
    assert ran.returncode == DONE
    total, skipped = ran.stderr.splitlines()
    assert total == "2 new (2 records from 2 files)"
    assert skipped == "3 files skipped: already imported"


def test_an_imported_file_is_skipped_without_being_read(tmp_path: Path, write: Write) -> None:
    lake, file = tmp_path / "lake", write(1, {1: "one"})
    declare(file)
    import_files(lake, [file])
    file.write_bytes(b"damaged since")
    assert file_counts(import_files(lake, [file])) == (0, 1, 0)


def test_an_undated_file_must_match_its_checksum(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "mine.jsonl"
    file.write_text('{"pmid": 1, "title": "one"}\n')
    declare(file)
    assert file_counts(import_files(lake, [file])) == (1, 0, 0)
    file.write_text('{"pmid": 1, "title": "another"}\n')
    assert file_counts(import_files(lake, [file])) == (0, 0, 1)
    assert titles(lake) == {1: "one"}


def test_a_pipe_is_read_only_once(tmp_path: Path) -> None:
    source, target = os.pipe()
    os.write(target, b'{"pmid": 1, "title": "one"}\n')
    os.close(target)
    piped = Path(f"/dev/fd/{source}")
    assert file_counts(import_files(tmp_path / "lake", [piped], datetime(2026, 1, 1, tzinfo=UTC))) == (1, 0, 0)
    os.close(source)
    assert titles(tmp_path / "lake") == {1: "one"}


@pytest.mark.parametrize("order", list(permutations((1, 1335, 1336))), ids=str)
def test_a_baseline_and_its_updates_may_come_in_any_order(tmp_path: Path, write: Write, order: tuple[int, ...]) -> None:
    paths = {
        1: write(1, {1: "one", 2: "two", 3: "three", 4: "four"}),
        1335: write(1335, {2: "two, revised", 4: "four, revised", 5: "five"}, (1, 9)),
        1336: write(1336, {4: "four, again revised", 9: "nine is back"}, (3, 5)),
    }
    for number in order:
        import_files(tmp_path / "lake", [paths[number]], part_size=2)
    assert titles(tmp_path / "lake") == {2: "two, revised", 4: "four, again revised", 9: "nine is back"}


@pytest.mark.parametrize("order", list(permutations(("x.xml", "x.pubtator", "x.jsonl"))), ids=str)
def test_a_record_keeps_what_it_says_beside_texts_of_its_pmid(run: Run, tmp_path: Path, order: tuple[str, ...]) -> None:
    (tmp_path / "x.xml").write_text(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>31</PMID><Article><ArticleTitle>Drug Q.</ArticleTitle>"
        "<Journal><JournalIssue><PubDate><Year>2009</Year></PubDate></JournalIssue></Journal><PublicationTypeList>"
        '<PublicationType UI="D016441">Retracted Publication</PublicationType></PublicationTypeList></Article>'
        "</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    (tmp_path / "x.pubtator").write_text("31|t|Drug Q.\n31|a|\n\n")
    (tmp_path / "x.jsonl").write_text('{"pmid": 31, "title": "Drug Q helps.", "year": 2020, "retracted": false}\n')
    lake = tmp_path / "lake"
    for name in order:
        assert run("import", tmp_path / name, "--lake", lake).returncode == DONE
    view = "select title, year, retracted from articles"
    assert Lake(lake).rows(view) == [("Drug Q.", 2009, True)]
    parts = Lake(lake).parts()
    for name in order:
        again = run("import", tmp_path / name, "--lake", lake)
        assert (again.returncode, again.stderr) == (DONE, "1 already present (1 record from 1 file)\n")
    assert Lake(lake).parts() == parts


def test_an_import_collects_garbage_less_often_and_restores_the_setting(tmp_path: Path, write: Write) -> None:
    path = write(1, dict.fromkeys(range(1, 101), "title"))
    before, during = gc.get_threshold(), list[tuple[int, ...]]()
    import_files(tmp_path / "lake", [path], on_progress=lambda _: during.append(gc.get_threshold()))
    assert during
    assert during[0][0] > before[0]
    assert gc.get_threshold() == before
