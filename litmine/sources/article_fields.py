"""Convert the values of a JSON object to the fields of an `Article`, by the types that `Article` declares.

The names are those of the dataclasses' fields, so a field that `Article` gains is read without a change here.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from litmine.sources.identifiers import find_issn, normalize_doi, normalize_pmcid
from litmine.sources.read_record import is_retracted, whole_abstract
from litmine.types import CONTENT_FIELDS, Article, Section

ARTICLE_FIELDS = frozenset(CONTENT_FIELDS)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_PUB_DATE = re.compile("[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_YEARS = range(1000, 3000)
_MAX_INTEGER = 2**63 - 1
# Fields that `FieldReader.article` reads before the others, or that are none of a line.
_READ_APART = ("pmid", "title", "abstract", "version")
# How programs and spreadsheets write a truth value.
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})
_NOT_A_TRUTH_VALUE = "true or false"
_LONGEST_VALUE = 20


# How an identifier is read, and what it should be.
_IDENTIFIERS: dict[str, tuple[Callable[[str], str | None], str]] = {
    "doi": (normalize_doi, "a DOI such as 10.1000/182"),
    "pmcid": (normalize_pmcid, "a PMCID such as PMC1234567"),
    "issn": (find_issn, "an ISSN such as 1234-567X"),
}


class FieldError(Exception):
    """A value does not fit its field; the message is what it should be, such as "a list"."""


class FieldReader:
    """Reads the values of one line; `mended` counts the lone surrogates that became U+FFFD.

    exported: `litmine export` wrote the line, so its identifiers stay as they are: PubMed's records may have any.
    """

    def __init__(self, exported: bool = False) -> None:
        self.mended = 0
        self._exported = exported

    def text(self, value: object) -> str | None:
        """A string, None if it is empty or null. Raises FieldError for anything else."""
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise FieldError("a string")
        text, count = _LONE_SURROGATE.subn("\ufffd", value)
        self.mended += count
        return text

    def article(self, pmid: int, values: Mapping[str, Any], refuse: Callable[[str, str], None]) -> Article:
        """Make an article from the values of known fields, and ignore other keys.

        `refuse(field, wanted)` is called for each value that does not fit its field; the field then keeps its default.
        Raises FieldError when the title or the abstract is not a string.
        """
        title, abstract = self._words(values, "title"), self._words(values, "abstract")
        found: dict[str, Any] = {"sections": whole_abstract(title, abstract)}
        for name, hint in _hints(Article).items():
            value = values.get(name)
            if name in _READ_APART or value is None or (hint is bool and value == ""):
                continue
            try:
                found[name] = self._checked(name, self._value(value, hint), title, abstract)
            except FieldError as error:
                refuse(name, str(error))
        if found.get("year") is None and found.get("pub_date"):
            found["year"] = int(found["pub_date"][:4])
        if "retracted" not in found:
            found["retracted"] = is_retracted(found.get("publication_types", ()), found.get("corrections", ()))
        return Article(pmid, title, abstract, **found)

    def _words(self, values: Mapping[str, Any], name: str) -> str | None:
        try:
            return self.text(values.get(name))
        except FieldError as error:
            raise FieldError(f'has a "{name}" that is not {error}') from None

    def _checked(self, name: str, value: Any, title: str | None, abstract: str | None) -> Any:
        if name == "sections":
            return _checked_sections(value, title, abstract)
        if name == "year" and value is not None and value not in _YEARS:
            raise FieldError("a year of four digits")
        if name == "pub_date" and value is not None and not _PUB_DATE.fullmatch(value):
            raise FieldError("a date such as 2013, 2013-05 or 2013-05-07")
        if isinstance(value, str) and name in _IDENTIFIERS and not self._exported:
            normalize, wanted = _IDENTIFIERS[name]
            value = normalize(value)
            if not value:
                raise FieldError(wanted)
        return value

    def _value(self, value: object, hint: Any) -> Any:
        """Convert a JSON value to the type of its field. Raises FieldError."""
        if get_origin(hint) in (Union, UnionType):
            # A field is one type, or that type or None.
            kind = next(one for one in get_args(hint) if one is not NoneType)
            return None if value is None or value == "" else self._value(value, kind)
        if get_origin(hint) is tuple:
            if not isinstance(value, list):
                raise FieldError("a list")
            return tuple(self._value(one, get_args(hint)[0]) for one in value)
        if is_dataclass(hint):
            return self._object(value, hint)
        return self._plain(value, hint)

    def _plain(self, value: object, kind: type) -> Any:
        if kind is str:
            # A volume or a page may be a JSON number.
            text = self.text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
            if text is None:
                raise FieldError("a string")
            return text
        if kind is bool:
            return _truth_value(value)
        if kind is int:
            return _whole_number(value)
        if kind is date and isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise FieldError("a date such as 2013-05-07") from None
        raise FieldError("a date such as 2013-05-07" if kind is date else "what the field holds")

    def _object(self, value: object, kind: Any) -> Any:
        """Make a dataclass from a JSON object. If the dataclass has a `name`, a string is read as that name."""
        hints = _hints(kind)
        if isinstance(value, str) and "name" in hints:
            value = {"name": value}
        if not isinstance(value, dict) or not hints.keys() >= value.keys():
            raise FieldError(f"a list of objects with {', '.join(hints)}")
        found: dict[str, Any] = {}
        for field in fields(kind):
            given = value.get(field.name)
            if given is not None:
                found[field.name] = self._value(given, hints[field.name])
            elif field.default is MISSING and field.default_factory is MISSING:
                found[field.name] = _absent(field.name, hints[field.name])
        return kind(**found)


def _truth_value(value: object) -> bool:
    """Raises FieldError, which shows the value, for one that is neither true nor false."""
    word = str(value).strip().lower() if isinstance(value, bool | int | float | str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise FieldError(f"{_NOT_A_TRUTH_VALUE}: {_shown(value)}")


def _shown(value: object) -> str:
    """A value as JSON on one line, not longer than _LONGEST_VALUE characters."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _whole_number(value: object) -> int:
    if isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_INTEGER:
        raise FieldError("a whole number")
    return value


def _absent(name: str, hint: Any) -> Any:
    """The value of a field without a default that is missing. Raises FieldError if the field is required."""
    if get_origin(hint) in (Union, UnionType):
        return None
    if hint is bool:
        return False
    raise FieldError(f'an object with "{name}"')


def _checked_sections(sections: Iterable[Section], title: str | None, abstract: str | None) -> tuple[Section, ...]:
    first = 0 if title is None else len(title) + 1
    last = first + len(abstract or "")
    end = first
    for section in sections:
        if not end <= section.start_char <= section.end_char <= last:
            raise FieldError("a list of offsets in the abstract, in order")
        end = section.end_char
    return tuple(sections)


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
