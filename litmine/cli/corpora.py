"""The commands `corpora ...`: list, describe and download the corpora that litmine knows by name."""

import click

from litmine.cli.console import print_message


@click.group()
def corpora() -> None:
    """List and download corpora for `train ner --corpus NAME`.

    \b
    litmine corpora list
    litmine corpora get NCBI-disease
    """


@corpora.command("list")
def list_() -> None:
    """List the known corpora. The columns are entity types, licence, and whether the corpus is downloaded.

    \b
    litmine corpora list
    """
    from litmine.corpora.corpus import corpus_home
    from litmine.corpora.registry import registry

    rows = [("name", "types", "licence", "downloaded")]
    for entry in registry().values():
        downloaded = "yes" if corpus_home(entry.name).is_dir() else "no"
        rows.append((entry.name, ", ".join(entry.entity_types), entry.licence, downloaded))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@corpora.command()
@click.argument("name")
def show(name: str) -> None:
    """Describe a corpus: types, guideline, terms, source, files, citation.

    \b
    litmine corpora show BC5CDR
    """
    from litmine.corpora.corpus import corpus_home
    from litmine.corpora.registry import find_corpus

    entry = find_corpus(name)
    types = ", ".join(f"{theirs} as {ours}" if ours != "-" else f"not {theirs}" for theirs, ours in entry.types.items())
    facts = {
        "types": types,
        "guideline": entry.guideline,
        "licence": entry.licence,
        "terms": entry.terms,
        "source": entry.source,
        "format": entry.format,
        "files": ", ".join(entry.files),
        "download": entry.url,
        "to obtain": entry.obtain,
        "cite": f"{entry.citation} {entry.doi}".rstrip(),
        "note": entry.note,
        "downloaded": str(corpus_home(name)) if corpus_home(name).is_dir() else f"no; {entry.how_to_obtain}",
    }
    click.echo(entry.name)
    for label, text in facts.items():
        if text:
            click.echo(f"{label:<14}{text}")


@corpora.command()
@click.argument("name")
@click.option(
    "--from",
    "url",
    metavar="URL",
    help="Download from this address instead: a folder (ending in /), a zip or tar archive, or the train file.",
)
def get(name: str, url: str | None) -> None:
    """Download the train and dev splits of a corpus. Some corpora must be obtained by hand: see `corpora show`.

    \b
    litmine corpora get NCBI-disease
    litmine corpora get BioRED --from https://example.org/BIORED.zip

    The files go to corpora/NAME in LITMINE_HOME, with a SOURCE.txt that records address, date and terms. Test splits
    are not kept.
    """
    from litmine.corpora.download import download_corpus
    from litmine.corpora.registry import find_corpus

    entry = find_corpus(name)
    folder = download_corpus(entry, url, print_message)
    print_message(f"{entry.name} is in {folder}; licence: {entry.licence}; terms: {entry.terms}")
