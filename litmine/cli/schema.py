"""The command `schema`: describe the views and the tables of a lake."""

import json

import click

from litmine.cli.options import NameChoice
from litmine.lake.paths import TABLES
from litmine.schema import table_declaration


@click.command()
@click.argument("table", required=False, metavar="[TABLE]", type=NameChoice(TABLES))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format; json is the schema JSON of Apache Iceberg.",
)
def schema(table: str | None, form: str) -> None:
    """Describe the views and tables of a lake. `litmine sql` queries the views.

    \b
    litmine schema
    litmine schema entities --format json

    With TABLE, only this table is described.
    """
    from litmine.lake.view_definitions import macro_descriptions, view_descriptions

    if form == "json":
        click.echo(json.dumps([table_declaration(name) for name in ([table] if table else TABLES)], indent=2))
        return
    if table is None:
        for name, sentence in {**view_descriptions(), **macro_descriptions()}.items():
            click.echo(f"{name}: {sentence}")
        click.echo()
    for name in [table] if table else TABLES:
        declared = table_declaration(name)
        click.echo(f"{name}/*.parquet: {declared['doc']}")
        width = max(len(column["name"]) for column in declared["fields"])
        for column in declared["fields"]:
            kind = column["type"] if isinstance(column["type"], str) else column["type"]["type"]
            click.echo(f"  {column['name']:{width}}  {kind:11} {column['doc']}")
        click.echo()
