"""Files and folders of records are found in order and recognised by content; reading them raises no errors."""

import gzip
import os
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from litmine.errors import SourceError
from litmine.sources.files import find_files, read_file
from litmine.types import BARE_TEXT, RECORD, Article, Deletion, SourceNote, SourceRecord, UnreadableRecord

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)


def _xml(*pmids: int) -> bytes:
    records = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID></MedlineCitation></PubmedArticle>" for pmid in pmids
    )
    return f"<?xml version='1.0'?><PubmedArticleSet>{records}</PubmedArticleSet>".encode()


def _source_records(*pmids: int, record_class: int = RECORD) -> list[SourceRecord]:
    return [
        SourceRecord(Article(pmid), AS_OF + timedelta(microseconds=i), record_class=record_class)
        for i, pmid in enumerate(pmids)
    ]


def _file(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _read(folder: Path, content: bytes, name: str = "file") -> list[SourceRecord | UnreadableRecord | SourceNote]:
    return list(read_file(_file(folder, content, name), AS_OF))


@pytest.mark.parametrize("name", ["a.xml", "a.xml.gz", "a.jsonl", "a"])
@pytest.mark.parametrize(
    "content",
    [
        _xml(1, 2),
        b"\xef\xbb\xbf" + _xml(1, 2),
        b" \n" + _xml(1, 2),
        _xml(1, 2).decode().replace("'1.0'", "'1.0' encoding='utf-16'").encode("utf-16"),
        b'{"pmid": 1}\n{"pmid": 2}\n',
        b'\n\xef\xbb\xbf {"pmid": 1}\n{"pmid": 2}\n'[1:],
        b"1|t|\n1|a|\n\n2|t|\n",
        b"\xef\xbb\xbf1|t|\n2|t|\n",
        '{"pmid": 1}\n{"pmid": 2}\n'.encode("utf-16"),
        "1|t|\n2|t|\n".encode("utf-16-be"),
        b"\nPMID- 1\n\nPMID- 2\n",
        b"TY  - JOUR\nAN  - PMID: 1\nER  - \nTY  - JOUR\nUR  - https://pubmed.ncbi.nlm.nih.gov/2/\nER  - \n",
    ],
    ids=[
        *("xml", "marked-xml", "blank-xml", "utf16-xml", "jsonl", "marked-jsonl", "pubtator", "marked-pubtator"),
        *("utf16-jsonl", "unmarked-utf16-pubtator", "medline", "ris"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_the_format_is_recognised_by_content(tmp_path: Path, name: str, content: bytes, compressed: bool) -> None:
    record_class = RECORD if b"MedlineCitation" in content.replace(b"\0", b"") or b"PMID-" in content else BARE_TEXT
    assert _read(tmp_path, gzip.compress(content) if compressed else content, name) == _source_records(
        1, 2, record_class=record_class
    )


def test_gzip_of_several_members(tmp_path: Path) -> None:
    content = _xml(1, 2)
    assert _read(tmp_path, gzip.compress(content[:99]) + gzip.compress(content[99:]) + b"\0\0") == _source_records(1, 2)


def test_the_last_record_of_a_pmid_in_a_file_is_the_latest(tmp_path: Path) -> None:
    content = _xml(1, 2, 1).replace(
        b"</PubmedArticleSet>", b"<DeleteCitation><PMID>2</PMID></DeleteCitation></PubmedArticleSet>"
    )
    records = _read(tmp_path, content)
    assert [it.as_of - AS_OF for it in records if isinstance(it, SourceRecord)] == [
        timedelta(microseconds=i) for i in range(4)
    ]
    assert [it.record for it in records if isinstance(it, SourceRecord)] == [
        Article(1),
        Article(2),
        Article(1),
        Deletion(2),
    ]


def test_unreadable_records_name_their_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    # The line that could not be read has its microsecond too.
    first, _, second = _source_records(1, 0, 2, record_class=BARE_TEXT)
    assert _read(tmp_path, b'{"pmid": 1}\n{}\n{"pmid": 2}\n') == [
        first,
        UnreadableRecord(f"{path}, line 2", 'The line has no "pmid".'),
        second,
    ]
    bad, good = _read(tmp_path, _xml(0, 1))
    assert bad == UnreadableRecord(f"{path}, record 1", "The record has '0' instead of a PMID.")
    assert isinstance(good, SourceRecord)
    assert (good.record, good.as_of) == (Article(1), AS_OF + timedelta(microseconds=1))
    bad, good = _read(tmp_path, b"0|t|Nothing\n1|t|\n")
    assert bad == UnreadableRecord(f"{path}, line 1", "The line has '0' instead of a PMID.")
    assert isinstance(good, SourceRecord)
    assert (good.record, good.record_class) == (Article(1), BARE_TEXT)


def test_replaced_surrogates_are_counted(tmp_path: Path) -> None:
    [records] = _read(tmp_path, rb'{"pmid": 1, "title": "\ud800"}')
    assert records == SourceRecord(Article(1, "\ufffd"), AS_OF, mended=1, record_class=BARE_TEXT)


MANY = _xml(*range(1, 3001))
LAUGHS = b'<!DOCTYPE PubmedArticleSet [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + _xml(1)[21:]
EXTERNAL = b'<!DOCTYPE PubmedArticleSet [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + _xml(1)[21:]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty; no record was read: import a fresh copy of the file."),
        (gzip.compress(b"", mtime=0), "The file is empty; no record was read: import a fresh copy of the file."),
        (
            b"\x89PNG\r\n\x1a\n" + bytes(999),
            "The file is not PubMed XML, MEDLINE text (.nbib), RIS, JSON Lines or PubTator, plain or gzip; no record",
        ),
        (b"   \n", "The file is not PubMed XML, MEDLINE text (.nbib), RIS, JSON Lines or PubTator"),
        (b"<unknown></unknown>", "The XML has the root element <unknown>"),
        ('{"pmid": 1}'.encode("utf-32"), "The file is UTF-32, which is not read; save it as UTF-8; no record was read"),
        (LAUGHS, "The XML declares entities in a DTD"),
        (EXTERNAL, "The XML declares entities in a DTD"),
        (b"\x1f\x8b", "The gzip data are incomplete; no record was read"),
        (b"\x1f\x8bgarbage, not gzip", "The gzip data are damaged"),
    ],
)
def test_a_file_of_another_format_gives_one_error(tmp_path: Path, content: bytes, why: str) -> None:
    [unreadable] = _read(tmp_path, content, "pubmed26n0001.xml.gz")
    assert isinstance(unreadable, UnreadableRecord)
    assert unreadable.where == str(tmp_path / "pubmed26n0001.xml.gz")
    assert unreadable.why.startswith(why)
    assert unreadable.why.endswith("no record was read: import a fresh copy of the file.")
    assert "\n" not in unreadable.why


def test_a_truncated_gzip_gives_every_record_before_its_end(tmp_path: Path) -> None:
    compressed = gzip.compress(MANY)
    half = compressed[: len(compressed) // 2]
    *records, unreadable = _read(tmp_path, half)
    whole = zlib.decompressobj(wbits=31).decompress(half).count(b"</PubmedArticle>")
    assert 100 < whole < 3000
    assert records == _source_records(*range(1, whole + 1))
    assert isinstance(unreadable, UnreadableRecord)
    assert unreadable.why == (
        f"The gzip data are incomplete; {whole:,} records before that were read: import a fresh copy of the file."
    )


def test_truncated_xml_gives_every_record_before_its_end(tmp_path: Path) -> None:
    *records, unreadable = _read(tmp_path, _xml(1, 2)[:-30])
    assert records == _source_records(1)
    assert isinstance(unreadable, UnreadableRecord)
    assert "; 1 record before that was read: " in unreadable.why


@pytest.mark.parametrize("harm", ["checksum", "middle", "tail"])
def test_damaged_gzip_gives_one_error(tmp_path: Path, harm: str) -> None:
    compressed = bytearray(gzip.compress(MANY))
    if harm == "checksum":
        compressed[-6] ^= 0xFF
    elif harm == "middle":
        compressed[len(compressed) // 2] ^= 0xFF
    else:
        compressed += b"not gzip"
    *records, unreadable = _read(tmp_path, bytes(compressed))
    assert isinstance(unreadable, UnreadableRecord)
    assert len(records) == 3000 or harm == "middle"
    assert all(isinstance(it, SourceRecord) for it in records)


def test_nothing_is_read_after_gzip_damage_and_a_bad_record_loses_only_itself(tmp_path: Path) -> None:
    """Data behind the damage may look like records and have other words."""
    bad = MANY.replace(b"<PMID>1500</PMID>", b"<PMID>1500</PMID>\x01")
    *records, last = _read(tmp_path, gzip.compress(bad))
    assert isinstance(last, SourceRecord)
    (unreadable,) = (it for it in records if isinstance(it, UnreadableRecord))
    assert "record 1500 (PMID 1500)" in unreadable.where
    compressed = bytearray(gzip.compress(bad))
    compressed[-6] ^= 0xFF
    *records, last = _read(tmp_path, bytes(compressed))
    assert [it.record.pmid for it in records if isinstance(it, SourceRecord)] == list(range(1, 1500))
    assert isinstance(last, UnreadableRecord)
    assert "The gzip data are damaged" in last.why


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    [missing] = read_file(tmp_path / "missing", AS_OF)
    [folder] = read_file(tmp_path, AS_OF)
    assert isinstance(missing, UnreadableRecord)
    assert isinstance(folder, UnreadableRecord)
    assert missing.why == (
        "The file cannot be read (No such file or directory); no record was read: make it readable and import it again."
    )
    assert "directory" in folder.why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_reported(tmp_path: Path) -> None:
    file = _file(tmp_path, _xml(1))
    file.chmod(0)
    [unreadable] = read_file(file, AS_OF)
    assert isinstance(unreadable, UnreadableRecord)
    assert "Permission denied" in unreadable.why
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    assert find_files([tmp_path]) == [file, locked]


def test_folders_give_bulk_files_by_number_and_then_the_rest_by_name(tmp_path: Path) -> None:
    update, baseline, hidden = tmp_path / "a-update", tmp_path / "b-baseline", tmp_path / ".cache"
    for folder in (update, baseline, hidden):
        folder.mkdir()
    names = [
        (baseline, "pubmed25n1274.xml.gz"),
        (baseline, "pubmed26n0999.xml.gz"),
        (baseline, "pubmed26n1000.xml.gz"),
        (update, "pubmed26n1335.xml.gz"),
        (update, "pubmed26n1336.xml"),
        (tmp_path, "a.jsonl"),
        (update, "b.xml"),
    ]
    for folder, name in reversed(names):
        _file(folder, b"", name)
    for folder, name in [(hidden, "pubmed26n0001.xml.gz"), (update, ".part"), (update, "pubmed26n1335.xml.gz.md5")]:
        _file(folder, b"", name)
    bulk = sorted((folder / name for folder, name in names[:5]), key=lambda file: file.name)
    assert find_files([tmp_path]) == [*bulk, update / "b.xml", tmp_path / "a.jsonl"]


def test_a_checksum_beside_its_file_is_ignored(tmp_path: Path) -> None:
    file, beside = _file(tmp_path, b"", "1.xml"), _file(tmp_path, b"", "1.xml.md5")
    alone = _file(tmp_path, b"", "2.xml.md5")
    assert find_files([file, beside, alone]) == [file, alone]


def test_paths_keep_their_order_and_no_file_is_repeated(tmp_path: Path) -> None:
    first, second = _file(tmp_path, b"", "1.xml"), _file(tmp_path, b"", "2.xml")
    (tmp_path / "link.xml").symlink_to(second)
    assert find_files([second, tmp_path, first]) == [second, first]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere does not exist; check the path"):
        find_files([tmp_path, tmp_path / "nowhere"])


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert find_files([tmp_path]) == []


def test_a_thousand_bad_lines_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    """A large file of another kind has only invalid lines; reporting each of them would fill the log."""
    read = _read(tmp_path, b'{"pmid": 1}\n' + b"{\n" * 5000 + b'{"pmid": 2}\n')
    first, last = [it for it in read if isinstance(it, SourceRecord)]
    assert (first.record, last.record) == (Article(1), Article(2))
    assert last.as_of - first.as_of == timedelta(microseconds=5001)
    bad = [it for it in read if isinstance(it, UnreadableRecord)]
    assert len(bad) == 1001
    assert bad[-1].why == "4,000 more records could not be read: check that this is a file of records."
