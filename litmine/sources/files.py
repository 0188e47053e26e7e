"""Local files to records in time: PubMed XML, JSON Lines and PubTator, plain or gzip, told apart by content."""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from litmine.errors import SourceError
from litmine.sources.checksum import CHECKSUM
from litmine.sources.jsonl import read_jsonl
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.sources.pubtator import HEAD, read_pubtator
from litmine.sources.released import released
from litmine.types import Article, Deletion, Observed, Unreadable

_GZIP = b"\x1f\x8b"
_BLANKS = b" \t\r\n"
# Byte order marks of UTF-8 and UTF-16, and the NULs of UTF-16: what may stand around the first character.
_MARKS = b"\xef\xbb\xbf\xff\xfe\x00"
# Raised when a source is read for more than before, so that files which are in are read again.
READER = 1
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
        if path.suffix == CHECKSUM and path.with_suffix("").is_file():
            continue
        for file in _files_in(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def read_file(path: Path, as_of: datetime) -> Iterator[Observed | Unreadable]:
    """Yield the records of a file, a microsecond apart from `as_of` on, so that a PMID's last occurrence wins.

    Nothing that is wrong with the file raises: what cannot be read becomes an `Unreadable` that names the file, and
    the line or record if it is only one (the first 1,000; one more counts the rest); damage ends the file with one that
    says how many records came before it.
    """
    count = bad = 0
    try:
        with path.open("rb") as plain:
            for read in _records(_unpacked(plain)):
                if isinstance(read, Unreadable):
                    bad += 1
                    if bad <= _MOST_NAMED:
                        yield replace(read, where=f"{path}, {read.where}")
                else:
                    record, mended = read
                    yield Observed(record, as_of + timedelta(microseconds=count), mended)
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
        yield Unreadable(f"{path}, after those", f"{more:,} more could not be read: see what kind of file this is.")


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    unlisted: list[Path] = []
    for where, folders, names in os.walk(folder, onerror=lambda error: unlisted.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = (Path(where, name) for name in names if not name.startswith(".") and not name.endswith(CHECKSUM))
        found.extend(file for file in files if file.is_file())
    return sorted(found, key=_reading_order) + unlisted


def _reading_order(file: Path) -> tuple[bool, float, str]:
    when = released(file.name)
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


def _records(stream: BinaryIO) -> Iterator[tuple[Article | Deletion, int] | Unreadable]:
    """The records of PubMed XML, JSON Lines or PubTator, as the start tells, with the number of mended characters."""
    start = cast("BufferedReader", stream).peek(1)
    if start.lstrip(_MARKS + _BLANKS).startswith(b"<"):
        for record in read_pubmed_xml(stream):
            yield record if isinstance(record, Unreadable) else (record, 0)
    elif start.lstrip(_MARKS[:3] + _BLANKS).startswith(b"{"):
        yield from read_jsonl(stream)
    elif HEAD.match(start.lstrip(_MARKS[:3] + _BLANKS)):
        for read in read_pubtator(stream):
            yield read if isinstance(read, Unreadable) else (read, 0)
    elif start:
        raise SourceError("It is neither PubMed XML nor JSON Lines nor PubTator, plain or gzip.")
    else:
        raise SourceError("It is empty.")


def _unreadable(path: Path, reason: str, count: int, remedy: str) -> Unreadable:
    """One sentence: what is wrong, what was kept, what to do."""
    kept = f"the {count:,} {'record before that was' if count == 1 else 'records before that were'} read and kept"
    return Unreadable(str(path), f"{reason}; {kept if count else 'nothing was read'}: {remedy}.")
