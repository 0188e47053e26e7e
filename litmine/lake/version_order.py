"""The order of the versions of a PMID, in Python and in SQL: the greatest is the current version.

A record is greater than any bare text. Within a class, versions are compared by PubMed's `Version` of the article,
which only increases: a file without a date may have an older one and counts as new. Then by the source's date, by the
record's revision date, by the version of the source reader, and last by the hash of the content, so that the order of
imports never matters.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from litmine.types import RECORD


class VersionKey(NamedTuple):
    """The sort key of a version. The fields are columns of `articles`; the first field that differs decides.

    `version` is 1 for a bare text, and for a record whose source gives none. `as_of` is in microseconds since 1970,
    UTC. `revised` is `date.min` for a record without a revision date.
    """

    record_class: int
    version: int
    as_of: int
    revised: date
    reader_version: int
    record_hash: int


# SQL for the value of a null: the record has no revision date, its `Version` is 1, or its part was written before the
# column existed.
_NULLS = {
    "record_class": str(RECORD),
    "version": "1",
    "revised": f"DATE '{date.min.isoformat()}'",
    "reader_version": "0",
}
VERSION_COLUMNS = VersionKey._fields


def version_column(name: str, row: str = "") -> str:
    """SQL for a column of the sort key, with its nulls replaced; `row` is a prefix such as `article.`."""
    return f"coalesce({row}{name}, {_NULLS[name]})" if name in _NULLS else f"{row}{name}"


def version_struct(more: Sequence[str] = ()) -> str:
    """SQL for a struct that `max` orders as `VersionKey` does.

    The columns `more` come last. They do not change the order, because versions with equal keys have equal values.
    """
    values = {name: version_column(name) for name in VERSION_COLUMNS} | {name: name for name in more}
    fields = ", ".join(f"'{name}': {value}" for name, value in values.items())
    return f"{{{fields}}}"


def version_key_fields(struct: str) -> str:
    """SQL that selects the fields of a `version_struct` as `VersionKey` has them."""
    return ", ".join(
        f"epoch_us({struct}.{name})" if name == "as_of" else f"{struct}.{name}" for name in VERSION_COLUMNS
    )
