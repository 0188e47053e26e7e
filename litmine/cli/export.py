"""The command `export`: articles and their entities, for tools that read no SQL."""

import sys
from pathlib import Path

import click

from litmine.cli.console import say
from litmine.cli.options import lake_option
from litmine.errors import SettingError
from litmine.lake.paths import Place


@click.command()
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["pubtator", "bioc", "jsonl"]),
    required=True,
    help="PubTator, BioC JSON as PubTator3 gives it, or an article with its entities a line of JSON.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
)
@click.option("--where", metavar="SQL", help='Only articles that meet this condition on `articles`: "year >= 2020".')
@click.option(
    "--model",
    "refs",
    metavar="REF",
    multiple=True,
    help="Entities of this model, by name@digest or reference; repeatable.  [default: the active models]",
)
@click.option(
    "--type",
    "entity_types",
    metavar="TYPE",
    multiple=True,
    help="Entities of this type only; repeatable.  [default: all types]",
)
def export(
    lake: Place, form: str, output: Path | None, where: str | None, refs: tuple[str, ...], entity_types: tuple[str, ...]
) -> None:
    """The current articles and their entities as PubTator, BioC JSON or JSON Lines, in order of PMID.

    \b
    litmine export --format pubtator -o articles.pubtator
    litmine export --format bioc --where "year >= 2020" --type Disease -o recent.json
    litmine export --format jsonl | head

    Offsets are exact, in code points. A file is there whole or not at all. For answers, or any other table, take
    `litmine sql`.
    """
    from litmine.lake.documents import Selection
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_models import taggers_of
    from litmine.pipeline.export import export as write

    opened = Lake(lake)
    models = taggers_of(opened, refs) if refs else None
    selection = Selection(models, entity_types or None, where)
    if output is None and sys.stdout is None:
        raise SettingError("stdout is closed; name a file with -o FILE")
    exported = write(opened, form, output or sys.stdout.buffer, selection)
    if output is None:
        sys.stdout.buffer.flush()
    say(f"{exported.articles:,} articles with {exported.mentions:,} entities written")
    for model, sentence in opened.incomplete():
        if models is None or model in models:
            say(f"note: {sentence}")
