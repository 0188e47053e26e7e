"""Read RIS, the format of reference managers: `TY  - JOUR`, `TI  - Title`, ..., `ER  -`.

A record needs a PMID, for which RIS has no field. It is read if it names exactly one: `PMID: 1` in any field, an
address at PubMed, or a plain number as accession number (AN) where the database (DB, DP) is PubMed or MEDLINE.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from litmine.sources.encodings import NOT_UTF8, SAVE_AS_UTF8
from litmine.sources.identifiers import find_doi, find_issn
from litmine.sources.lines import numbered_records
from litmine.sources.pmids import parse_pmid
from litmine.sources.read_record import ReadRecord, whole_abstract
from litmine.types import Article, UnreadableRecord

_FIELD = re.compile(r"([A-Z][A-Z0-9]) {0,2}-(?: (.*)|)", re.DOTALL)
_NAMED_PMID = re.compile(
    r"\bPMID ?:? ?([0-9]{1,19})\b|\bpubmed(?:\.ncbi\.nlm\.nih\.gov)?/([0-9]{1,19})\b", re.IGNORECASE
)
_PUBMED = re.compile("pubmed|medline|nlm", re.IGNORECASE)
_DATE = re.compile(r"([12][0-9]{3})(?:[/-](0[1-9]|1[0-2])(?:[/-](0[1-9]|[12][0-9]|3[01]))?)?(?![0-9])")
_REMEDY = "add a line `AN  - PMID:` with it, or save the records from PubMed as `PubMed` format (.nbib)"

Fields = Mapping[str, Sequence[str]]


def read_ris(stream: BinaryIO) -> Iterator[ReadRecord | UnreadableRecord]:
    """Yield the article of each record; a record that cannot be used becomes an `UnreadableRecord`.

    Raises SourceError at a line or a record of more than 32 MiB; errors of the stream itself pass through.
    """
    # A type starts a record even where the end of the one before is missing.
    for block in numbered_records(stream, lambda line: line.startswith(b"TY  -"), "RIS", end=b"ER  -"):
        yield _read_record(block)


def _read_record(block: Sequence[tuple[int, bytes]]) -> ReadRecord | UnreadableRecord:
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    for number, line in block:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            why = f"The line {NOT_UTF8}, and its record was not read; {SAVE_AS_UTF8}."
            return UnreadableRecord(f"line {number}", why)
        if field := _FIELD.fullmatch(text):
            last = fields.setdefault(field[1], [])
            last.append((field[2] or "").strip())
        elif last:
            # Programs wrap long abstracts without indenting them.
            last[-1] = f"{last[-1]} {text.strip()}".strip()
        else:
            return UnreadableRecord(f"line {number}", f"The line is not RIS: {text[:60]!r}.")
    where = f"line {block[0][0]}"
    if "TY" not in fields:
        return UnreadableRecord(where, "The record has no type (TY), so its beginning may be missing; it was not read.")
    for tag in ("TY", "AB"):
        if len(fields.get(tag, ())) > 1:
            return UnreadableRecord(where, f"The record has several fields {tag}; it was not read.")
    pmids = _pmids(fields)
    title = _first(fields, "TI", "T1")
    if len(pmids) != 1:
        of = f"The record {title[:60]!r}" if title else "The record"
        why = f"names {len(pmids)} PMIDs, and litmine cannot tell which is its own" if pmids else "has no PMID"
        return UnreadableRecord(where, f"{of} {why}: {_REMEDY}.")
    return ReadRecord(_article(pmids.pop(), title, fields))


def _pmids(fields: Fields) -> set[int]:
    words = {found for values in fields.values() for value in values for pair in _NAMED_PMID.findall(value)
             for found in pair if found}  # fmt: skip
    if any(_PUBMED.search(value) for tag in ("DB", "DP") for value in fields.get(tag, ())):
        words.update(fields.get("AN", ()))
    return {pmid for word in words if (pmid := parse_pmid(word)) is not None}


def _article(pmid: int, title: str | None, fields: Fields) -> Article:
    abstract = _first(fields, "AB", "N2")
    date = next((found for tag in ("PY", "Y1", "DA") for value in fields.get(tag, ()) if (found := _DATE.match(value))),
                None)  # fmt: skip
    return Article(
        pmid=pmid,
        title=title,
        abstract=abstract,
        sections=whole_abstract(title, abstract),
        journal=_first(fields, "JF", "JO", "T2", "JA", "J2"),
        pub_date="-".join(filter(None, date.groups())) if date else None,
        year=int(date[1]) if date else None,
        authors=_all(fields, "AU") or _all(fields, "A1"),
        keywords=_all(fields, "KW"),
        doi=find_doi(_first(fields, "DO") or ""),
        language=_first(fields, "LA"),
        journal_abbreviation=_first(fields, "J2", "JA"),
        issn=find_issn(_first(fields, "SN") or ""),
        volume=_first(fields, "VL"),
        issue=_first(fields, "IS"),
        pages="-".join(filter(None, (_first(fields, "SP"), _first(fields, "EP")))) or None,
    )


def _all(fields: Fields, tag: str) -> tuple[str, ...]:
    return tuple(filter(None, fields.get(tag, ())))


def _first(fields: Fields, *tags: str) -> str | None:
    return next((value for tag in tags for value in fields.get(tag, ()) if value), None)
