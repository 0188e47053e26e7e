"""Evaluate queries in a subset of PubMed's search language on the records of an archive.

It supports words, "quoted phrases", truncation (trunc*), the operators AND, OR and NOT in upper case, parentheses, tags
in brackets after a term, ranges of days and PMIDs with a colon, and `all[sb]`. Operators apply from left to right,
as in PubMed. No query is an error: like PubMed, the evaluation ignores what it does not understand.
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
# For each tag, its name in a query translation, and for dates the columns that it searches.
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
    """A token; `kind` is "word", "quoted", "tag", "colon", "(" or ")"."""

    kind: str
    text: str


def tokenize_query(term: str) -> list[QueryToken]:
    """Split a query into tokens; an unclosed quote or bracket ends with the query."""
    kinds = ("quoted", "tag", "bracket", "colon", "word")
    tokens = []
    for match in _TOKEN.finditer(term):
        kind = kinds[(match.lastindex or 1) - 1]
        text = match[match.lastindex or 1]
        tokens.append(QueryToken(text if kind == "bracket" else kind, text))
    return tokens


def is_number(text: str) -> bool:
    """Whether the text can be a PMID."""
    return text.isascii() and text.isdigit() and len(text) < 19


def parse_day(text: str, last: bool = False) -> date | None:
    """The first day of a year, month or day, or its `last` one; None if the text is not a date."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        if not last or day:
            return first
        next_period = date(year + 1, 1, 1) if not month or month == 12 else date(year, month + 1, 1)
    except ValueError:
        return None
    return next_period - timedelta(days=1)


Mask = NDArray[np.bool_]


@dataclass(slots=True)
class SearchNotes:
    """Remarks on a query, as in ESearch's lists of errors and warnings."""

    phrases_not_found: list[str] = field(default_factory=list)
    fields_not_found: list[str] = field(default_factory=list)
    phrases_ignored: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class QueryMatches:
    """The PMIDs that a query finds, newest first, and the query as it was interpreted."""

    pmids: list[int]
    translation: str
    notes: SearchNotes


def run_query(term: str, columns: ArchiveColumns) -> QueryMatches:
    """Find all records of the archive that match a query."""
    evaluator = _QueryEvaluator(term, columns)
    mask, translation = evaluator.evaluate()
    while evaluator.has_more():  # after an unmatched closing parenthesis
        evaluator.skip()
        mask, translation = evaluator.evaluate(mask, translation)
    pmids: list[int] = columns.pmid[mask].tolist()
    if not pmids:
        evaluator.notes.messages.append("No items found.")
    return QueryMatches(pmids, translation, evaluator.notes)


