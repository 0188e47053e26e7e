"""How much of the machine a query may use: memory, threads, temporary disk space and time of DuckDB.

The limits apply to every DuckDB connection of litmine. Options of `sql` set them for one query, the environment for
every command. Only queries of `explore` have a limit of time.
"""

import os
import re
import shutil
import tempfile
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from litmine.errors import QueryLimitError, SettingError

if TYPE_CHECKING:
    import duckdb

# The variables that set the limits of all commands, by field.
VARIABLES = {"memory": "LITMINE_SQL_MEMORY", "threads": "LITMINE_SQL_THREADS", "spill": "LITMINE_SQL_SPILL"}
# The other programs of the machine, and what Python and Arrow hold of the result, get the rest.
_DEFAULT_MEMORY = "60%"
# Share of the free space of the temporary folder.
_DEFAULT_SPILL_SHARE = 0.5
# Less than this does not hold the blocks that each thread needs.
_MIN_MEMORY = 32_000_000
_UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_OUT_OF_TIME = "the query takes longer than it may; let it read fewer rows or columns, or run it with `litmine sql`"
# How DuckDB reports a limit: (16.2 MiB/19.0 MiB used).
_USED = re.compile(r"/(?P<limit>[0-9.]+ [KMGT]?i?B(ytes)?) used\)")
_SIZE = re.compile(rf"(?P<number>\d+(\.\d+)?) ?(?P<unit>{'|'.join(_UNITS)})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The limits of a connection; empty or None for the default.

    memory: size such as 4GB; by default 60 % of the machine's or the container's memory. threads: number of threads; by
    default one for each core. spill: size of the data that may be written to disk while a query runs, since it does not
    fit into memory; by default half of the space that is free. seconds: time until the last row is read; by default
    any.
    """

    memory: str = ""
    threads: int | None = None
    spill: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.memory and _bytes(self.memory) < _MIN_MEMORY:
            raise SettingError(f"the memory of a query must be at least 32MB, not {self.memory}")
        if self.spill:
            _bytes(self.spill)
        if self.threads is not None and self.threads < 1:
            raise SettingError(f"the number of threads must be at least 1, not {self.threads}")

    def or_environment(self) -> "QueryLimits":
        """These limits, those that are not set from the environment. Raises SettingError for a variable's bad value."""
        set_here = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name)}
        return QueryLimits(**{**_environment(), **set_here})


def _environment() -> dict[str, str | int]:
    values: dict[str, str | int] = {}
    for field, variable in VARIABLES.items():
        if value := os.environ.get(variable, "").strip():
            try:
                values[field] = int(value) if field == "threads" else value
                QueryLimits(**{field: values[field]})  # type: ignore[arg-type]
            except (ValueError, SettingError) as error:
                reason = error if isinstance(error, SettingError) else f"{value!r} is not a number"
                raise SettingError(f"{variable}: {reason}") from error
    return values


def _bytes(size: str) -> int:
    """The number of bytes of a size such as 4GB. Raises SettingError."""
    match = _SIZE.fullmatch(size.strip())
    if match is None:
        raise SettingError(f"{size!r} is not a size; write a number and a unit, such as 500MB or 4GB")
    return int(float(match["number"]) * _UNITS[match["unit"].upper()])


def limit_connection(connection: "duckdb.DuckDBPyConnection", limits: QueryLimits | None = None) -> None:
    """Apply limits to a connection, before its first query; those that are not set come from the environment.

    DuckDB creates the folder for what does not fit into memory when it needs it, and deletes it when the connection
    is closed. Raises SettingError for a variable's bad value.
    """
    limits = (limits or QueryLimits()).or_environment()
    temporary = Path(tempfile.gettempdir())
    spill = _bytes(limits.spill) if limits.spill else int(shutil.disk_usage(temporary).free * _DEFAULT_SPILL_SHARE)
    settings = {
        # Queries can read this folder, so its name must be new.
        "temp_directory": str(temporary / f"litmine-{uuid4().hex}"),
        "max_temp_directory_size": f"{spill}B",
        "memory_limit": f"{_bytes(limits.memory)}B" if limits.memory else _DEFAULT_MEMORY,
    }
    for name, value in settings.items():
        quoted = value.replace("'", "''")
        connection.execute(f"SET {name} = '{quoted}'")
    if limits.threads is not None:
        connection.execute(f"SET threads = {limits.threads}")


class Deadline:
    """Interrupts the query of a connection when its time is over; without effect for `seconds` None."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", seconds: float | None) -> None:
        self._connection = connection
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end) if seconds is not None else None
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def check(self) -> None:
        """Raise QueryLimitError if the time is over. DuckDB ignores an interrupt between two batches of rows."""
        if self._is_over:
            raise QueryLimitError(_OUT_OF_TIME)

    def cancel(self) -> None:
        """Interrupt nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self._is_over = True
        self._connection.interrupt()


def limit_error(message: str) -> QueryLimitError | None:
    """The error for a message of DuckDB that a query exceeded a limit; None for any other message."""
    if "INTERRUPT Error" in message:
        return QueryLimitError(_OUT_OF_TIME)
    if "Out of Memory Error" in message:
        limit = "spill" if "max_temp_directory_size" in message else "memory"
        kind = "temporary disk space" if limit == "spill" else "memory"
        used = _USED.search(message)
        size = f" than {used['limit']}" if used else ""
        return QueryLimitError(
            f"the query needs more {kind}{size}; raise the limit with `litmine sql --{limit} SIZE` or"
            f" {VARIABLES[limit]}, or let the query read fewer rows or columns"
        )
    if "No space left on device" in message:
        return QueryLimitError(
            f"the query needs more temporary disk space than {tempfile.gettempdir()} has; free some, set TMPDIR to"
            " another folder, or raise the memory with --memory so that less is written"
        )
    return None
