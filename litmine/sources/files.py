"""Find and read local record files: PubMed XML, JSON Lines and PubTator, plain or gzip, detected by content.

Also verifies a file against the `.md5` beside it, and estimates the release time of NLM's bulk files from their names.
"""

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from litmine.errors import SourceError
from litmine.sources.jsonl import read_jsonl
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.sources.pubtator import HEADER_PATTERN, read_pubtator
from litmine.types import Article, Deletion, SourceRecord, UnreadableRecord

CHECKSUM_SUFFIX = ".md5"
# NLM's `MD5(pubmed26n0001.xml.gz)= 0123...`, and md5sum's `0123...  pubmed26n0001.xml.gz`; the sum alone will do.
_LINE = re.compile(r"(?:MD5 ?\(.*\) ?= ?)?([0-9a-fA-F]{32})(?: [ *].*)?")
_LONGEST = 1 << 12


@dataclass(frozen=True, slots=True)
class Checksum:
    """The MD5 of a file's bytes in hexadecimal, and how many there are."""

    md5: str
    size: int


def read_declared_md5(file: Path) -> str | None:
    """What the `.md5` beside a file says, in lower case; None without one. Raises SourceError when it is none."""
    beside = Path(f"{file}{CHECKSUM_SUFFIX}")
    try:
        with beside.open("rb") as stream:
            said = _LINE.fullmatch(stream.read(_LONGEST).decode("ascii", "replace").strip())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(
            f"It was not imported, as {beside.name} cannot be read ({error.strerror or error}): make it readable."
        ) from error
    if said is None:
        raise SourceError(
            f"It was not imported, as {beside.name} holds no MD5: download that again, or delete it to do without."
        )
    return said[1].lower()


def compute_checksum(file: Path, declared: str | None) -> Checksum:
    """Read a file to sum it up. Raises SourceError when it cannot be read or its MD5 is not the declared one."""
    try:
        with file.open("rb") as stream:
            # Against damage on the way and not against forgery, so also where MD5 is barred from anything else.
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise SourceError(
            f"It cannot be read ({error.strerror or error}); nothing was read: make it readable and import it again."
        ) from error
    if declared not in (None, md5):
        raise SourceError("It was not imported, as it does not match its .md5: download it again.")
    return Checksum(md5, size)


_BULK_NAME = re.compile(r"(?:pubmed|medline|pubmedsample)([0-9]{2})n([0-9]{4})\.xml(?:\.gz)?")
# Number of the last file of each year's baseline; update files count on from it.
_LAST_OF_BASELINE = {
    2016: 812,
    2017: 892,
    2018: 928,
    2019: 972,
    2020: 1015,
    2021: 1062,
    2022: 1114,
    2023: 1166,
    2024: 1219,
    2025: 1274,
    2026: 1334,
}
_FIRST, _LAST = min(_LAST_OF_BASELINE), max(_LAST_OF_BASELINE)
_GROWTH_BEFORE, _GROWTH_AFTER = 35, 55
_BETWEEN_UPDATES = timedelta(days=0.8)
# More update files than a year brings come out a minute apart, so that four digits never reach the next baseline.
_UPDATES_A_YEAR, _BETWEEN_MORE = 430, timedelta(minutes=1)


def estimate_release_time(name: str) -> datetime | None:
    """An estimate (UTC) of when a bulk file such as `pubmed26n1335.xml.gz` came out; None for any other name.

    The day is a guess from the file's number: baselines on 10 December of the year before, their files a second
    apart, then five update files every four days. The order is not: a file is later than every file of lower number
    of its year, and than every file of the years before. `--as-of` states the true day.
    """
    match = _BULK_NAME.fullmatch(name)
    if match is None:
        return None
    year, number = 2000 + int(match[1]), int(match[2])
    last = _last_of_baseline(year)
    updates = max(0, number - last)
    more = max(0, updates - _UPDATES_A_YEAR)
    return (
        datetime(year - 1, 12, 10, tzinfo=UTC)
        + min(number, last) * timedelta(seconds=1)
        + (updates - more) * _BETWEEN_UPDATES
        + more * _BETWEEN_MORE
    )


def _last_of_baseline(year: int) -> int:
    if year > _LAST:
        return _LAST_OF_BASELINE[_LAST] + (year - _LAST) * _GROWTH_AFTER
    if year < _FIRST:
        return max(1, _LAST_OF_BASELINE[_FIRST] - (_FIRST - year) * _GROWTH_BEFORE)
    return _LAST_OF_BASELINE[year]


