"""Find and read local files of records, plain or gzip; `formats` recognises them by content.

A file can be verified against the `.md5` file beside it. NLM's bulk files, the baseline and update files of PubMed, are
dated by their names.
"""

import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from litmine.errors import SourceError
from litmine.sources.formats import read_records
from litmine.sources.read_record import ReadRecord
from litmine.sources.studies import holds_studies, read_studies
from litmine.types import RegisteredTrial, SourceNote, SourceRecord, UnreadableRecord

CHECKSUM_SUFFIX = ".md5"
# NLM's `MD5(pubmed26n0001.xml.gz)= 0123...`, md5sum's `0123...  pubmed26n0001.xml.gz`, or the checksum alone.
_MD5_LINE = re.compile(r"(?:MD5 ?\(.*\) ?= ?)?([0-9a-fA-F]{32})(?: [ *].*)?")
_MAX_MD5_FILE_BYTES = 1 << 12
_GZIP_MAGIC = b"\x1f\x8b"
_CHECK_BYTES = 1 << 20
_FRESH_COPY = "import a fresh copy of the file"
# Report at most this many unreadable lines or records per file: a file of another format may have millions.
_MAX_REPORTED = 1_000
# The place, in a file, of the unreadable records that are not listed.
UNLISTED = "and more"
# What the readers and `read_file` add to the name of a file.
_PLACE_IN_FILE = re.compile(rf", (?:(?:line|record|(?:after|before) record) [0-9]+(?: \(PMID [0-9]+\))?|{UNLISTED})\Z")

_BULK_NAME = re.compile(r"(?:pubmed|medline|pubmedsample)([0-9]{2})n([0-9]{4})\.xml(?:\.gz)?")
# The number of the last baseline file of each year; update files have the numbers after it.
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
_FIRST_YEAR, _LAST_YEAR = min(_LAST_OF_BASELINE), max(_LAST_OF_BASELINE)
# The assumed yearly increase of this number, before the first and after the last of these years.
_GROWTH_BEFORE, _GROWTH_AFTER = 35, 55
_UPDATE_INTERVAL = timedelta(days=0.8)
# More update files than a year normally has are dated only a minute apart, so that they stay before the next baseline.
_UPDATES_PER_YEAR, _EXTRA_UPDATE_INTERVAL = 430, timedelta(minutes=1)


