"""A CSV file of labelled texts: a header, then one text a row, as spreadsheets and screening tools write it.

Columns, in any order and case: `pmid` or `id`; `text`, or `title` and `abstract`, or neither where the texts are looked
up by PMID; and `label`, or `labels` joined by `;`. Other columns are ignored. The separator is a comma, a semicolon or
a tab, whichever the header has.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from litmine.corpora.documents import RawDocument
from litmine.errors import CorpusError, SourceError
from litmine.sources.encodings import decode_text, undecodable
from litmine.sources.pmids import parse_pmid

_EXAMPLE = "pmid,title,abstract,label"
_SEPARATOR = ";"
# Python's csv module refuses longer fields by default; a full text is longer.
_LONGEST_FIELD = 1 << 24
# Programs that take a column with a gap for decimal numbers write 12 as 12.0.
_DECIMAL = re.compile(r"([0-9]+)\.0+")


def read_labelled_csv(path: Path, content: bytes) -> Iterator[RawDocument]:
    """Yield each row as a document with its labels; the text is empty where the file has none.

    Raises CorpusError, with the line number, for a file without such a header, and for a row without a name or label,
    or with neither a text nor a PMID to look it up by.
    """
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} cannot be read: {undecodable(content, error)}") from error
    except SourceError as error:
        raise CorpusError(f"{path} cannot be read: {error}") from error
    text = text.lstrip("\ufeff")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CorpusError(
            f"{path}, line {line:,} has a NUL byte, which no CSV file of texts has; delete it, or save the table as CSV"
            " again"
        )
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().lower() for name in next(rows, [])]
    columns = _columns(path, names)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _document(path, rows.line_num, columns, row)
    except csv.Error as error:
        raise CorpusError(f"{path}, line {rows.line_num}: {error}; save the file as CSV again") from error


def _columns(path: Path, names: list[str]) -> dict[str, int]:
    """The place of each column that counts. Raises CorpusError when one is missing or there twice."""
    wanted = {"pmid", "id", "text", "title", "abstract", "label", "labels"}
    twice = sorted({name for name in names if name in wanted and names.count(name) > 1})
    if twice:
        raise CorpusError(f"{path} has the column {twice[0]} twice; rename one of them")
    columns = {name: place for place, name in enumerate(names) if name in wanted}
    missing = [
        what
        for what, kinds in (("pmid or id", {"pmid", "id"}), ("label", {"label", "labels"}))
        if not kinds & set(columns)
    ]
    if missing:
        raise CorpusError(
            f"the first line of {path} must name its columns, such as {_EXAMPLE}; it has no column {missing[0]}"
        )
    return columns


def _document(path: Path, line: int, columns: dict[str, int], row: list[str]) -> RawDocument:
    def cell(name: str) -> str:
        place = columns.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""

    where = f"line {line}"
    decimal = _DECIMAL.fullmatch(cell("pmid"))
    pmid = decimal[1] if decimal else cell("pmid")
    name = str(parse_pmid(pmid) or pmid) or cell("id")
    labels = [cell("label")] if cell("label") else [one.strip() for one in cell("labels").split(_SEPARATOR)]
    labels = list(dict.fromkeys(one for one in labels if one))
    if not name:
        raise CorpusError(f"{path}, {where} has no pmid or id; give it one, or delete the line")
    if not labels and "labels" not in columns:
        raise CorpusError(f"{path}, {where} ({name}) has no label; give it one, or delete the line")
    text = cell("text") or " ".join(filter(None, (cell("title"), cell("abstract"))))
    if not text and parse_pmid(name) is None:
        raise CorpusError(
            f"{path}, {where} has no text, and {name[:40]!r} is no PMID to look it up by; correct it, or delete the"
            " line"
        )
    document = RawDocument(name, text, where)
    document.labels = labels
    return document
