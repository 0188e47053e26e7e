"""The commands `corpora ...`: the corpora known by name, and those that are here."""

import click

from litmine.cli.console import say


@click.group()
def corpora() -> None:
    """The corpora that `train ner --corpus NAME` takes by name.

    \b
    litmine corpora list
    litmine corpora get NCBI-disease
    """


@corpora.command("list")
def list_() -> None:
    """Each corpus with its types, its licence, and whether it is here.

    \b
    litmine corpora list
    """
    from litmine.corpora.corpus import corpus_home
    from litmine.corpora.registry import registry

    rows = [("name", "types", "licence", "here")]
    for entry in registry().values():
        here = "yes" if corpus_home(entry.name).is_dir() else "no"
        rows.append((entry.name, ", ".join(entry.entity_types), entry.licence, here))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@corpora.command()
@click.argument("name")
def show(name: str) -> None:
    """Everything known of a corpus: types, guideline, terms, source, files, citation.

    \b
    litmine corpora show BC5CDR
    """
    from litmine.corpora.corpus import corpus_home
    from litmine.corpora.registry import find

    entry = find(name)
    named = ", ".join(f"{theirs} as {ours}" if ours != "-" else f"not {theirs}" for theirs, ours in entry.types.items())
    facts = {
        "types": named,
        "guideline": entry.guideline,
        "licence": entry.licence,
        "terms": entry.terms,
        "source": entry.source,
        "format": entry.format,
        "files": ", ".join(entry.files),
        "fetched from": entry.url,
        "to obtain": entry.obtain,
        "cite": f"{entry.citation} {entry.doi}".rstrip(),
        "note": entry.note,
        "here": str(corpus_home(name)) if corpus_home(name).is_dir() else f"no; {entry.how_to_obtain}",
    }
    click.echo(entry.name)
    for fact, what in facts.items():
        if what:
            click.echo(f"{fact:<14}{what}")


@corpora.command()
@click.argument("name")
@click.option(
    "--from",
    "url",
    metavar="URL",
    help="Another address: a folder (ending with a slash), a zip or tar archive, or the file of the train split.",
)
def get(name: str, url: str | None) -> None:
    """Fetch the train and dev splits of a corpus, if its terms let anyone fetch it; test splits are left out.

    \b
    litmine corpora get NCBI-disease
    litmine corpora get BioRED --from https://example.org/BIORED.zip

    It goes into corpora/NAME of LITMINE_HOME, with a SOURCE.txt that says from where, when and on what terms.
    """
    from litmine.corpora.download import obtain
    from litmine.corpora.registry import find

    entry = find(name)
    folder = obtain(entry, url, say)
    say(f"{entry.name} is in {folder}; licence: {entry.licence}; terms: {entry.terms}")
