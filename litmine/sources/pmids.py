"""Parse single PMIDs and lists of PMIDs: words, a CSV export of PubMed's site, or MEDLINE text (.nbib)."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from litmine.types import UnreadableRecord

_MAX_PMID = 2**63 - 1
_MAX_DIGITS = len(str(_MAX_PMID))
# The limit belongs to the process, so each reader of CSV sets its own.
_MAX_FIELD_CHARS = 1 << 17
_SEPARATOR = re.compile(r"[\s,;]+")
# The header of PubMed's own export is `PMID,Title,Authors,...`; those of other programs have the column elsewhere.
_PMID_COLUMNS = ("pmid", "pubmed id", "pubmed_id", "pubmedid")
# So many words that are no PMIDs are named; of the others the number.
_MAX_LISTED = 1_000
_MEDLINE_PMID = re.compile(r"PMID- *(.*)")
_LABEL = re.compile(r"PMID:?\s*(?=[0-9])", re.IGNORECASE)


def parse_pmid(value: object) -> int | None:
    """A PMID from an integer or a string of ASCII digits; None for anything else, or if it exceeds 64 bits (BIGINT)."""
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_PMID:
        return value
    return None


def read_pmids(lines: Iterable[str]) -> tuple[list[int], list[UnreadableRecord]]:
    """The PMIDs of a text in order, and an `UnreadableRecord` for each word that is not a PMID.

    Commas, semicolons and white space separate the words. `PMID: 123` counts as 123. Of a table (comma, semicolon or
    tab, with a header that has a column PMID) only that column is read, of MEDLINE text only the PMIDs.
    """
    pmids: list[int] = []
    unreadable: list[UnreadableRecord] = []
    unlisted = 0
    for number, word in _words(line.lstrip("\ufeff") for line in lines):
        pmid = parse_pmid(word)
        if pmid is not None:
            pmids.append(pmid)
        elif len(unreadable) < _MAX_LISTED:
            unreadable.append(UnreadableRecord(f"line {number}", f"{word[:40]!r} is not a PMID"))
        else:
            unlisted += 1
    if unlisted:
        unreadable.append(UnreadableRecord("and more", f"{unlisted:,} more words are not PMIDs"))
    return pmids, unreadable


def _words(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """The words that should be PMIDs, each with the number of its line."""
    blank: list[str] = []
    first = ""
    for line in lines:
        if line.strip():
            first = line
            break
        blank.append(line)
    lines = chain(blank, filter(None, [first]), lines)
    if _MEDLINE_PMID.match(first):
        for number, line in enumerate(lines, 1):
            if found := _MEDLINE_PMID.match(line):
                yield number, found[1].strip()
        return
    delimiter = max(",;\t", key=first.count)
    header = [name.strip(" \"'\r\n").lower() for name in first.split(delimiter)]
    column = next((header.index(name) for name in _PMID_COLUMNS if name in header), None)
    if column is not None:
        yield from _column(lines, delimiter, column)
        return
    for number, line in enumerate(lines, 1):
        for word in filter(None, _SEPARATOR.split(_LABEL.sub("", line))):
            yield number, word


class _Remembered:
    """Lines, of which the last one that was read is known."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            yield line


def _column(lines: Iterator[str], delimiter: str, column: int) -> Iterator[tuple[int, str]]:
    """The cells of a column, without the header's; a row that the table's form does not allow counts as a word."""
    read = _Remembered(lines)
    csv.field_size_limit(_MAX_FIELD_CHARS)
    table = csv.reader(read, delimiter=delimiter)
    header = True
    while True:
        try:
            row = next(table, None)
        except csv.Error:
            yield table.line_num, read.last.strip()
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            yield table.line_num, row[column].strip() if len(row) > column else delimiter.join(row)
        header = False
