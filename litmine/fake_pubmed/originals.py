"""Real PubMed records as bytes, and the places in them where a copy or a revision differs.

Files give `PubmedArticle` and `PubmedBookArticle` elements, whose bytes are kept as they are. The bare
`MedlineCitation` of files before 2017 is passed over: PubMed serves it no longer, and today's DTD lacks its elements.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from litmine.errors import SourceError
from litmine.sources.files import find_files
from litmine.sources.pubmed_record import parse_exact_date, parse_publication_date
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article

_RECORD = re.compile(rb"<(Pubmed(?:Book)?Article)>.*?</\1>", re.DOTALL)
_PMID = re.compile(rb"<PMID\b[^>]*>\s*([0-9]+)\s*</PMID>")
_OWN_ID = re.compile(rb'<ArticleId IdType="pubmed">\s*([0-9]+)\s*</ArticleId>')
_REVISED = re.compile(rb"<DateRevised>.*?</DateRevised>\s*", re.DOTALL)
_ARTICLE = re.compile(rb"<Article\b[^>]*>")
_ABSTRACT = re.compile(rb"<Abstract>.*?</Abstract>", re.DOTALL)
_TITLE = re.compile(rb"<(ArticleTitle|BookTitle)\b[^>]*?(?:(/>)|(?<!/)>.*?(?=</\1>))", re.DOTALL)
_DATE = re.compile(rb"<(PubMedPubDate|PubDate|ArticleDate)\b([^>]*)>(.*?)</\1>", re.DOTALL)
_DATE_PART = re.compile(rb"<(Year|Month|Day|MedlineDate)>\s*([^<]*?)\s*</\1>")
_WORD = re.compile(r"[^\W_]+")
_UTF8 = re.compile(rb"""^\s*<\?xml[^>]*encoding=["'](?!utf-?8["'])""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """A record as its file gave it: what search must know of it, and its XML.

    `title` and `abstract` are their words in lower case, each with a blank before and after it. A date is None where
    the record does not say it.
    """

    pmid: int
    title: str
    abstract: str
    publication_types: tuple[str, ...]
    created: date | None
    entered: date | None
    revised: date | None
    print_date: date | None
    electronic_date: date | None
    packed: bytes

    def xml(self) -> bytes:
        """The element as its file has it."""
        return zlib.decompress(self.packed)

    def copy(self, pmid: int, revised: date, revision: int) -> bytes:
        """The element under another PMID, revised on that day; from revision 1 on its text says which one it is.

        Only the record's own PMID changes, not those of the records that it refers to.
        """
        record = self.xml()
        changes = _pmid_changes(record, self.pmid, pmid) + _revision_changes(record, revised, revision)
        pieces, at = [], 0
        for start, end, content in sorted(changes):
            pieces += [record[at:start], content]
            at = end
        return b"".join([*pieces, record[at:]])


def read_originals(paths: Sequence[Path]) -> list[OriginalRecord]:
    """The records of files and folders; of several with one PMID the last. Raises SourceError when there are none."""
    found: dict[int, OriginalRecord] = {}
    for file in find_files(paths):
        found.update((original.pmid, original) for original in _read(file))
    if not found:
        raise SourceError(
            f"There is no PubmedArticle in {', '.join(map(str, paths)) or 'no files'}: name PubMed XML, as EFetch"
            " or a baseline file gives it."
        )
    return list(found.values())


def normalize_words(text: str | None) -> str:
    """The words in lower case, each with a blank before and after it: `" il 2 receptor "`."""
    found = _WORD.findall((text or "").lower())
    return f" {' '.join(found)} " if found else ""


def _read(file: Path) -> Iterator[OriginalRecord]:
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{file} cannot be read ({error}): name PubMed XML, plain or gzip.") from error
    if _UTF8.match(content):
        raise SourceError(f"{file} is not in UTF-8, in which PubMed answers: name another file.")
    for record in _RECORD.finditer(content):
        (read,) = read_pubmed_xml(io.BytesIO(b"<PubmedArticleSet>%b</PubmedArticleSet>" % record[0]))
        if isinstance(read, Article):
            yield _original(read, record[0])


def _original(article: Article, record: bytes) -> OriginalRecord:
    dates = list(_dates(record))
    history = {kind: on for tag, kind, on in dates if tag == b"PubMedPubDate"}
    return OriginalRecord(
        article.pmid,
        normalize_words(article.title),
        normalize_words(article.abstract),
        tuple(normalize_words(kind) for kind in article.publication_types),
        history.get(b"entrez"),
        history.get(b"pubmed"),
        article.revised,
        next((on for tag, _, on in dates if tag == b"PubDate"), None),
        next((on for tag, _, on in dates if tag == b"ArticleDate"), None),
        zlib.compress(record, 1),
    )


def _dates(record: bytes) -> Iterator[tuple[bytes, bytes, date]]:
    """Tag, PubStatus and day of each date that names one; the first day of a month or year that stands alone."""
    for tag, attributes, inner in _DATE.findall(record):
        parts = {name.decode(): value.decode() for name, value in _DATE_PART.findall(inner)}
        said = parse_exact_date(parts) or _first_day(parse_publication_date(parts))
        if said:
            yield tag, attributes.partition(b'PubStatus="')[2].rstrip(b'"'), said


def _first_day(said: str | None) -> date | None:
    return date.fromisoformat((said + "-01-01")[:10]) if said else None


def _pmid_changes(record: bytes, old: int, new: int) -> list[tuple[int, int, bytes]]:
    own = _PMID.search(record)
    identifier = _OWN_ID.search(record, max(record.rfind(b"<PubmedData>"), record.rfind(b"<PubmedBookData>"), 0))
    found = [match for match in (own, identifier) if match and int(match[1]) == old]
    return [(*match.span(1), b"%d" % new) for match in found]


def _revision_changes(record: bytes, revised: date, revision: int) -> list[tuple[int, int, bytes]]:
    article = _ARTICLE.search(record)
    said = _REVISED.search(record, 0, article.start() if article else len(record))
    day = b"<DateRevised><Year>%d</Year><Month>%02d</Month><Day>%02d</Day></DateRevised>" % revised.timetuple()[:3]
    changes: list[tuple[int, int, bytes]] = []
    if said:
        changes.append((*said.span(), day))
    elif article:
        changes.append((article.start(), article.start(), day))
    if revision:
        changes += _sentence_added(record, b" Revision %d of this record." % revision)
    return changes


def _sentence_added(record: bytes, sentence: bytes) -> list[tuple[int, int, bytes]]:
    """The sentence at the end of the abstract, or of the title of a record without one."""
    abstract = _ABSTRACT.search(record)
    end = record.rfind(b"</AbstractText>", *abstract.span()) if abstract else -1
    if end >= 0:
        return [(end, end, sentence)]
    title = _TITLE.search(record)
    if title is None:
        return []
    if title[2]:
        return [(*title.span(), b"<%b>%b</%b>" % (title[1], sentence, title[1]))]
    return [(title.end(), title.end(), sentence)]