def file_of_location(where: str) -> str:
    """The file in the location of an `UnreadableRecord`, such as `a.xml, record 3`: `a.xml`."""
    return _PLACE_IN_FILE.sub("", where)


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read, each once, in the order of the paths; in a folder bulk files come first, by number.

    Hidden files and `*.md5` files in folders are ignored, and so is a `FILE.md5` next to `FILE`. A folder that cannot
    be listed is returned itself, so that reading it reports the error. Raises SourceError for a path that does not
    exist.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the path")
        if path.suffix == CHECKSUM_SUFFIX and path.with_suffix("").is_file():
            continue
        for file in _files_in(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def read_file(path: Path, as_of: datetime) -> Iterator[SourceRecord | UnreadableRecord | SourceNote]:
    """Yield the records of a file, dated `as_of` and a microsecond later each, so that a PMID's last record wins.

    A record that litmine exported keeps its own date. A `SourceNote` names what was not read. A faulty file raises no
    error. An unreadable record becomes an `UnreadableRecord` with the file and the line or record number (for the
    first 1,000; one more gives the number of the others). Damage ends the file with an `UnreadableRecord` that states
    how many records were read before it; damaged gzip data end it at the first unreadable record.
    """
    count = unreadable = 0
    try:
        with path.open("rb") as plain:
            for item in _read_items(path, plain):
                if isinstance(item, UnreadableRecord):
                    unreadable += 1
                    if unreadable <= _MAX_REPORTED:
                        yield replace(item, where=f"{path}, {item.where}")
                elif isinstance(item, SourceNote):
                    yield replace(item, where=str(path))
                else:
                    # Unreadable records count too: if a newer reader can read them, the dates of the others stay.
                    current = item.as_of or as_of + timedelta(microseconds=count + unreadable)
                    yield SourceRecord(
                        item.record,
                        current,
                        item.mended,
                        item.record_class,
                        item.reader_version,
                        dated=item.as_of is not None,
                    )
                    count += 1
    except SourceError as error:
        yield _file_error(path, str(error).removesuffix("."), count, error.remedy or _FRESH_COPY)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield _file_error(path, _describe_gzip_error(error), count, _FRESH_COPY)
    except OSError as error:
        reason = f"The file cannot be read ({error.strerror or error})"
        yield _file_error(path, reason, count, "make it readable and import it again")
    if unreadable > _MAX_REPORTED:
        yield _unlisted(path, unreadable)


def read_study_file(path: Path) -> list[RegisteredTrial | UnreadableRecord] | None:
    """The registrations of trials in a file, plain or gzip, and what could not be read; None for any other file.

    A damaged file is an `UnreadableRecord` of its own. A pipe, which can be read only once, is no file of studies.
    """
    if not path.is_file():
        return None
    found: list[RegisteredTrial | UnreadableRecord] = []
    unreadable = 0
    try:
        with path.open("rb") as plain:
            stream = cast("BufferedReader", _decompressed(plain))
            if not holds_studies(stream.peek(1)):
                return None
            for item in read_studies(stream):
                if isinstance(item, RegisteredTrial):
                    found.append(item)
                    continue
                unreadable += 1
                if unreadable <= _MAX_REPORTED:
                    found.append(replace(item, where=f"{path}, {item.where}"))
    except SourceError as error:
        count = sum(isinstance(one, RegisteredTrial) for one in found)
        found.append(_file_error(path, str(error).removesuffix("."), count, error.remedy or _FRESH_COPY))
    except (EOFError, OSError, zlib.error):
        # The reader of records reports such a file.
        return None
    if unreadable > _MAX_REPORTED:
        found.append(_unlisted(path, unreadable))
    return found


def _read_items(path: Path, plain: BufferedReader) -> Iterator[ReadRecord | UnreadableRecord | SourceNote]:
    """Read the items of an open file; raises as `read_records`, and the errors of damaged gzip data."""
    stream = _decompressed(plain)
    checked = False
    for item in read_records(stream):
        if isinstance(item, UnreadableRecord) and not checked:
            _check_gzip(path, stream)
            checked = True
        yield item


def find_unread(paths: Sequence[Path]) -> list[UnreadableRecord]:
    """What is in the folders among the paths and `find_files` passes over, although it is not hidden.

    These are links to folders, links that lead nowhere, named pipes, sockets and devices. A link to a file is read.
    """
    found = []
    for path in paths:
        for parent, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in sorted((*folders, *names)):
                entry = Path(parent, name)
                if not name.startswith(".") and (why := _why_unread(entry)):
                    found.append(UnreadableRecord(str(entry), why))
    return found


def _why_unread(entry: Path) -> str:
    """Why an entry of a folder is not read; empty for a folder and for a file."""
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        reason = "is a link that leads nowhere" if entry.is_symlink() else f"cannot be read ({error.strerror or error})"
        return f"It {reason}: it was not imported."
    if stat.S_ISDIR(mode):
        return "It is a link to a folder: import that folder itself." if entry.is_symlink() else ""
    return "" if stat.S_ISREG(mode) else "It is no file: it was not imported; to read a pipe, give its own path."


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    unlisted: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: unlisted.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = (
            Path(parent, name) for name in names if not name.startswith(".") and not name.endswith(CHECKSUM_SUFFIX)
        )
        found.extend(file for file in files if file.is_file())
    return sorted(found, key=_reading_order) + unlisted


def _reading_order(file: Path) -> tuple[bool, float, str]:
    released = estimate_release_time(file.name)
    return released is None, released.timestamp() if released else 0.0, str(file)


def _decompressed(plain: BufferedReader) -> BinaryIO:
    """The file's content, decompressed if it is gzip."""
    if plain.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        return cast("BinaryIO", _SalvagingGzipFile(fileobj=plain))
    return plain


class _SalvagingGzipFile(gzip.GzipFile):
    """Returns all data that it can decompress before it raises an error for missing or damaged data."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


def _check_gzip(path: Path, stream: BinaryIO) -> None:
    """Check the gzip file that `stream` decompresses by reading it to its end. Does nothing for a plain file.

    Raises zlib.error or BadGzipFile when the data are damaged: text after the damage may look like records with wrong
    words, so it must not be read. Incomplete data are correct as far as they go, and raise nothing.
    """
    if isinstance(stream, gzip.GzipFile) and path.is_file():
        with suppress(EOFError), gzip.open(path) as checked:
            while checked.read(_CHECK_BYTES):
                pass


def _describe_gzip_error(error: Exception) -> str:
    return "The gzip data are incomplete" if isinstance(error, EOFError) else f"The gzip data are damaged ({error})"


def _unlisted(path: Path, unreadable: int) -> UnreadableRecord:
    """The number of unreadable records that are not listed."""
    more = unreadable - _MAX_REPORTED
    return UnreadableRecord(
        f"{path}, {UNLISTED}", f"{more:,} more records could not be read: check that this is a file of records."
    )


def _file_error(path: Path, reason: str, count: int, remedy: str) -> UnreadableRecord:
    """The error in one sentence: what is wrong, how many records were read, and what to do."""
    records = {0: "no record was", 1: "1 record before that was"}.get(count, f"{count:,} records before that were")
    return UnreadableRecord(str(path), f"{reason}; {records} read: {remedy}.")


def estimate_release_time(name: str) -> datetime | None:
    """The estimated release time (UTC) of a bulk file such as `pubmed26n1335.xml.gz`; None for other names.

    The order is exact: a file is later than all files of its year with lower numbers, and than all files of earlier
    years. The day is estimated from the number: baselines on 10 December of the previous year, their files a second
    apart, then five update files every four days. `--as-of` sets the true day.
    """
    match = _BULK_NAME.fullmatch(name)
    if match is None:
        return None
    year, number = 2000 + int(match[1]), int(match[2])
    last = _last_of_baseline(year)
    updates = max(0, number - last)
    extra = max(0, updates - _UPDATES_PER_YEAR)
    return (
        datetime(year - 1, 12, 10, tzinfo=UTC)
        + min(number, last) * timedelta(seconds=1)
        + (updates - extra) * _UPDATE_INTERVAL
        + extra * _EXTRA_UPDATE_INTERVAL
    )


def _last_of_baseline(year: int) -> int:
    if year > _LAST_YEAR:
        return _LAST_OF_BASELINE[_LAST_YEAR] + (year - _LAST_YEAR) * _GROWTH_AFTER
    if year < _FIRST_YEAR:
        return max(1, _LAST_OF_BASELINE[_FIRST_YEAR] - (_FIRST_YEAR - year) * _GROWTH_BEFORE)
    return _LAST_OF_BASELINE[year]


@dataclass(frozen=True, slots=True)
class Checksum:
    """The MD5 of a file in hexadecimal, and its size in bytes."""

    md5: str
    size: int


def read_declared_md5(file: Path) -> str | None:
    """The MD5 in the `.md5` file beside `file`, in lower case; None if there is no such file.

    Raises SourceError when it cannot be read or has no MD5.
    """
    md5_file = Path(f"{file}{CHECKSUM_SUFFIX}")
    try:
        with md5_file.open("rb") as stream:
            match = _MD5_LINE.fullmatch(stream.read(_MAX_MD5_FILE_BYTES).decode("ascii", "replace").strip())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(
            f"The file was not imported, as {md5_file.name} cannot be read ({error.strerror or error}):"
            " make that file readable."
        ) from error
    if match is None:
        raise SourceError(
            f"The file was not imported, as {md5_file.name} has no MD5: download that file again, or delete it to skip"
            " the check."
        )
    return match[1].lower()


def compute_checksum(file: Path, declared: str | None) -> Checksum:
    """The checksum of a file. Raises SourceError when it cannot be read, or differs from the `declared` MD5."""
    try:
        with file.open("rb") as stream:
            # The MD5 detects damage in transfer, not forgery. The flag allows it where MD5 is disabled for security.
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise SourceError(
            f"The file cannot be read ({error.strerror or error}): make it readable and import it again."
        ) from error
    if declared not in (None, md5):
        raise SourceError("The file was not imported, as it does not match its .md5: download it again.")
    return Checksum(md5, size)
