"""The mentions of a text that relation models read: the rows of several taggers and linkers as one list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from litmine.corpora.documents import AnnotatedEntity
from litmine.corpora.relation_declarations import SUBJECT_ORDER
from litmine.lake.targets import UpstreamRows

# What types are called elsewhere, in lower case. A protein counts as its gene, as in the corpora of relations.
_TYPES = {**{name.lower(): name for name in SUBJECT_ORDER}, "protein": "Gene", "drug": "Chemical"}
_SEPARATOR = "|"


def mentions_by_text(inputs: Sequence[UpstreamRows]) -> Iterator[list[AnnotatedEntity]]:
    """The mentions of each text of a part, from the rows of all inputs of a step; see `join_mentions`."""
    for rows in zip(*(one.rows_by_text() for one in inputs), strict=True):
        yield join_mentions(row for of_input in rows for row in of_input)


def join_mentions(rows: Iterable[Mapping[str, Any]]) -> list[AnnotatedEntity]:
    """The mentions of rows of `entities` or `links` of one text, by start, end and type, with ids T1, T2 and so on.

    Rows of the same offsets and type are one mention, with the identifiers of all of them. The order of the rows has no
    effect.
    """
    written: dict[tuple[int, int, str], set[str]] = {}
    for row in rows:
        key = row["start_char"], row["end_char"], related_type(row["entity_type"])
        identifiers = written.setdefault(key, set())
        if row["identifier"]:
            identifiers.add(row["identifier"])
    return [
        AnnotatedEntity(start, end, entity_type, _split(written[start, end, entity_type]), f"T{number}")
        for number, (start, end, entity_type) in enumerate(sorted(written), 1)
    ]


def related_type(entity_type: str) -> str:
    """What relations call an entity type: `Gene` for a Protein, other types by their own name."""
    return _TYPES.get(entity_type.lower(), entity_type)


def _split(written: Iterable[str]) -> tuple[str, ...]:
    """The identifiers, each once, of columns in which several are joined by `|`."""
    return tuple(dict.fromkeys(one for column in sorted(written) for one in column.split(_SEPARATOR) if one))
