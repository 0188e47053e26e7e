"""The commands `corpora ...`: list, describe and download the corpora that litmine knows by name."""

from pathlib import Path

import click

from litmine.cli.console import print_message, printable
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import OutputPath
from litmine.errors import NEW_GAPS


@click.group()
def corpora() -> None:
    """List, download and check corpora: mentions for `train ner --corpus NAME`, documents with relations or labels.

    \b
    litmine corpora list
    litmine corpora get NCBI-disease
    litmine corpora check sample_data/relations/challenge.jsonl
    """


@corpora.command("list")
def list_() -> None:
    """List the known corpora, with their entity types, number of relation types and licence, and which are downloaded.

    \b
    litmine corpora list
    """
    from litmine.corpora.corpus import corpus_home
    from litmine.corpora.registry import registry

    rows = [("name", "types", "relations", "licence", "downloaded")]
    for entry in registry().values():
        downloaded = "yes" if corpus_home(entry.name).is_dir() else "no"
        relations = str(len(entry.relations)) if entry.relations else "-"
        rows.append((entry.name, ", ".join(entry.entity_types) or "-", relations, entry.licence, downloaded))
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
        "relations": _declared_relations(name),
        "labels": entry.labels,
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


def _declared_relations(name: str) -> str:
    """The relation types of a corpus with the entity types that they join, as one line; empty if it has none."""
    from litmine.corpora.relation_declarations import DECLARATIONS

    if (declaration := DECLARATIONS.get(name)) is None:
        return ""
    theirs: dict[str, list[str]] = {}
    for file_type, kind in declaration.relations.items():
        theirs.setdefault(kind.name, []).append(file_type)
    where = "across sentences" if declaration.across_sentences else "within a sentence"
    types = ", ".join(f"{' and '.join(names)} as {ours}" for ours, names in theirs.items())
    return f"{types}; between {declaration.level}, {where}"


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


@corpora.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--of", "corpus", metavar="NAME", default="", help="The corpus whose types and relations it has.")
@click.option("--errors", type=WholeNumber(0), default=3, show_default=True, help="Examples of each kind of error.")
@click.option("-o", "output", type=OutputPath(path_type=Path), help="Write the documents to this file, as JSON lines.")
@click.pass_context
def check(context: click.Context, /, path: Path, corpus: str, errors: int, output: Path | None) -> None:
    """Read documents with relations or labels, count what they have, and list what is wrong with them.

    \b
    litmine corpora check sample_data/relations/challenge.jsonl
    litmine corpora check ./DrugProt/training --of DrugProt -o ./drugprot.jsonl

    PATH is a file (annotated documents as JSON lines, PubTator, BioC JSON, XML of DDI 2013, the files of PHEE, GAD,
    EU-ADR and of corpora with labels, CSV of labelled texts, MEDLINE text) or a folder (brat, the tables of ChemProt
    and DrugProt, ADE, XML of DDI 2013). What does not hold, such as wrong offsets and relations to missing mentions, is
    counted, listed with its place, and left out; then the exit code is 3.
    """
    from litmine.atomic_write import open_atomic
    from litmine.corpora.document_formats.json_lines import to_json_line
    from litmine.corpora.relation_corpus import count_documents, read_relation_corpus

    read = read_relation_corpus(path, corpus)
    counts = count_documents(read.documents)
    click.echo(f"{counts.documents:,} documents, {counts.characters:,} characters")
    for label, numbers in (
        ("mentions", counts.mentions),
        ("relations", counts.relations),
        ("qualifiers", counts.qualifiers),
        ("labels", counts.labels),
        ("labels of sentences", counts.sentence_labels),
    ):
        if numbers:
            click.echo(f"{label}: {', '.join(f'{number:,} {name}' for name, number in numbers.items())}")
    click.echo(f"{read.report.dropped:,} errors" if read.report.dropped else "no errors")
    for line in read.report.lines(errors):
        click.echo(printable(line))
    if output is not None:
        with open_atomic(output) as out:
            out.writelines(f"{to_json_line(one)}\n".encode() for one in read.documents)
        print_message(f"the documents are in {output}")
    if read.report.dropped:
        context.exit(NEW_GAPS)
