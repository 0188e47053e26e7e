"""Tokenize and evaluate queries in a subset of PubMed's search language.

Operators apply from left to right, as in PubMed; each operand is a mask over the rows of the archive. Supported: words,
"quoted phrases", trunc*, AND, OR, NOT in upper case, parentheses, a tag in brackets after a term, ranges of days and
PMIDs with a colon, `all[sb]`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from litmine.fake_pubmed.archive import ArchiveColumns
from litmine.fake_pubmed.originals import OriginalRecord, normalize_words

_TOKEN = re.compile(r'"([^"]*)"?|\[([^\]]*)\]?|([()])|(:)|([^\s()\[\]":]+)')
_DAY = re.compile(r"([0-9]{4})(?:/([0-9]{1,2}))?(?:/([0-9]{1,2}))?")
OPERATORS = ("AND", "OR", "NOT")
# Tag to its full name, as a query translation shows it, and the columns or texts that it looks through.
DATE_TAGS = {
    "crdt": ("Date - Create", ("created",)),
    "edat": ("Date - Entry", ("entered",)),
    "lr": ("Date - Modification", ("revised",)),
    "mdat": ("Date - Modification", ("revised",)),
    "pdat": ("Date - Publication", ("print_date", "electronic_date")),
    "dp": ("Date - Publication", ("print_date", "electronic_date")),
    "ppdat": ("Date - Publication", ("print_date",)),
    "epdat": ("Date - Publication", ("electronic_date",)),
}
TEXT_TAGS = {
    "all": "All Fields",
    "all fields": "All Fields",
    "tiab": "Title/Abstract",
    "title/abstract": "Title/Abstract",
    "ti": "Title",
    "title": "Title",
    "pt": "Publication Type",
    "publication type": "Publication Type",
}
NUMBER_TAGS = ("uid", "pmid")
_STOPWORDS = (
    "a about again all almost also although always among an and another any are as at be because been before being"
    " between both but by can could did do does done due during each either enough especially etc for found from"
    " further had has have having here how however i if in into is it its itself just made mainly make may might most"
    " mostly must nearly neither no nor not obtained of often on or our overall perhaps quite rather really regarding"
    " seem seen several should show showed shown shows significantly since so some such than that the their theirs"
    " them then there therefore these they this those through thus to upon use used using various very was we were"
    " what when which while with within without would"
)
STOPWORDS = frozenset(_STOPWORDS.split())


@dataclass(frozen=True, slots=True)
class QueryToken:
    """`kind` is word, quoted, tag, colon, ( or )."""

    kind: str
    text: str


def tokenize_query(term: str) -> list[QueryToken]:
    """The query in pieces; what is not closed ends with the query."""
    kinds = ("quoted", "tag", "bracket", "colon", "word")
    found = []
    for match in _TOKEN.finditer(term):
        kind = kinds[(match.lastindex or 1) - 1]
        text = match[match.lastindex or 1]
        found.append(QueryToken(text if kind == "bracket" else kind, text))
    return found


def is_number(text: str) -> bool:
    """Whether the text can be a PMID."""
    return text.isascii() and text.isdigit() and len(text) < 19


def parse_day(text: str, periods: int) -> date | None:
    """The first day of a year, month or day; with `periods` 1 its last. None when the text is no date."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        if not periods or day:
            return first
        following = date(year + 1, 1, 1) if not month or month == 12 else date(year, month + 1, 1)
    except ValueError:
        return None
    return following - timedelta(days=1)


Mask = NDArray[np.bool_]


@dataclass(slots=True)
class SearchNotes:
    """What a search says beside its result, as ESearch lists it."""

    phrases_not_found: list[str] = field(default_factory=list)
    fields_not_found: list[str] = field(default_factory=list)
    phrases_ignored: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class QueryMatches:
    """Every PMID that a query finds, most recent first, and how the query was understood."""

    pmids: list[int]
    translation: str
    notes: SearchNotes


def run_query(term: str, columns: ArchiveColumns) -> QueryMatches:
    """Every record of the archive that the query finds. There are no wrong queries: like PubMed it makes do."""
    evaluation = _Evaluation(term, columns)
    mask, translation = evaluation.alternatives()
    while evaluation.more():  # a closing parenthesis too many
        evaluation.skip()
        mask, translation = evaluation.joined(mask, translation)
    pmids: list[int] = columns.pmid[mask].tolist()
    if not pmids:
        evaluation.notes.messages.append("No items found.")
    return QueryMatches(pmids, translation, evaluation.notes)


