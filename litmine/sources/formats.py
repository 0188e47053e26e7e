"""Recognise the format of a file of records by its content and read it; name the format of other known files."""

import re
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

from litmine.errors import SourceError
from litmine.sources.encodings import decode_start
from litmine.sources.jsonl import read_jsonl
from litmine.sources.medline import read_medline
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.sources.pubtator import HEADER_PATTERN, read_pubtator
from litmine.sources.read_record import ReadRecord
from litmine.sources.ris import read_ris
from litmine.types import RECORD, SourceNote, UnreadableRecord

FORMATS = "PubMed XML, MEDLINE text (.nbib), RIS, JSON Lines or PubTator"
_FETCH = "fetch the records with `litmine fetch --pmids`"
_NBIB = "save the results on PubMed's site as `PubMed` format (.nbib)"
_UNPACK = "unpack it and import the files in it"
_MEDLINE = re.compile(r"(?:PMID|OWN |STAT)-")
_RIS = re.compile(r"[A-Z][A-Z0-9] {1,2}-(?: |\r?\n)")
_MAGIC = (
    (b"PK\x03\x04", "a zip archive, or a Word or Excel file", _UNPACK),
    (b"BZh", "compressed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "compressed with xz", _UNPACK),
    (b"(\xb5/\xfd", "compressed with zstd", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"%PDF", "a PDF", f"find its PMID and {_FETCH}"),
    (b"PAR1", "Parquet", "convert it to JSON Lines, one object per line"),
)
_JATS = ("the full text of articles (JATS XML)", f"find the PMIDs and {_FETCH}")
_HTML = ("a web page (HTML)", "download the file again, and check its address")
# Root elements of other XML that users may try to import.
_ROOTS = {
    "html": _HTML,
    "article": _JATS,
    "pmc-articleset": _JATS,
    "articles": _JATS,
    "oai-pmh": _JATS,
    "collection": ("BioC XML", "convert it to PubTator or JSON Lines"),
    "esearchresult": ("a search result of the E-utilities without records", f"put its PMIDs into a file and {_FETCH}"),
    "esummaryresult": ("document summaries of the E-utilities, which have no abstract", _FETCH),
    "efetchresult": ("an error message of the E-utilities", _FETCH),
    "xml": ("an EndNote library", "export it from EndNote as RIS, or " + _FETCH),
    "clinical_study": (
        "XML of ClinicalTrials.gov",
        "import the JSON of its API: https://clinicaltrials.gov/api/v2/studies/NCT...",
    ),
    "rdf": ("RDF", _FETCH),
}
_ROOT = re.compile(
    r"(?:\s|<\?.*?\?>|<!--.*?-->|<!doctype\b[^<>\[]*>)*<(?:[\w.-]+:)?([A-Za-z][\w.-]*)", re.DOTALL | re.IGNORECASE
)
_HTML_START = re.compile(r"\s*<!doctype\s+html\b", re.IGNORECASE)
_BIOC = re.compile(r'"(?:PubTator3|documents)"\s*:\s*\[|"passages"\s*:\s*\[')
_NUMBERS = re.compile(r"(?:PMID\W{0,2})?[0-9]{1,9}(?:[\s,;]+(?:PMID\W{0,2})?[0-9]{1,9})*\s*", re.IGNORECASE)
_SUMMARY = re.compile(r"1[.:] [A-Z]")
# Enough to recognise a format; the start of a buffered file may have 128 KiB.
_LOOK = 1 << 12


class ForeignFormatError(SourceError):
    """A file of another format; the message says which, and `remedy` what to do."""


def read_records(stream: BinaryIO) -> Iterator[ReadRecord | UnreadableRecord | SourceNote]:
    """Yield the records of a file in any of the formats; `stream` is not compressed and has a method `peek`.

    Raises ForeignFormatError for another format, and the errors of the formats' readers.
    """
    start = cast("BufferedReader", stream).peek(1)
    if not start:
        raise SourceError("The file is empty.")
    head = decode_start(start[:_LOOK]).lstrip("\ufeff \t\r\n")
    if head.startswith("<"):
        _check_markup(head)
        for record in read_pubmed_xml(stream):
            yield record if isinstance(record, UnreadableRecord) else ReadRecord(record, record_class=RECORD)
    elif head.startswith("{"):
        _check_object(head)
        yield from read_jsonl(stream)
    elif HEADER_PATTERN.match(head.encode("utf-8", "replace")):
        yield from read_pubtator(stream)
    elif _MEDLINE.match(head):
        yield from read_medline(stream)
    elif _RIS.match(head):
        yield from read_ris(stream)
    else:
        raise _foreign(start, head)


def _check_markup(head: str) -> None:
    """Raise ForeignFormatError for XML and HTML that is known not to be PubMed's."""
    root = _ROOT.match(head)
    found = _HTML if _HTML_START.match(head) else _ROOTS.get(root[1].lower()) if root else None
    if found is not None:
        raise _looks_like(*found)


def _check_object(head: str) -> None:
    """Raise ForeignFormatError for JSON that is not one object of an article per line."""
    first_line = head.partition("\n")[0]
    if _BIOC.search(head) and '"pmid"' not in first_line:
        raise _looks_like("BioC JSON", "convert it to PubTator or JSON Lines")
    if first_line.strip() == "{":
        remedy = "write each object on one line, for example with: jq -c . OLD.json > NEW.jsonl"
        raise _looks_like("JSON over several lines", remedy)


def _foreign(start: bytes, head: str) -> ForeignFormatError:
    for magic, name, remedy in _MAGIC:
        if start.startswith(magic):
            return _looks_like(name, remedy)
    first_line = head.partition("\n")[0]
    if head.startswith("["):
        if _BIOC.search(head):
            return _looks_like("BioC JSON", "convert it to PubTator or JSON Lines")
        remedy = "write each object on a line of its own, for example with: jq -c '.[]' OLD.json > NEW.jsonl"
        return _looks_like("a JSON array", remedy)
    if _NUMBERS.fullmatch(head if len(start) < _LOOK else first_line):
        return _looks_like("a list of PMIDs", "fetch the records with `litmine fetch --pmids FILE`")
    if re.match(r"\W?pmid\W?[,;\t]", head, re.IGNORECASE):
        remedy = "fetch the records with `litmine fetch --pmids FILE`, which takes the PMIDs from this file"
        return _looks_like("a CSV export of PubMed", remedy)
    if head.startswith("@"):
        return _looks_like("BibTeX", _NBIB)
    if _SUMMARY.match(head):
        return _looks_like("a list of citations or abstracts for reading", _NBIB)
    if max(map(first_line.count, ",;\t")) > 0 and "\0" not in first_line:
        remedy = "write it as JSON Lines, or fetch its PMIDs with `litmine fetch --pmids FILE`"
        return _looks_like("CSV or another table", remedy)
    return ForeignFormatError(f"The file is not {FORMATS}, plain or gzip", "import a fresh copy of the file")


def _looks_like(what: str, remedy: str) -> ForeignFormatError:
    return ForeignFormatError(f"The file looks like {what}, not like {FORMATS}", remedy)
