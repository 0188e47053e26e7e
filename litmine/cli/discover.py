"""The command `discover`: what may be related and is not yet said to be."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from litmine.atomic_write import require_outside_lakes
from litmine.cli.console import print_message, printable
from litmine.cli.discovery_options import OPTION_NAMES, cli_wording, kind_option, rules_option, to_option, via_option
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import OutputPath, lake_option
from litmine.cli.query_output import FORMATS, check_format
from litmine.lake.paths import LakePath

if TYPE_CHECKING:
    from litmine.discovery.discover import Discovery
    from litmine.lake.lake import Lake

# The columns of the table on a terminal; the other formats have all.
_OPEN_COLUMNS = ("rank", "concept", "concept_type", "score", "linking_terms", "link", "articles_1", "articles_2")
_CLOSED_COLUMNS = ("rank", "link", "link_type", "score", "articles_1", "first_year_1", "articles_2", "first_year_2")
# What a network has.
_DRAWN = ("concepts", "connections")


@click.command()
@click.argument("concepts", metavar="[CONCEPT] [CONCEPT]", nargs=-1)
@lake_option
@click.option("--where", metavar="SQL", help="Start from all concepts that match this SQL condition on `concepts`.")
@click.option("--narrower", is_flag=True, help="Let the start stand for the headings below it in MeSH, too.")
@to_option
@via_option
@click.option("--until", type=WholeNumber(min=1), metavar="YEAR", help="Read only articles of this year and before.")
@click.option(
    "--known",
    type=WholeNumber(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Leave out results that are together with the start in more than this many articles.",
)
@kind_option
@click.option(
    "--measure",
    type=click.Choice(["linking_terms", "minimum_weight", "npmi", "fisher", "dwpc"]),
    help="What results are ranked by.  [default: dwpc]",
)
@click.option("--top", type=WholeNumber(min=1), metavar="N", default=20, show_default=True, help="Number of results.")
@click.option(
    "--links",
    type=WholeNumber(min=1),
    metavar="N",
    default=3,
    show_default=True,
    help="Number of linking concepts to show for each result.",
)
@rules_option
@click.option("--show-rules", is_flag=True, help="Print the rules as a TOML file, and search nothing.")
@click.option("--explain", is_flag=True, help="Print how each score came about, with a sentence for each connection.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Output format.  [default: by file, else table]")
@click.option(
    "-o", "--output", type=OutputPath(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
)
@click.option(
    "--network",
    type=OutputPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a network for Cytoscape: FILE.graphml or FILE.json.",
)
@click.pass_context
def discover(
    context: click.Context,
    concepts: tuple[str, ...],
    lake: LakePath,
    where: str | None,
    narrower: bool,
    to: tuple[str, ...],
    via: tuple[str, ...],
    until: int | None,
    known: int,
    kind: str,
    measure: str | None,
    top: int,
    links: int,
    rules: Path | None,
    show_rules: bool,
    explain: bool,
    form: str | None,
    output: Path | None,
    network: Path | None,
) -> None:
    """Find concepts that may be related and are in no article together, through concepts that both are together with.

    \b
    litmine discover hypertension --to Chemical
    litmine discover hypertension simvastatin --explain
    litmine discover --where "under(tree_numbers, 'C04')" --to Chemical --via Gene

    With one concept the search is open: results are ranked, each with the linking concepts that lead to it. With two it
    is closed: the concepts that link both are ranked. A concept is an identifier (MESH:D011928) or a name. Retracted
    articles and notices do not count. A first search builds an index beside the lake, and later ones update it.

    The rules leave out concepts that link everything or are the start by another name; stderr says how many.

    The exit code is 1 if the lake does not have what the search names: a concept, a type, a branch or a year.
    """
    from litmine.cli.query_output import write_result
    from litmine.discovery.discover import discover as search
    from litmine.discovery.explain import explanation
    from litmine.discovery.network import check_network_file, write_network
    from litmine.discovery.request import DEFAULT_MEASURE, DiscoveryRequest
    from litmine.discovery.rules import DiscoveryRules, read_rules, rules_text
    from litmine.lake.lake import Lake
    from litmine.pipeline.count_format import format_count

    chosen = read_rules(rules) if rules else DiscoveryRules()
    if show_rules:
        click.echo(rules_text(chosen))
        return
    _check_combination(context)
    if output is not None:
        check_format(form, output)
        require_outside_lakes(output, lake)
    if network is not None:
        check_network_file(network)
        require_outside_lakes(network, lake)
    opened = Lake(lake)
    with cli_wording():
        request = DiscoveryRequest(
            concepts,
            where=where,
            narrower=narrower,
            to=to,
            via=via,
            until=until,
            known=known,
            kind=kind,  # type: ignore[arg-type]
            measure=measure or DEFAULT_MEASURE,  # type: ignore[arg-type]
            limit=top,
            links=links,
            rules=chosen,
        )
        found = search(opened, request)
    if explain:
        for line in explanation(found):
            click.echo(printable(line))
    else:
        as_table = form == "table" or (form is None and output is None)
        columns = _CLOSED_COLUMNS if found.end else _OPEN_COLUMNS
        rows = write_result((found.table.select(columns) if as_table else found.table).to_reader(), form, output)
        if output is not None:
            print_message(f"{format_count(rows, 'rows')} written to {output}")
    if network is not None:
        nodes, edges = (format_count(*one) for one in zip(write_network(found, network), _DRAWN, strict=True))
        print_message(f"network of {nodes} and {edges} written to {network}")
    _print_notes(opened, found, is_explained=explain)


def _check_combination(context: click.Context) -> None:
    """Raise UsageError for options that cannot be used together."""
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    }
    if "explain" in given and (wrong := sorted(given & {"form", "output"})):
        option = {"form": "--format", "output": "-o"}[wrong[0]]
        raise click.UsageError(
            f"--explain prints text, so {option} cannot be used with it; without --explain, every format but the table"
            " has the same numbers and sentences"
        )
    output, network = context.params["output"], context.params["network"]
    if output is not None and network is not None and output.resolve() == network.resolve():
        raise click.UsageError(f"-o and --network are the same file, {output}; choose two files")
    is_closed = len(context.params["concepts"]) + (context.params["where"] is not None) == 2
    if is_closed and (wrong := sorted(given & {"to", "known", "links"})):
        raise click.UsageError(
            f"--{wrong[0]} is for a search from one concept; between two, every row is a linking concept, which --via"
            " and --top choose"
        )


def _print_notes(lake: "Lake", found: "Discovery", is_explained: bool) -> None:
    """Say on stderr how many results there are, and what was left out unless the explanation says it."""
    from litmine.discovery.wording import with_option_names
    from litmine.pipeline.count_format import format_count

    request = found.request
    what = "linking concepts" if found.end else "results"
    ends = f"between {found.start} and {found.end}" if found.end else f"from {found.start}"
    counted = f"{format_count(found.results, what)} by {request.measure}, {ends}"
    if found.results > request.limit:
        counted = f"{request.limit:,} of {counted}; --top shows more"
    print_message(counted)
    left_out = "; ".join(f"{number:,} {reason}" for reason, number in found.left_out.items())
    if left_out and not is_explained:
        print_message(f"left out: {left_out}")
    for note in found.notes:
        print_message(f"note: {with_option_names(note, OPTION_NAMES)}")
    if request.kind != "mesh":
        for _, sentence in lake.coverage_warnings("FROM concepts"):
            print_message(f"note: {sentence}")
