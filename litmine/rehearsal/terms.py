"""The words of PubMed's search language: tokens, tags, stopwords, days."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

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
class Token:
    """`kind` is word, quoted, tag, colon, ( or )."""

    kind: str
    text: str


def tokens(term: str) -> list[Token]:
    """The query in pieces; what is not closed ends with the query."""
    kinds = ("quoted", "tag", "bracket", "colon", "word")
    found = []
    for match in _TOKEN.finditer(term):
        kind = kinds[(match.lastindex or 1) - 1]
        text = match[match.lastindex or 1]
        found.append(Token(text if kind == "bracket" else kind, text))
    return found


def is_number(text: str) -> bool:
    """Whether the text can be a PMID."""
    return text.isascii() and text.isdigit() and len(text) < 19


def day_of(text: str, periods: int) -> date | None:
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