class _QueryEvaluator:
    """Evaluates one query from left to right; a result is a mask over the archive's rows and a translation."""

    def __init__(self, term: str, columns: ArchiveColumns) -> None:
        self.notes = SearchNotes()
        self._tokens = tokenize_query(term)
        self._position = 0
        self._columns = columns

    def has_more(self) -> bool:
        return self._position < len(self._tokens)

    def skip(self) -> None:
        self._position += 1

    def evaluate(self, mask: Mask | None = None, translation: str = "") -> tuple[Mask, str]:
        """Combine the result so far with the operands up to a closing parenthesis or the end."""
        operator = "AND"
        while self.has_more() and self._tokens[self._position].kind != ")":
            token = self._tokens[self._position]
            if token.kind == "word" and token.text in OPERATORS:
                operator = token.text
                self._position += 1
                continue
            operand = self._operand()
            if operand is None:
                continue
            other, other_translation = operand
            if mask is None:
                mask, translation = (~other, f"NOT {other_translation}") if operator == "NOT" else operand
            else:
                mask = {"AND": mask & other, "OR": mask | other, "NOT": mask & ~other}[operator]
                translation = f"{translation} {operator} {other_translation}"
            operator = "AND"
        return self._no_records() if mask is None else mask, translation

    def _operand(self) -> tuple[Mask, str] | None:
        """Evaluate a parenthesis, or terms with their tag; None if there is nothing to search."""
        token = self._tokens[self._position]
        if token.kind == "(":
            self._position += 1
            mask, translation = self.evaluate()
            self._position += 1
            return (mask, f"({translation})") if translation else None
        terms = self._terms()
        tag = self._tag()
        if self._next_is("colon") and terms:
            self._position += 1
            end = self._terms(1)
            return self._match_range(terms[-1].text, end[-1].text if end else "", self._tag() or tag)
        if not terms:
            if tag is None:
                self._position += 1
            return None
        return self._match_terms(terms, tag)

    def _terms(self, limit: int = 1000) -> list[QueryToken]:
        """Words before one tag. A quoted phrase and the start of a range are terms of their own."""
        terms: list[QueryToken] = []
        while self.has_more() and len(terms) < limit:
            token = self._tokens[self._position]
            if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text in OPERATORS):
                break
            starts_range = token.kind == "word" and self._kind(self._position + 1) == "colon"
            if terms and (token.kind == "quoted" or starts_range):
                break
            terms.append(token)
            self._position += 1
            if token.kind == "quoted" or starts_range:
                break
        return terms

    def _tag(self) -> str | None:
        """The tag at this position in lower case, without its qualifier (`[mesh:noexp]`); None without a tag."""
        if not self._next_is("tag"):
            return None
        tag = self._tokens[self._position].text.strip().lower().partition(":")[0]
        self._position += 1
        return tag

    def _next_is(self, kind: str) -> bool:
        return self._kind(self._position) == kind

    def _kind(self, position: int) -> str | None:
        return self._tokens[position].kind if position < len(self._tokens) else None

    def _match_terms(self, terms: list[QueryToken], tag: str | None) -> tuple[Mask, str] | None:
        tag = _supported_tag(tag, self.notes)
        if tag in ("sb", "filter"):
            return self._all_records() if terms[-1].text.lower() == "all" else self._not_found(terms[-1].text, "Filter")
        if tag in DATE_TAGS or tag in NUMBER_TAGS:
            parts = [self._match_range(term.text, term.text, tag) for term in terms]
        else:
            parts = [part for term in terms if (part := self._match_text(term, tag))]
        if not parts:
            return None
        mask, translation = parts[0]
        for other, _ in parts[1:]:
            mask = mask & other
        if len(parts) > 1:
            translation = f"({' AND '.join(part for _, part in parts)})"
        return mask, translation

    def _match_range(self, start: str, end: str, tag: str | None) -> tuple[Mask, str]:
        """The records between two days or PMIDs, inclusive; `2026` and `2026/01` mean the whole year or month."""
        tag = _supported_tag(tag, self.notes)
        if tag in NUMBER_TAGS:
            return self._match_pmid_range(start, end)
        name, columns = DATE_TAGS.get(tag, ("", ()))
        first, last = parse_day(start), parse_day(end, last=True)
        if not columns or first is None or last is None:
            return self._not_found(start if start == end else f"{start}:{end}", name or "All Fields")
        mask = self._no_records()
        for column in columns:
            days = getattr(self._columns, column)
            mask |= (days >= first.toordinal()) & (days <= last.toordinal())
        return mask, f"{start}[{name}]" if start == end else f"{start}:{end}[{name}]"

    def _match_pmid_range(self, start: str, end: str) -> tuple[Mask, str]:
        if not (is_number(start) and is_number(end)):
            return self._not_found(start if start == end else f"{start}:{end}", "UID")
        mask = (self._columns.pmid >= int(start)) & (self._columns.pmid <= int(end))
        return mask, f"{start}[UID]" if start == end else f"{start}:{end}[UID]"

    def _match_text(self, term: QueryToken, tag: str) -> tuple[Mask, str] | None:
        name = TEXT_TAGS[tag]
        if term.kind == "word" and term.text.lower() in STOPWORDS:
            self.notes.phrases_ignored.append(term.text)
            return None
        needle = normalize_words(term.text)
        if not needle:
            return None
        mask = self._containing(needle[:-1] if term.text.endswith("*") else needle, name)
        if name == "All Fields" and is_number(term.text):
            mask = mask | (self._columns.pmid == int(term.text))
        if mask.any():
            return mask, f'"{term.text}"[{name}]'
        if term.kind == "quoted" and " " in needle.strip():
            self.notes.quoted_not_found.append(f'"{term.text}"')
            words = [QueryToken("word", word) for word in needle.split()]
            return self._match_terms(words, tag)
        return self._not_found(term.text, name)

    def _containing(self, needle: str, name: str) -> Mask:
        originals = self._columns.originals
        matches = (_contains(original, needle, name) for original in originals)
        mask: Mask = np.fromiter(matches, np.bool_, len(originals))[self._columns.original]
        return mask

    def _not_found(self, text: str, name: str) -> tuple[Mask, str]:
        self.notes.phrases_not_found.append(text)
        return self._no_records(), f'"{text}"[{name}]'

    def _all_records(self) -> tuple[Mask, str]:
        return ~self._no_records(), "all[Filter]"

    def _no_records(self) -> Mask:
        return np.zeros(len(self._columns.pmid), np.bool_)


def _supported_tag(tag: str | None, notes: SearchNotes) -> str:
    """The tag, or "all" if there is none or it is not supported, which is noted."""
    if tag is None or tag in TEXT_TAGS or tag in DATE_TAGS or tag in NUMBER_TAGS or tag in ("sb", "filter"):
        return tag or "all"
    notes.fields_not_found.append(tag)
    return "all"


def _contains(original: OriginalRecord, needle: str, name: str) -> bool:
    texts: Iterable[str] = (original.title,)
    if name == "Publication Type":
        texts = original.publication_types
    elif name != "Title":
        texts = (original.title, original.abstract)
    return any(needle in text for text in texts)
