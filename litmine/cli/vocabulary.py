"""The commands `vocabulary ...`: list, show, build and choose the vocabularies that mentions are linked to."""

from pathlib import Path

import click

from litmine.cli.console import print_message, printable
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import OutputPath, lake_option
from litmine.errors import DONE, NEW_GAPS, VocabularyError
from litmine.lake.paths import LakePath


@click.group()
def vocabulary() -> None:
    """List vocabularies, look names and identifiers up, and build a vocabulary from the publishers' files.

    \b
    litmine vocabulary list
    litmine vocabulary show builtin paracetamol
    """


@vocabulary.command("list")
@lake_option
def list_(lake: LakePath) -> None:
    """List the vocabularies on this machine. Each line has a name@digest, concepts and names; `*` marks the lake's.

    \b
    litmine vocabulary list

    A lake for which none was chosen has the built-in one.
    """
    from litmine.pipeline.choose_vocabulary import chosen_vocabulary
    from litmine.pipeline.count_format import format_count
    from litmine.vocabulary.catalogue import known_names, locate
    from litmine.vocabulary.storage import read_manifest

    chosen = chosen_vocabulary(lake)
    listed = []
    for name in known_names():
        try:
            manifest = read_manifest(locate(name))
        except VocabularyError as error:
            print_message(f"note: {error}")
            continue
        listed.append(f"{name}@{manifest.digest}")
        concepts = sum(section.concepts for section in manifest.sections)
        names = sum(section.names for section in manifest.sections)
        mark = "*" if listed[-1] == chosen else " "
        counts = f"{format_count(concepts, 'concepts')}\t{format_count(names, 'names')}"
        click.echo(printable(f"{mark} {listed[-1]}\t{counts}"))
    if chosen not in listed:
        click.echo(printable(f"* {chosen}\tnot among these"))


@vocabulary.command()
@click.argument("reference", default="builtin")
@click.argument("what", metavar="[IDENTIFIER|NAME]", required=False)
@click.option("--type", "entity_type", metavar="TYPE", help="Only concepts of this entity type, such as Disease.")
@click.option(
    "--taxon", type=WholeNumber(min=1), metavar="NUMBER", help="Only genes of this species, such as 9606 for human."
)
def show(reference: str, what: str | None, entity_type: str | None, taxon: int | None) -> None:
    """Show a vocabulary: sources, versions, licences, counts; or a concept, by an identifier or a name.

    \b
    litmine vocabulary show
    litmine vocabulary show builtin MESH:D000082
    litmine vocabulary show builtin "heart attack"
    litmine vocabulary show builtin p53 --type Gene --taxon 9606

    An identifier of another database, such as OMIM:114480, finds the concepts that refer to it. Of a name that the
    vocabulary does not have, the nearest names are shown, and the exit code is 2.
    """
    from litmine.vocabulary.catalogue import open_vocabulary
    from litmine.vocabulary.describe import describe_vocabulary, describe_what

    opened = open_vocabulary(reference)
    lines = describe_vocabulary(opened) if what is None else describe_what(opened, what, entity_type, taxon)
    for line in lines:
        click.echo(printable(line))


@vocabulary.command()
@click.argument("branches", metavar="BRANCH...", nargs=-1, required=True)
@click.option("--from", "reference", metavar="NAME", default="builtin", show_default=True, help="Vocabulary to take.")
@click.option(
    "--type", "other_type", metavar="TYPE", default="Process", show_default=True, help="Type of concepts without one."
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Term list to write, such as processes.tsv.",
)
def terms(branches: tuple[str, ...], reference: str, other_type: str, output: Path) -> None:
    """Write the concepts of branches of MeSH as a term list for `annotate --terms`, for what no model finds.

    \b
    litmine vocabulary terms G -o processes.tsv
    litmine vocabulary terms G D10 -o processes_and_lipids.tsv

    A branch is a tree number, such as G09, or the letter of a tree: G has phenomena and processes, such as blood
    viscosity. With them, `litmine discover` finds connections over processes.
    """
    import io

    from litmine.atomic_write import open_atomic
    from litmine.vocabulary.branch_terms import write_branch_terms
    from litmine.vocabulary.catalogue import open_vocabulary

    text = io.StringIO()
    count = write_branch_terms(open_vocabulary(reference), branches, other_type, text)
    with open_atomic(output) as out:
        out.write(text.getvalue().encode())
    print_message(f"{count:,} concepts written to {output}")


