"""The command `schema`: views and tables, column by column."""

import json

import click

from litmine.lake.paths import TABLES
from litmine.schema import table_declaration


@click.command()
@click.argument("table", required=False, type=click.Choice(TABLES))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How it is printed; json is Iceberg's schema JSON.",
)
def schema(table: str | None, form: str) -> None:
    """The views that can be queried, and the tables behind them, column by column.

    \b
    litmine schema
    litmine schema entities --format json
    """
    from litmine.lake.view_definitions import sentences

    if form == "json":
        click.echo(json.dumps([table_declaration(name) for name in ([table] if table else TABLES)], indent=2))
        return
    if table is None:
        for name, sentence in sentences().items():
            click.echo(f"{name}: {sentence}")
        click.echo()
    for name in [table] if table else TABLES:
        declared = table_declaration(name)
        click.echo(f"{name}/*.parquet: {declared['doc']}")
        for column in declared["fields"]:
            kind = column["type"] if isinstance(column["type"], str) else column["type"]["type"]
            click.echo(f"  {column['name']:18}{kind:12}{column['doc']}")
        click.echo()
