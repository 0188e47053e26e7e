"""Open the files of publishers, plain or gzip, and refuse other forms with a sentence that says what they look like."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from litmine.errors import SourceError, VocabularyError
from litmine.sources.encodings import NOT_UTF8, SAVE_AS_UTF8, decode_start
from litmine.sources.lines import numbered_lines

_GZIP_MAGIC = b"\x1f\x8b"
_START_BYTES = 1 << 14
_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?:[-_]?([01][0-9])[-_]?([0-3][0-9]))?(?![0-9])")
# What a file with such a start is; the first that matches counts.
_FORMS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("an empty file", re.compile(r"\s*\Z")),
    ("a zip archive", re.compile(r"PK\x03\x04")),
    ("a Parquet file", re.compile(r"PAR1")),
    ("a PDF file", re.compile(r"%PDF")),
    ("a tar archive", re.compile(r".{257}ustar", re.DOTALL)),
    ("an HTML page", re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)),
    ("MeSH descriptors in XML", re.compile(r".*?<DescriptorRecordSet\b", re.DOTALL)),
    ("MeSH supplementary records in XML", re.compile(r".*?<SupplementalRecordSet\b", re.DOTALL)),
    ("another XML file", re.compile(r"\s*<(?:\?xml|!DOCTYPE|[A-Za-z])")),
    ("MeSH in ASCII", re.compile(r"\s*\*NEWRECORD")),
    ("an OBO file", re.compile(r"(?:.*\n)*?(?:format-version:|\[Term\])")),
    ("Cellosaurus text", re.compile(r"(?:.*\n)*?(?:ID   |AC   CVCL_)")),
    ("JSON", re.compile(r"\s*[\[{]")),
    ("NCBI's gene_info", re.compile(r"#?tax_id\tGeneID\t")),
    ("names.dmp or nodes.dmp of NCBI Taxonomy", re.compile(r"[0-9]+\t\|\t")),
    ("a table of HGNC", re.compile(r"(?:hgnc_id|HGNC ID)\t", re.IGNORECASE)),
    ("a table with tabs", re.compile(r"[^\n]*\t")),
    ("a table with commas", re.compile(r"[^\n]*,")),
)


def refuse(path: Path, expected: str) -> VocabularyError:
    """The error for a file that is not what its option asks for."""
    return VocabularyError(f"{path} is not {expected}; it looks like {looks_like(path)}")


def looks_like(path: Path) -> str:
    """What a file looks like by its first bytes, with an article."""
    with open_source(path) as stream:
        start = decode_start(stream.read(_START_BYTES))
    return next((form for form, pattern in _FORMS if pattern.match(start)), "something else")


@contextmanager
def open_source(path: Path) -> Iterator[BinaryIO]:
    """Context manager: yields the content of a file, decompressed if it is gzip.

    Raises VocabularyError, with the path and what to do, when it cannot be read or its gzip data are damaged.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
            yield cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if packed else plain
    except EOFError as error:
        raise VocabularyError(f"{path}: the gzip data are incomplete; download the file again") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise VocabularyError(f"{path}: the gzip data are damaged ({error}); download the file again") from error
    except SourceError as error:
        raise VocabularyError(f"{path}: {error}") from error
    except IsADirectoryError as error:
        raise VocabularyError(f"{path} is a folder; give the file itself") from error
    except OSError as error:
        raise VocabularyError(f"{path} cannot be read ({error.strerror or error}); check the path") from error


def text_lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1.

    Raises SourceError for one that is not UTF-8 or has over 32 MiB, and after the last one if it has no line end: a
    file that was cut off nearly always ends within a line.
    """
    ends = _LineEnds(stream)
    number = 0
    for number, line in numbered_lines(cast("BinaryIO", ends)):
        try:
            yield number, line.decode()
        except UnicodeDecodeError as error:
            raise SourceError(f"line {number:,} {NOT_UTF8}; {SAVE_AS_UTF8}") from error
    if not ends.whole:
        raise SourceError(
            f"the last line, {number:,}, has no line end, so the file may be cut off; download it again, or add the"
            " line end if it is whole"
        )


class _LineEnds:
    """A stream that knows whether the last one had a line end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.whole = True

    def readline(self, size: int = -1) -> bytes:
        return self._noted(self._stream.readline(size))

    def read(self, size: int = -1) -> bytes:
        return self._noted(self._stream.read(size))

    def _noted(self, part: bytes) -> bytes:
        if part:
            # In UTF-16 a byte 0 may follow.
            self.whole = part.rstrip(b"\0").endswith(b"\n")
        return part


def table_rows(
    path: Path, stream: BinaryIO, columns: Mapping[str, Sequence[str]], form: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table with tabs and a header, each with its line number, from 2.

    columns: the names that each wanted column may have in the header. A column whose first name is `?` may be missing,
    and is empty then. Raises VocabularyError when the header lacks another column, and for a row with fewer cells than
    the header names.
    """
    lines = text_lines(stream)
    header = [_unquoted(cell).casefold() for cell in next(lines, (1, ""))[1].split("\t")]
    places: dict[str, int] = {}
    for column, names in columns.items():
        place = next((header.index(name.casefold()) for name in names if name.casefold() in header), None)
        if place is not None:
            places[column] = place
        elif names[0] != "?":
            raise VocabularyError(
                f"{path} is not {form}: its first line has no column {names[0]!r}; it looks like {looks_like(path)}"
            )
    last = max(places.values(), default=0)
    missing = {column: "" for column in columns if column not in places}
    for number, line in lines:
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) <= last:
            raise VocabularyError(
                f"{path}, line {number:,} has {len(cells)} cells where the header has {len(header)}; take a complete"
                " file"
            )
        yield number, missing | {column: _unquoted(cells[place]) for column, place in places.items()}


def _unquoted(cell: str) -> str:
    """A cell without the quotation marks around the whole of it, which HGNC writes where a cell has several items."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1] else cell


def version_in_name(path: Path) -> tuple[str, str]:
    """Version and date (ISO) that a file's name states, such as 2024 in desc2024.xml; empty where it has none."""
    found = _YEAR.search(path.name)
    if found is None:
        return "", ""
    year, month, day = found.groups()
    return (f"{year}-{month}-{day}",) * 2 if month else (year, "")


def split_list(cell: str, separator: str = "|") -> list[str]:
    """The items of a cell; `-` is NCBI's sign for none."""
    return [item for item in (part.strip() for part in cell.split(separator)) if item and item != "-"]