_FILE = click.Path(path_type=Path)


@vocabulary.command()
@click.option("--name", metavar="NAME", help="Name of the vocabulary, which becomes a folder in LITMINE_HOME.")
@click.option("-o", "--output", type=OutputPath(path_type=Path), metavar="FOLDER", help="Folder to build in instead.")
@click.option("--mesh", multiple=True, type=_FILE, metavar="FILE", help="MeSH: desc2026.xml, supp2026.xml, d2026.bin.")
@click.option("--gene", multiple=True, type=_FILE, metavar="FILE", help="NCBI Gene: gene_info.")
@click.option(
    "--taxon",
    multiple=True,
    type=WholeNumber(min=1),
    metavar="NUMBER",
    help="Only genes of this species; several times.",
)
@click.option("--taxonomy", type=_FILE, metavar="PATH", help="NCBI Taxonomy: taxdump.tar.gz, or its folder.")
@click.option("--hgnc", type=_FILE, metavar="FILE", help="HGNC: hgnc_complete_set.txt.")
@click.option("--mondo", type=_FILE, metavar="FILE", help="MONDO: mondo.obo.")
@click.option("--cellosaurus", type=_FILE, metavar="FILE", help="Cellosaurus: cellosaurus.txt or cellosaurus.obo.")
@click.option("--tables", type=_FILE, metavar="FOLDER", help="Tables of the built-in vocabulary (docs/vocabulary.md).")
@click.option("--builtin-rule", is_flag=True, help="Leave out what the built-in vocabulary leaves out.")
@click.pass_context
def build(
    context: click.Context,
    /,
    name: str | None,
    output: Path | None,
    builtin_rule: bool,
    mesh: tuple[Path, ...],
    gene: tuple[Path, ...],
    taxon: tuple[int, ...],
    **one_file: Path | None,
) -> None:
    """Build a vocabulary from files of NLM, NCBI, HGNC, MONDO and Cellosaurus, plain or gzip.

    \b
    litmine vocabulary build --name mesh2026 --mesh desc2026.xml --mesh supp2026.xml
    litmine vocabulary build --name mine --mesh desc2026.xml --gene gene_info.gz --taxon 9606 --taxonomy taxdump.tar.gz

    A vocabulary of the same name is replaced. A file that is not what its option says, or that is damaged, stops the
    build. An identifier that stands twice, a malformed identifier or tree number, a name of more than 1,000 characters
    and a record without a name are reported; then the exit code is 3.
    """
    from litmine.vocabulary.build import SourceFiles, build_vocabulary
    from litmine.vocabulary.catalogue import home_of

    if (name is None) == (output is None):
        raise click.UsageError("give either --name or --output")
    folder = output if output is not None else home_of(str(name))
    files = SourceFiles(mesh=mesh, gene=gene, taxa=taxon, **one_file)
    built = build_vocabulary(files, folder, name or folder.resolve().name, builtin_rule, print_message)
    for sentence in built.problems:
        print_message(f"note: {sentence}")
    sections = ", ".join(f"{one.concepts:,} of {one.vocabulary}" for one in built.manifest.sections)
    print_message(f"{built.manifest.reference} is in {folder}: {sections}")
    context.exit(NEW_GAPS if built.problems else DONE)


@vocabulary.command()
@click.argument("reference", metavar="NAME")
@lake_option
def use(reference: str, lake: LakePath) -> None:
    """Choose the vocabulary of a lake: builtin, a name from `vocabulary list`, or a folder.

    \b
    litmine vocabulary use builtin

    The choice is recorded in the lake, and the next `litmine annotate` links all mentions to it. Choose a vocabulary
    again after you have built it again.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_vocabulary import use_vocabulary

    opened = Lake(lake)
    print_message(f"{opened.location} uses the vocabulary {use_vocabulary(opened, reference)}")
