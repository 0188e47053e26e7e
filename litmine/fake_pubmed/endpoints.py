"""Responses of ESearch and EFetch without faults, with NCBI's own texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.query import QueryMatches, run_query

XML = "text/xml; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
JSON = "application/json"
MAX_SEARCH_HITS = 9_999
MAX_IDS = 10_000
_DEFAULT_RETMAX = 20
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>\n'
_ESEARCH = (
    f'{_DECLARATION}<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN"'
    ' "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
)
_EFETCH = (
    f'{_DECLARATION}<!DOCTYPE eEfetchResult PUBLIC "-//NLM//DTD efetch 20131226//EN"'
    ' "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20131226/efetch.dtd">\n'
)
_SET = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN"'
    ' "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
_RETSTART_TOO_LARGE = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only retrieve"
    " the first 9,999 records matching the query. To obtain more than 9,999 PubMed records, consider using EDirect"
    " that contains additional logic to batch PubMed search results automatically so that an arbitrary number can be"
    " retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"
)


@dataclass(frozen=True, slots=True)
class FakeResponse:
    """An HTTP response before it is sent; `record_count` is the number of records in its body."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    record_count: int = 0


def error_response(utility: str, message: str, status: int = 200) -> FakeResponse:
    """An `<ERROR>` response in the utility's own format, which often has the status 200."""
    head, root = (_ESEARCH, "eSearchResult") if utility == "esearch" else (_EFETCH, "eFetchResult")
    return FakeResponse(status, XML, f"{head}<{root}>\n\t<ERROR>{escape(message)}</ERROR>\n</{root}>\n".encode())


def xml_prologue(utility: str) -> bytes:
    """The XML declaration and DOCTYPE of a good response."""
    return (_ESEARCH if utility == "esearch" else _SET).encode()


def html_page(status: int, title: str) -> FakeResponse:
    """An HTML page, as a proxy between client and server sends it."""
    text = f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<hr>\n</body>\n</html>\n"
    return FakeResponse(status, HTML, text.encode())


def esearch(archive: RecordArchive, parameters: Mapping[str, str]) -> FakeResponse:
    """Search for `term`: the full count, and `retmax` PMIDs among the first 9,999 from `retstart` on."""
    database, term = parameters.get("db", "pubmed"), parameters.get("term", "").strip()
    if database != "pubmed":
        return error_response("esearch", f"Invalid db name specified: {database}")
    if not term:
        return error_response("esearch", "Empty term and query_key - nothing todo")
    start = _parse_number(parameters.get("retstart"), 0)
    retmax = _parse_number(parameters.get("retmax"), _DEFAULT_RETMAX)
    if start >= MAX_SEARCH_HITS:
        return error_response("esearch", _RETSTART_TOO_LARGE)
    try:
        matches = archive.search(lambda columns: run_query(_add_date_range(term, parameters), columns))
    except RecursionError:
        return error_response("esearch", "Search Backend failed: the query is nested too deeply")
    if start + retmax > MAX_SEARCH_HITS:
        retmax = MAX_SEARCH_HITS - start
        matches.notes.messages.append(f"Restrictions achieved. start and count adjusted to {start}, {retmax}")
    return FakeResponse(200, XML, _esearch_body(matches, start, retmax).encode())


def parse_ids(text: str) -> list[int]:
    """The distinct PMIDs of a comma-separated list, in order; anything else in it is ignored."""
    numbers = (_parse_number(item.strip(), 0) for item in text.split(","))
    return list(dict.fromkeys(number for number in numbers if number))


def efetch(
    archive: RecordArchive, parameters: Mapping[str, str], pmids: Sequence[int], omitted: frozenset[int] = frozenset()
) -> FakeResponse:
    """The records of these PMIDs in this order, without missing, withdrawn and `omitted` ones."""
    database = parameters.get("db", "")
    if database != "pubmed":
        return error_response("efetch", f"Invalid db name specified: {database}", 400)
    if "xml" not in (parameters.get("retmode"), parameters.get("rettype")):
        return error_response("efetch", "This server returns XML only: send retmode=xml.", 400)
    if not pmids:
        return error_response("efetch", "ID list is empty! Possibly it has no correct IDs.", 400)
    records = [xml for pmid in pmids[:MAX_IDS] if pmid not in omitted and (xml := archive.xml(pmid)) is not None]
    body = b"%b<PubmedArticleSet>\n%b\n</PubmedArticleSet>" % (xml_prologue("efetch"), b"\n".join(records))
    return FakeResponse(200, XML, body, record_count=len(records))


def _add_date_range(term: str, parameters: Mapping[str, str]) -> str:
    """The term, restricted by the parameters mindate and maxdate if both are set."""
    first, last = parameters.get("mindate"), parameters.get("maxdate")
    return f"({term}) AND {first}:{last}[{parameters.get('datetype', 'edat')}]" if first and last else term


def _parse_number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else default


def _esearch_body(matches: QueryMatches, start: int, retmax: int) -> str:
    listed = matches.pmids[start : start + retmax]
    notes = matches.notes
    errors = _elements("PhraseNotFound", notes.phrases_not_found) + _elements("FieldNotFound", notes.fields_not_found)
    warnings = (
        _elements("PhraseIgnored", notes.phrases_ignored)
        + _elements("QuotedPhraseNotFound", notes.quoted_not_found)
        + _elements("OutputMessage", notes.messages)
    )
    return (
        f"{_ESEARCH}<eSearchResult><Count>{len(matches.pmids)}</Count><RetMax>{len(listed)}</RetMax>"
        f"<RetStart>{start}</RetStart><IdList>\n{_elements('Id', listed)}</IdList><TranslationSet/>"
        f"<QueryTranslation>{escape(matches.translation)}</QueryTranslation>"
        f"{f'<ErrorList>{errors}</ErrorList>' if errors else ''}"
        f"{f'<WarningList>{warnings}</WarningList>' if warnings else ''}</eSearchResult>\n"
    )


def _elements(tag: str, contents: Iterable[object]) -> str:
    return "".join(f"<{tag}>{escape(str(content))}</{tag}>\n" for content in contents)