class _Evaluation:
    """One query on its way from left to right."""

    def __init__(self, term: str, columns: ArchiveColumns) -> None:
        self.notes = SearchNotes()
        self._tokens = tokenize_query(term)
        self._at = 0
        self._columns = columns

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def skip(self) -> None:
        self._at += 1

    def alternatives(self) -> tuple[Mask, str]:
        """The operands up to a closing parenthesis or the end, joined."""
        return self.joined(None, "")

    def joined(self, mask: Mask | None, translation: str) -> tuple[Mask, str]:
        """What stands so far, and the operands behind it."""
        operator = "AND"
        while self.more() and self._tokens[self._at].kind != ")":
            token = self._tokens[self._at]
            if token.kind == "word" and token.text in OPERATORS:
                operator = token.text
                self._at += 1
                continue
            operand = self._operand()
            if operand is None:
                continue
            other, said = operand
            if mask is None:
                mask, translation = (~other, f"NOT {said}") if operator == "NOT" else operand
            else:
                mask = {"AND": mask & other, "OR": mask | other, "NOT": mask & ~other}[operator]
                translation = f"{translation} {operator} {said}"
            operator = "AND"
        return self._none() if mask is None else mask, translation

    def _operand(self) -> tuple[Mask, str] | None:
        """A parenthesis, or terms up to and with their tag; None for what says nothing."""
        token = self._tokens[self._at]
        if token.kind == "(":
            self._at += 1
            mask, said = self.alternatives()
            self._at += 1
            return (mask, f"({said})") if said else None
        terms = self._terms()
        tag = self._tag()
        if self._next_is("colon") and terms:
            self._at += 1
            until = self._terms(1)
            return self._range(terms[-1].text, until[-1].text if until else "", self._tag() or tag)
        if not terms:
            if tag is None:
                self._at += 1
            return None
        return self._tagged(terms, tag)

    def _terms(self, most: int = 1000) -> list[QueryToken]:
        """Words and phrases that one tag may follow. A quoted phrase, and what begins a range, stands alone."""
        terms: list[QueryToken] = []
        while self.more() and len(terms) < most:
            token = self._tokens[self._at]
            if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text in OPERATORS):
                break
            begins_range = token.kind == "word" and self._kind(self._at + 1) == "colon"
            if terms and (token.kind == "quoted" or begins_range):
                break
            terms.append(token)
            self._at += 1
            if token.kind == "quoted" or begins_range:
                break
        return terms

    def _tag(self) -> str | None:
        """The tag at this place, in lower case and without its qualifier (`[mesh:noexp]`); None when there is none."""
        if not self._next_is("tag"):
            return None
        tag = self._tokens[self._at].text.strip().lower().partition(":")[0]
        self._at += 1
        return tag

    def _next_is(self, kind: str) -> bool:
        return self._kind(self._at) == kind

    def _kind(self, place: int) -> str | None:
        return self._tokens[place].kind if place < len(self._tokens) else None

    def _tagged(self, terms: list[QueryToken], tag: str | None) -> tuple[Mask, str] | None:
        tag = _known(tag, self.notes)
        if tag in ("sb", "filter"):
            return self._everything() if terms[-1].text.lower() == "all" else self._missing(terms[-1].text, "Filter")
        if tag in DATE_TAGS or tag in NUMBER_TAGS:
            parts = [self._range(term.text, term.text, tag) for term in terms]
        else:
            parts = [part for term in terms if (part := self._text(term, tag))]
        if not parts:
            return None
        mask, said = parts[0]
        for other, _ in parts[1:]:
            mask = mask & other
        return mask, f"({' AND '.join(said for _, said in parts)})" if len(parts) > 1 else said

    def _range(self, start: str, end: str, tag: str | None) -> tuple[Mask, str]:
        """The records between two days or PMIDs, both ends included; of `2026` and `2026/01` the whole."""
        tag = _known(tag, self.notes)
        if tag in NUMBER_TAGS:
            return self._numbers(start, end)
        name, columns = DATE_TAGS.get(tag, ("", ()))
        first, last = parse_day(start, 0), parse_day(end, 1)
        if not columns or first is None or last is None:
            return self._missing(start if start == end else f"{start}:{end}", name or "All Fields")
        mask = self._none()
        for column in columns:
            days = getattr(self._columns, column)
            mask |= (days >= first.toordinal()) & (days <= last.toordinal())
        return mask, f"{start}[{name}]" if start == end else f"{start}:{end}[{name}]"

    def _numbers(self, start: str, end: str) -> tuple[Mask, str]:
        if not (is_number(start) and is_number(end)):
            return self._missing(start if start == end else f"{start}:{end}", "UID")
        mask = (self._columns.pmid >= int(start)) & (self._columns.pmid <= int(end))
        return mask, f"{start}[UID]" if start == end else f"{start}:{end}[UID]"

    def _text(self, term: QueryToken, tag: str) -> tuple[Mask, str] | None:
        name = TEXT_TAGS[tag]
        if term.kind == "word" and term.text.lower() in STOPWORDS:
            self.notes.phrases_ignored.append(term.text)
            return None
        needle = normalize_words(term.text)
        if not needle:
            return None
        mask = self._having(needle[:-1] if term.text.endswith("*") else needle, name)
        if name == "All Fields" and is_number(term.text):
            mask = mask | (self._columns.pmid == int(term.text))
        if mask.any():
            return mask, f'"{term.text}"[{name}]'
        if term.kind == "quoted" and " " in needle.strip():
            self.notes.quoted_not_found.append(f'"{term.text}"')
            words = [QueryToken("word", word) for word in needle.split()]
            return self._tagged(words, tag)
        return self._missing(term.text, name)

    def _having(self, needle: str, name: str) -> Mask:
        originals = self._columns.originals
        having = np.fromiter((_has(original, needle, name) for original in originals), np.bool_, len(originals))
        mask: Mask = having[self._columns.original]
        return mask

    def _missing(self, text: str, name: str) -> tuple[Mask, str]:
        self.notes.phrases_not_found.append(text)
        return self._none(), f'"{text}"[{name}]'

    def _everything(self) -> tuple[Mask, str]:
        return ~self._none(), "all[Filter]"

    def _none(self) -> Mask:
        return np.zeros(len(self._columns.pmid), np.bool_)


def _known(tag: str | None, notes: SearchNotes) -> str:
    """The tag, or all fields for none and for one that this archive does not have."""
    if tag is None or tag in TEXT_TAGS or tag in DATE_TAGS or tag in NUMBER_TAGS or tag in ("sb", "filter"):
        return tag or "all"
    notes.fields_not_found.append(tag)
    return "all"


def _has(original: OriginalRecord, needle: str, name: str) -> bool:
    texts: Iterable[str] = (original.title,)
    if name == "Publication Type":
        texts = original.publication_types
    elif name != "Title":
        texts = (original.title, original.abstract)
    return any(needle in text for text in texts)
