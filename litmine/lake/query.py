"""One SELECT over a lake: it reads the views and the lake's files, writes nothing and reads nothing else."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa

from litmine.errors import QueryError
from litmine.lake.damage import naming_damage
from litmine.lake.place import Place
from litmine.lake.statement import Select, single_select
from litmine.lake.view_texts import sentences
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, quoted, show

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 10_000


def select(lake: Place, query: str) -> pa.RecordBatchReader:
    """The rows of a query, as they are computed.

    Raises QueryError, in one sentence, when it is not exactly one SELECT, when DuckDB refuses it, and when it looks
    outside the lake; LakeError when a file of the lake is damaged. Both also while the rows are read.
    """
    with _naming(lake):
        connection = quiet_duckdb(lake)
        # Before a file of the lake is opened: what is refused costs nothing.
        asked = single_select(connection, query)
        show(connection, lake, _needed(asked))
        _shut(connection, lake)
        rows = interruptibly(connection, lambda: connection.sql(asked.statement).to_arrow_reader(_BATCH_ROWS))

    def batches() -> Iterator[pa.RecordBatch]:
        with connection, _naming(lake):
            while (batch := interruptibly(connection, lambda: next(rows, None))) is not None:
                yield batch

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _needed(asked: Select) -> set[str] | None:
    """The views that it reads: to make all takes longer than most answers. None for all: its mistake may be a name."""
    return asked.names if asked.names is not None and asked.names <= sentences().keys() else None


def _shut(connection: "duckdb.DuckDBPyConnection", lake: Place) -> None:
    """Let the connection read the lake and nothing else, for good."""
    # A folder that nobody else has, made only when a query spills: DuckDB lets queries read its spill folder.
    spill = Path(tempfile.gettempdir()) / f"litmine-{uuid4().hex}"
    allowed = sorted({str(lake), glob_escaped(lake)})
    for statement in (
        f"SET temp_directory = {quoted(str(spill))}",
        f"SET allowed_directories = [{', '.join(map(quoted, allowed))}]",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET python_enable_replacements = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)


def _naming(lake: Place) -> AbstractContextManager[None]:
    """Turn what DuckDB raises into LakeError or QueryError."""
    # Its errors come through a reader of Arrow as OSError, with the kind in front of the message.
    # Arrow does not take types as deep as DuckDB's.
    return naming_damage(lake, lambda message: QueryError(_sentence(message)), (OSError, pa.ArrowException))


def _sentence(message: str) -> str:
    """DuckDB's message in one line: its kind and the excerpt of the query left out, its hint kept."""
    kind, _, rest = message.partition(" Error: ")
    if not rest:
        kind, rest = "", message
    said = " ".join(re.split(r"\n+LINE \d+:", rest)[0].split())
    if kind == "Permission":
        return f"a query reads the views and the lake's own files, and nothing else: {said}"
    if kind == "Catalog" and "Table with name" in said and not any(f'"{view}"' in said for view in sentences()):
        said = f"{said.split('!')[0]}; the views are {', '.join(sentences())}"
    return f"the query cannot be answered: {said}"
