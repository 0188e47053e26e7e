"""The order of the versions of a PMID, in Python and in SQL: the greatest is the current version.

A record counts before a bare text, whenever either was read. Within a class the latest counts: by its source's date, by
the record's own revision date, by the version of the reader that made it. The hash of the content decides the rest, so
that the order of imports never does.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from litmine.types import RECORD


class VersionKey(NamedTuple):
    """Where a version stands; the fields are columns of `articles`, the first that differs decides.

    `as_of` is in microseconds since 1970, UTC. `revised` is `date.min` for a record without a revision date.
    """

    record_class: int
    as_of: int
    revised: date
    reader_version: int
    record_hash: int


# What counts where a column is null: no revision date, or a part that is older than the column.
_NULLS = {
    "record_class": str(RECORD),
    "revised": f"DATE '{date.min.isoformat()}'",
    "reader_version": "0",
}
VERSION_COLUMNS = VersionKey._fields


def version_column(name: str) -> str:
    """SQL for a column of the order as the order reads it, never null."""
    return f"coalesce({name}, {_NULLS[name]})" if name in _NULLS else name


def version_struct(more: Sequence[str] = ()) -> str:
    """SQL for a struct that `max` orders as `VersionKey` does; `more` columns, which two versions share, come last."""
    values = {name: version_column(name) for name in VERSION_COLUMNS} | {name: name for name in more}
    fields = ", ".join(f"'{name}': {value}" for name, value in values.items())
    return f"{{{fields}}}"


def version_key_fields(struct: str) -> str:
    """SQL that selects the fields of a `version_struct` as `VersionKey` has them."""
    return ", ".join(
        f"epoch_us({struct}.{name})" if name == "as_of" else f"{struct}.{name}" for name in VERSION_COLUMNS
    )
