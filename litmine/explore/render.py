"""The templates' environment: everything that they print is escaped, and some ways to write values."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from litmine.output.marked_text import TYPE_COLOURS, MarkedSpan, cut_text
from litmine.output.rows import cell_text
from litmine.output.trial_text import trial_facts
from litmine.pipeline.count_format import format_count
from litmine.pipeline.ranked_answers import publication_types
from litmine.versions import __version__

_IDENTIFIER_COLUMNS = re.compile(r"(\w+_)?(identifier|id)(_\d)?")
_IDENTIFIER = re.compile(r"[A-Za-z]+:\S+|CVCL_\w+")


def make_environment() -> Environment:
    """The environment of all templates."""
    environment = Environment(
        loader=PackageLoader("litmine.explore"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "type_class": type_class,
        "count": format_count,
        "cell": table_cell,
        "minute": _minute,
        "concept_address": concept_address,
        "kinds": publication_types,
        "visible": visible_spans,
        "first_linked": first_linked,
        "trial_facts": trial_facts,
        "linked_mentions": linked_mentions,
        "words": lambda text: str(text).replace("_", " "),
    }
    environment.globals |= {"cut_text": cut_text, "cell_address": cell_address, "version": __version__}
    return environment


def spans_of(mentions: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[MarkedSpan]:
    """The spans of rows of `entities`; `names` has those of identifiers."""
    return [
        MarkedSpan(
            one["start_char"],
            one["end_char"],
            one["entity_type"],
            one["identifier"],
            one["score"],
            names.get(one["identifier"], ""),
        )
        for one in mentions
    ]


def visible_spans(numbers: Sequence[int], spans: Sequence[MarkedSpan], hidden: Collection[str]) -> list[int]:
    """The spans whose types are not hidden."""
    return [number for number in numbers if spans[number].entity_type not in hidden]


def first_linked(numbers: Sequence[int], spans: Sequence[MarkedSpan]) -> str | None:
    """The identifier of the first of these spans that has one."""
    return next((spans[number].identifier for number in numbers if spans[number].identifier), None)


def linked_mentions(mentions: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    """The identifiers in mentions of a trial, each once, with the first mention that has it."""
    found: dict[str, str] = {}
    for one in mentions or ():
        for identifier in one["identifiers"] or ():
            found.setdefault(identifier, one["mention"])
    return list(found.items())


def type_class(entity_type: str | None) -> str:
    """The class of an entity type in the style sheet."""
    return f"t-{entity_type.lower()}" if entity_type in TYPE_COLOURS else "t-other"


def concept_address(identifier: str) -> str:
    """The address of a concept's page; of a composite, its first concept's."""
    return f"/concept/{quote(identifier.partition('|')[0], safe=':')}"


def table_cell(value: Any) -> str:
    """A value as the text of a table's cell: numbers with four digits, nothing for null."""
    return f"{value:.4g}" if isinstance(value, float) else cell_text(value)


def cell_address(column: str, value: Any) -> str | None:
    """Where a cell of a result links to: an article or a concept; None for other cells."""
    if column == "pmid" and isinstance(value, int):
        return f"/article/{value}"
    if isinstance(value, str) and _IDENTIFIER_COLUMNS.fullmatch(column) and _IDENTIFIER.fullmatch(value):
        return concept_address(value)
    return None


def _minute(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if isinstance(time, datetime) else str(time or "")


def series_of(rows: Sequence[Mapping[str, Any]], x: str, *columns: str) -> dict[str, Any]:
    """The data of a chart from rows."""
    return {
        "x": [row[x] for row in rows],
        "series": [{"label": name, "values": [row[name] for row in rows]} for name in columns],
    }
