"""Read MEDLINE text, PubMed's own format for reference managers (`.nbib`): `PMID- 1`, `TI  - Title`, wrapped lines.

A record runs from its PMID to the next one. This module joins the wrapped lines, because Biopython joins them
for some fields only, and `Bio.Medline` then parses the record. Tags:
https://pubmed.ncbi.nlm.nih.gov/help/#pubmed-format
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from litmine.sources.encodings import NOT_UTF8, SAVE_AS_UTF8
from litmine.sources.lines import numbered_records
from litmine.sources.medline_record import read_medline_record
from litmine.sources.read_record import ReadRecord
from litmine.types import RECORD, UnreadableRecord

_FIELD = re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,2}- ?(.*)", re.DOTALL)
_TAG_WIDTH, _PMID = 4, "PMID"
# Fields that a record has once: two of them mean that the PMID between two records is missing.
_ONCE = frozenset(
    {"PMID", "OWN", "STAT", "LR", "DCOM", "TI", "AB", "JT", "TA", "DP", "JID", "VI", "IP", "SO", "TT", "BTI"}
)


def read_medline(stream: BinaryIO) -> Iterator[ReadRecord | UnreadableRecord]:
    """Yield the article of each record; a record that cannot be read whole becomes an `UnreadableRecord`.

    Raises SourceError at a line or a record of more than 32 MiB; errors of the stream itself pass through.
    """
    for block in numbered_records(stream, lambda line: line.startswith(b"PMID-"), "MEDLINE text"):
        number = block[0][0]
        try:
            fields = _parse_fields(block)
            article = read_medline_record(_take_apart(fields), fields)
        except _RecordError as error:
            yield UnreadableRecord(f"line {error.number or number}", f"{error}.")
        except ValueError as error:
            yield UnreadableRecord(f"line {number}", f"The record {error}.")
        else:
            yield ReadRecord(article, record_class=RECORD)


class _RecordError(Exception):
    """A record cannot be read; the message is a sentence without its full stop. `number` is the bad line's, if any."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


def _parse_fields(block: Sequence[tuple[int, bytes]]) -> list[tuple[str, str]]:
    """The tags and values of a record in order, each value on one line. Raises _RecordError."""
    fields: list[tuple[str, str]] = []
    for number, line in block:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise _RecordError(f"The line {NOT_UTF8}, and its record was not read; {SAVE_AS_UTF8}", number) from None
        if field := _FIELD.fullmatch(text):
            fields.append((field[1], field[2].strip()))
        elif text.startswith((" ", "\t")) and fields:
            tag, value = fields[-1]
            fields[-1] = tag, f"{value} {text.strip()}".strip()
        else:
            raise _RecordError(f"The line is not MEDLINE text, and its record was not read: {text[:60]!r}", number)
    counts = Counter(tag for tag, _ in fields)
    if _PMID not in counts:
        raise _RecordError("The record has no PMID")
    if repeated := next((tag for tag in counts if tag in _ONCE and counts[tag] > 1), None):
        raise _RecordError(
            f"The record has {counts[repeated]} fields {repeated} and was not read: the PMID of another may be missing"
        )
    return fields


def _take_apart(fields: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    # Other imports do not need Biopython.
    from Bio import Medline

    lines = [f"{tag:<{_TAG_WIDTH}}- {value}" for tag, value in fields]
    return next(Medline.parse(lines))  # type: ignore[no-untyped-call]
