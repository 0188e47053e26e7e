"""Open DuckDB. All connections of litmine are made here: none of them loads or downloads an extension.

DuckDB takes a file that is not its own for one of another database, and would download the extension that reads it.
What litmine needs (Parquet, JSON, time zones) is part of DuckDB's package.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from litmine.lake.folders import read_plain_head
from litmine.lake.query_limits import QueryLimits, limit_connection

if TYPE_CHECKING:
    import duckdb

_NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
}
# A database file has these bytes after the checksum of its first block.
_MAGIC, _MAGIC_START = b"DUCK", 8


def connect_duckdb(
    file: Path | None = None, *, read_only: bool = False, limits: QueryLimits | None = None
) -> "duckdb.DuckDBPyConnection":
    """Open a database file of DuckDB, or without one a database in memory, within limits.

    A file that is opened to be read gets no access to other files. Raises SettingError as `limit_connection`, and
    duckdb.Error if the file cannot be opened.
    """
    import duckdb

    connection = duckdb.connect(str(file or ":memory:"), read_only, config=dict(_NO_EXTENSIONS))
    try:
        limit_connection(connection, limits)
        if read_only:
            # The views in it may be of anyone who can write into the lake.
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def is_duckdb_file(path: Path) -> bool:
    """Whether a path is a database file of DuckDB, and no link."""
    return read_plain_head(path, _MAGIC_START + len(_MAGIC))[_MAGIC_START:] == _MAGIC
