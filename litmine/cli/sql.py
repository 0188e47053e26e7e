"""The command `sql`: query the lake with one SELECT statement."""

import sys
from pathlib import Path

import click

from litmine.atomic_write import require_outside_lakes
from litmine.cli.console import print_message
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import OutputPath, lake_option
from litmine.cli.query_output import FORMATS
from litmine.errors import QueryError, SourceError
from litmine.lake.paths import LakePath
from litmine.lake.query_limits import VARIABLES, QueryLimits
from litmine.pipeline.count_format import format_count
from litmine.sources.bounded import read_up_to

# A query has at most a million characters (`litmine.lake.query`), each of at most four bytes.
_MAX_QUERY_BYTES = 4 << 20


def _read_query() -> str:
    """The query on stdin. Raises QueryError for more than any query may have."""
    try:
        content = read_up_to(sys.stdin.buffer, _MAX_QUERY_BYTES, "a query")
    except SourceError as error:
        raise QueryError(f"the query on stdin cannot be read: {error}") from error
    return content.decode(errors="surrogateescape")


@click.command()
@click.argument("query")
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Output format.  [default: from the suffix of the output file, else table]",
)
@click.option(
    "-o", "--output", type=OutputPath(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
)
@click.option(
    "--memory",
    metavar="SIZE",
    envvar=VARIABLES["memory"],
    default="",
    help=f"Memory of the query, such as 4GB.  [env: {VARIABLES['memory']}; default: 60 % of the machine's memory]",
)
@click.option(
    "--threads",
    type=WholeNumber(min=1),
    metavar="N",
    envvar=VARIABLES["threads"],
    help=f"Threads of the query.  [env: {VARIABLES['threads']}; default: one for each core]",
)
@click.option(
    "--spill",
    metavar="SIZE",
    envvar=VARIABLES["spill"],
    default="",
    help="Disk space for what does not fit into memory, in the temporary folder (TMPDIR); it is freed at the end."
    f"  [env: {VARIABLES['spill']}; default: half of what is free]",
)
def sql(
    query: str,
    lake: LakePath,
    form: str | None,
    output: Path | None,
    memory: str,
    threads: int | None,
    spill: str,
) -> None:
    """Query the lake with one SELECT statement of DuckDB's SQL. A query reads only the lake and changes nothing.

    \b
    litmine sql "select entity_type, count(*) from entities group by all"
    litmine sql - --format csv < query.sql
    litmine sql "from articles where retracted" -o retracted.parquet

    A table wraps long text, such as a quote, and cuts it after six lines; the other formats have all of it.

    A query that needs more memory or disk space than its limits ends with an error. The environment variables apply
    to every command.

    With - as QUERY, the query is read from stdin. `litmine schema` lists the views, and the query `describe VIEW` the
    columns of one.
    """
    from litmine.cli.query_output import write_result
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_models import unknown_models_note

    limits, opened = QueryLimits(memory, threads, spill), Lake(lake)
    if output is not None:
        require_outside_lakes(output, lake)
    # Bytes that are not UTF-8 become surrogates, which `select` refuses with a clear message.
    text = _read_query() if query == "-" else query
    rows = write_result(opened.select(text, limits), form, output)
    if output is not None:
        print_message(f"{format_count(rows, 'rows')} written to {output}")
    if note := unknown_models_note(opened, text):
        print_message(f"note: {note}")
    for _, sentence in opened.coverage_warnings(text):
        print_message(f"note: {sentence}")