_GZIP = b"\x1f\x8b"
_BLANKS = b" \t\r\n"
# Byte order marks of UTF-8 and UTF-16, and the NULs of UTF-16: what may stand around the first character.
_MARKS = b"\xef\xbb\xbf\xff\xfe\x00"
# Raised when a source is read for more than before, so that files which are in are read again.
READER_VERSION = 1
_FRESH_COPY = "import a fresh copy of the file"
# So many of a file's bad lines or records are named one by one: a file of another kind is nothing but such lines.
_MOST_NAMED = 1_000


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read, each once: paths as given, a folder standing for all in it, its bulk files first, by number.

    Passed over are hidden files and `*.md5` in folders, and a `FILE.md5` beside its file. A folder that cannot be
    listed stands for itself, so that reading it says so. Raises SourceError for a path that does not exist.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise SourceError(f"There is no file or folder {path}: check the path.")
        if path.suffix == CHECKSUM_SUFFIX and path.with_suffix("").is_file():
            continue
        for file in _files_in(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def read_file(path: Path, as_of: datetime) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records of a file. Their times start at `as_of` and differ by a microsecond: a PMID's last record wins.

    A faulty file raises nothing. A record that cannot be read becomes an `UnreadableRecord` that names the file and the
    line or record (the first 1,000; one more counts the rest). Damage ends the file with one that gives the number of
    records before it.
    """
    count = bad = 0
    try:
        with path.open("rb") as plain:
            for read in _records(_unpacked(plain)):
                if isinstance(read, UnreadableRecord):
                    bad += 1
                    if bad <= _MOST_NAMED:
                        yield replace(read, where=f"{path}, {read.where}")
                else:
                    record, mended = read
                    yield SourceRecord(record, as_of + timedelta(microseconds=count), mended)
                    count += 1
    except SourceError as error:
        yield _unreadable(path, str(error).removesuffix("."), count, _FRESH_COPY)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = (
            "The gzip data end too early" if isinstance(error, EOFError) else f"The gzip data are damaged ({error})"
        )
        yield _unreadable(path, reason, count, _FRESH_COPY)
    except OSError as error:
        reason = f"It cannot be read ({error.strerror or error})"
        yield _unreadable(path, reason, count, "make it readable and import it again")
    if bad > _MOST_NAMED:
        more = bad - _MOST_NAMED
        yield UnreadableRecord(
            f"{path}, after those", f"{more:,} more could not be read: see what kind of file this is."
        )


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    unlisted: list[Path] = []
    for where, folders, names in os.walk(folder, onerror=lambda error: unlisted.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = (Path(where, name) for name in names if not name.startswith(".") and not name.endswith(CHECKSUM_SUFFIX))
        found.extend(file for file in files if file.is_file())
    return sorted(found, key=_reading_order) + unlisted


def _reading_order(file: Path) -> tuple[bool, float, str]:
    when = estimate_release_time(file.name)
    return when is None, when.timestamp() if when else 0.0, str(file)


def _unpacked(plain: BufferedReader) -> BinaryIO:
    """The file's content: unpacked if it is gzip."""
    if plain.peek(len(_GZIP)).startswith(_GZIP):
        return cast("BinaryIO", _Gunzip(fileobj=plain))
    return plain


class _Gunzip(gzip.GzipFile):
    """Gives all that it could unpack before it says that the rest is missing or damaged."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


def _records(stream: BinaryIO) -> Iterator[tuple[Article | Deletion, int] | UnreadableRecord]:
    """The records of PubMed XML, JSON Lines or PubTator, as the start tells, with the number of mended characters."""
    start = cast("BufferedReader", stream).peek(1)
    if start.lstrip(_MARKS + _BLANKS).startswith(b"<"):
        for record in read_pubmed_xml(stream):
            yield record if isinstance(record, UnreadableRecord) else (record, 0)
    elif start.lstrip(_MARKS[:3] + _BLANKS).startswith(b"{"):
        yield from read_jsonl(stream)
    elif HEADER_PATTERN.match(start.lstrip(_MARKS[:3] + _BLANKS)):
        for read in read_pubtator(stream):
            yield read if isinstance(read, UnreadableRecord) else (read, 0)
    elif start:
        raise SourceError("It is neither PubMed XML nor JSON Lines nor PubTator, plain or gzip.")
    else:
        raise SourceError("It is empty.")


def _unreadable(path: Path, reason: str, count: int, remedy: str) -> UnreadableRecord:
    """One sentence: what is wrong, what was kept, what to do."""
    kept = f"the {count:,} {'record before that was' if count == 1 else 'records before that were'} read and kept"
    return UnreadableRecord(str(path), f"{reason}; {kept if count else 'nothing was read'}: {remedy}.")
