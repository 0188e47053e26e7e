"""Read real PubMed records as XML bytes, and make renumbered or revised copies of them.

The bytes of `PubmedArticle` and `PubmedBookArticle` elements are kept unchanged. Bare `MedlineCitation` elements, as in
files before 2017, are ignored: PubMed no longer serves them, and its current DTD lacks some of their elements.
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
_PUBMED_ID = re.compile(rb'<ArticleId IdType="pubmed">\s*([0-9]+)\s*</ArticleId>')
_REVISED = re.compile(rb"<DateRevised>.*?</DateRevised>\s*", re.DOTALL)
_ARTICLE = re.compile(rb"<Article\b[^>]*>")
_ABSTRACT = re.compile(rb"<Abstract>.*?</Abstract>", re.DOTALL)
# The first English one counts where there is no Abstract.
_OTHER_ABSTRACT = re.compile(rb"<OtherAbstract\b(?![^>]*Language=\"(?!eng)).*?</OtherAbstract>", re.DOTALL)
_TITLE = re.compile(rb"<(ArticleTitle|BookTitle)\b[^>]*?(?:(/>)|(?<!/)>.*?(?=</\1>))", re.DOTALL)
# The vernacular title counts where the title is empty or a filler.
_VERNACULAR_TITLE = re.compile(rb"<VernacularTitle>(.*?)</VernacularTitle>", re.DOTALL)
_FILLER_TITLE = re.compile(
    rb"<ArticleTitle[^>]*(?:/|>\s*(?:\[?(?:Not Available|In Process Citation)\]?\.?)?\s*)$", re.IGNORECASE
)
_DATE = re.compile(rb"<(PubMedPubDate|PubDate|ArticleDate)\b([^>]*)>(.*?)</\1>", re.DOTALL)
_DATE_PART = re.compile(rb"<(Year|Month|Day|MedlineDate)>\s*([^<]*?)\s*</\1>")
_WORD = re.compile(r"[^\W_]+")
_OTHER_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["'](?!utf-?8["'])""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """A record from a file: the fields that search uses, and its XML, compressed with zlib.

    `title`, `abstract` and `publication_types` are normalised (`normalize_words`). `created`, `entered`, `revised` and
    the publication dates are None if the record does not have them.
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
    compressed_xml: bytes

    def xml(self) -> bytes:
        """The XML element as in its file."""
        return zlib.decompress(self.compressed_xml)

    def copy(self, pmid: int, revised: date, revision: int) -> bytes:
        """The XML element with another PMID and revision date; from revision 1 on, its text names the revision.

        Only the record's own PMID changes, not those of other records that it refers to.
        """
        record = self.xml()
        changes = _pmid_changes(record, self.pmid, pmid) + _revision_changes(record, revised, revision)
        pieces, position = [], 0
        for start, end, content in sorted(changes):
            pieces += [record[position:start], content]
            position = end
        return b"".join([*pieces, record[position:]])


def read_originals(paths: Sequence[Path]) -> list[OriginalRecord]:
    """The records of files and folders; the last one of each PMID. Raises SourceError if there are none."""
    originals: dict[int, OriginalRecord] = {}
    for file in find_files(paths):
        originals.update((original.pmid, original) for original in _read_file(file))
    if not originals:
        names = ", ".join(map(str, paths)) or "the files"
        raise SourceError(f"no PubmedArticle in {names}; use PubMed XML from EFetch or a baseline file")
    return list(originals.values())


def normalize_words(text: str | None) -> str:
    """The words in lower case with a space before and after each: `" il 2 receptor "`."""
    words = _WORD.findall((text or "").lower())
    return f" {' '.join(words)} " if words else ""


def _read_file(file: Path) -> Iterator[OriginalRecord]:
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{file} cannot be read ({error}); use PubMed XML, plain or gzip") from error
    if _OTHER_ENCODING.match(content):
        raise SourceError(f"{file} is not in UTF-8; use another file, because PubMed sends UTF-8")
    for match in _RECORD.finditer(content):
        (record,) = read_pubmed_xml(io.BytesIO(b"<PubmedArticleSet>%b</PubmedArticleSet>" % match[0]))
        if isinstance(record, Article):
            yield _original(record, match[0])


def _original(article: Article, xml: bytes) -> OriginalRecord:
    dates = list(_dates(xml))
    history = {status: day for tag, status, day in dates if tag == b"PubMedPubDate"}
    return OriginalRecord(
        article.pmid,
        normalize_words(article.title),
        normalize_words(article.abstract),
        tuple(normalize_words(kind) for kind in article.publication_types),
        history.get(b"entrez"),
        history.get(b"pubmed"),
        article.revised,
        next((day for tag, _, day in dates if tag == b"PubDate"), None),
        next((day for tag, _, day in dates if tag == b"ArticleDate"), None),
        zlib.compress(xml, 1),
    )


def _dates(record: bytes) -> Iterator[tuple[bytes, bytes, date]]:
    """Tag, PubStatus and day of each date; an incomplete date means the first day of its month or year."""
    for tag, attributes, inner in _DATE.findall(record):
        parts = {name.decode(): value.decode() for name, value in _DATE_PART.findall(inner)}
        day = parse_exact_date(parts) or _first_day(parse_publication_date(parts))
        if day:
            yield tag, attributes.partition(b'PubStatus="')[2].rstrip(b'"'), day


def _first_day(partial_date: str | None) -> date | None:
    return date.fromisoformat((partial_date + "-01-01")[:10]) if partial_date else None


def _pmid_changes(record: bytes, old: int, new: int) -> list[tuple[int, int, bytes]]:
    pmid = _PMID.search(record)
    article_id = _PUBMED_ID.search(record, max(record.rfind(b"<PubmedData>"), record.rfind(b"<PubmedBookData>"), 0))
    matches = [match for match in (pmid, article_id) if match and int(match[1]) == old]
    return [(*match.span(1), b"%d" % new) for match in matches]


def _revision_changes(record: bytes, revised: date, revision: int) -> list[tuple[int, int, bytes]]:
    article = _ARTICLE.search(record)
    old = _REVISED.search(record, 0, article.start() if article else len(record))
    day = b"<DateRevised><Year>%d</Year><Month>%02d</Month><Day>%02d</Day></DateRevised>" % revised.timetuple()[:3]
    changes: list[tuple[int, int, bytes]] = []
    if old:
        changes.append((*old.span(), day))
    elif article:
        changes.append((article.start(), article.start(), day))
    if revision:
        changes += _add_sentence(record, b" Revision %d of this record." % revision)
    return changes


def _add_sentence(record: bytes, sentence: bytes) -> list[tuple[int, int, bytes]]:
    """The change that adds a sentence to the end of the abstract that counts, or of the title if there is none."""
    abstract = _ABSTRACT.search(record) or _OTHER_ABSTRACT.search(record)
    end = record.rfind(b"</AbstractText>", *abstract.span()) if abstract else -1
    if end >= 0:
        return [(end, end, sentence)]
    title, vernacular = _TITLE.search(record), _VERNACULAR_TITLE.search(record)
    if title is None:
        return []
    if vernacular and _FILLER_TITLE.search(record, *title.span()):
        return [(vernacular.end(1), vernacular.end(1), sentence)]
    if title[2]:
        return [(*title.span(), b"<%b>%b</%b>" % (title[1], sentence, title[1]))]
    return [(title.end(), title.end(), sentence)]
