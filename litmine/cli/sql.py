"""The command `sql`: one SELECT over the lake."""

import sys
from pathlib import Path

import click

from litmine.cli.console import print_message
from litmine.cli.options import lake_option
from litmine.cli.query_output import FORMATS, write_result
from litmine.lake.paths import Place


@click.command()
@click.argument("query")
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How the rows are written.  [default: what the file's name ends in, else table]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
)
def sql(query: str, lake: Place, form: str | None, output: Path | None) -> None:
    """One SELECT over the lake, by DuckDB; it reads the lake, writes nothing and looks nowhere else.

    \b
    litmine sql "select entity_type, count(*) from entities group by all"
    litmine sql - --format csv < query.sql
    litmine sql "from articles where retracted" -o retracted.parquet

    QUERY '-' reads it from stdin. `litmine schema` lists the views and their columns.
    """
    from litmine.lake.lake import Lake

    opened = Lake(lake)
    if output is not None:
        opened.keep_out(output)
    # A query that is not UTF-8 keeps its stray bytes as surrogates, and is refused with a sentence.
    text = sys.stdin.buffer.read().decode(errors="surrogateescape") if query == "-" else query
    write_result(opened.select(text), form, output)
    for _, sentence in opened.incomplete():
        print_message(f"note: {sentence}")
