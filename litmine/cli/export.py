"""The command `export`: articles with entities, in formats that annotation tools read."""

import sys
from pathlib import Path

import click

from litmine.cli.console import print_message
from litmine.cli.options import OutputPath, lake_option
from litmine.errors import SettingError
from litmine.lake.paths import LakePath


@click.command()
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["pubtator", "bioc", "jsonl"]),
    required=True,
    help="Output format: PubTator, BioC JSON (as in PubTator3), or JSON lines with one article each.",
)
@click.option(
    "-o", "--output", type=OutputPath(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
)
@click.option(
    "--where", metavar="SQL", help='Export only articles that match this SQL condition, such as "year >= 2020".'
)
@click.option(
    "--model",
    "refs",
    metavar="REF",
    multiple=True,
    help="Export the entities of this model: name@digest or a reference. Repeatable.  [default: the active models]",
)
@click.option(
    "--type",
    "entity_types",
    metavar="TYPE",
    multiple=True,
    help="Export only entities of this type. Repeatable.  [default: all types]",
)
def export(
    lake: LakePath,
    form: str,
    output: Path | None,
    where: str | None,
    refs: tuple[str, ...],
    entity_types: tuple[str, ...],
) -> None:
    """Export articles and their entities, sorted by PMID. The formats are PubTator, BioC JSON and JSON lines.

    \b
    litmine export --format pubtator -o articles.pubtator
    litmine export --format bioc --where "year >= 2020" --type Disease -o recent.json
    litmine export --format jsonl | head

    Relations of the active models are exported too: in PubTator those that the text states between identifiers.
    Offsets count Unicode code points. An output file appears only when it is complete. To export answers or other
    tables, use `litmine sql`.
    """
    from litmine.lake.documents import DocumentSelection
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_models import tagger_names
    from litmine.pipeline.export import export as write
    from litmine.pipeline.export import export_notes

    opened = Lake(lake)
    models = tagger_names(opened, refs) if refs else None
    selection = DocumentSelection(models, entity_types or None, where)
    if output is None and sys.stdout is None:
        raise SettingError("stdout is closed; write to a file with -o FILE")
    exported = write(opened, form, output or sys.stdout.buffer, selection)
    if output is None:
        sys.stdout.buffer.flush()
    print_message(f"{exported.summary()} exported")
    for sentence in [*exported.notes(), *export_notes(opened, models)]:
        print_message(f"note: {sentence}")
