"""The command `evaluate discovery`: known cases, and time slices of a lake."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litmine.cli.console import printable
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import lake_option
from litmine.lake.paths import LakePath

if TYPE_CHECKING:
    from litmine.discovery.concept_graph import ConceptGraph
    from litmine.discovery.time_slices import SliceSettings


@click.command("discovery")
@lake_option
@click.option(
    "--cases",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Known cases as JSON lines: start, end with links, or results; until.",
)
@click.option("--year", "years", type=int, metavar="YEAR", multiple=True, help="Last year of a time slice. Repeatable.")
@click.option(
    "--horizon",
    type=WholeNumber(1),
    metavar="N",
    default=5,
    show_default=True,
    help="Years after a slice.",
)
@click.option(
    "--starts",
    type=WholeNumber(1),
    metavar="N",
    default=200,
    show_default=True,
    help="Start concepts of a slice.",
)
@click.option("--to", metavar="TYPE|BRANCH", multiple=True, help="Type or MeSH branch of results. Repeatable.")
@click.option(
    "--via", metavar="TYPE|BRANCH", multiple=True, help="Type or MeSH branch of linking concepts; several times."
)
@click.option(
    "--concepts",
    "kind",
    type=click.Choice(["entities", "mesh", "both"]),
    default="entities",
    show_default=True,
    help="Concepts of linked mentions, NLM's headings of the records, or both.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Rules for what is too general or the same, as `litmine discover --show-rules` prints them.",
)
@click.option(
    "--seed", type=WholeNumber(min=0), metavar="N", default=0, show_default=True, help="Which start concepts are drawn."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Output."
)
def evaluate_discovery(
    lake: LakePath,
    cases: Path | None,
    years: tuple[int, ...],
    horizon: int,
    starts: int,
    to: tuple[str, ...],
    via: tuple[str, ...],
    kind: str,
    rules: Path | None,
    seed: int,
    form: str,
) -> None:
    """Judge searches for connections by known cases, or by the pairs of concepts that first appear after a year.

    \b
    litmine evaluate discovery --cases cases.jsonl --lake swanson --format json
    litmine evaluate discovery --year 1990 --year 1995 --year 2000 --to Chemical

    Every measure is judged, beside two baselines: candidates by their number of articles, and by the number of concepts
    that they are together with. The best measure is chosen on every other year, and all are reported on the years left.
    Values are percent; intervals are 95 % by bootstrap over start concepts.
    """
    from litmine.discovery.concept_graph import load_graph
    from litmine.discovery.rules import DiscoveryRules, read_rules
    from litmine.discovery.time_slices import SliceSettings
    from litmine.lake.lake import Lake

    if (cases is None) == (not years):
        raise click.UsageError("give either --cases or one --year or more")
    chosen = read_rules(rules) if rules else DiscoveryRules()
    graph = load_graph(Lake(lake), kind)  # type: ignore[arg-type]
    if cases is not None:
        record, lines = _cases(graph, cases, chosen)
    else:
        record, lines = _slices(graph, SliceSettings(years, horizon, starts, to=to, via=via, rules=chosen, seed=seed))
    if form == "json":
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(printable(line))


def _cases(graph: "ConceptGraph", file: Path, rules: Any) -> tuple[dict[str, Any], list[str]]:
    from litmine.discovery.cases import evaluate_case, read_cases
    from litmine.discovery.metrics import METRICS
    from litmine.discovery.paths import MEASURES

    found = [evaluate_case(graph, case) for case in read_cases(file, rules)]
    means = {
        measure: {metric: round(sum(one[measure][metric] for one in found) / len(found), 2) for metric in METRICS}
        for measure in MEASURES
    }
    lines = []
    for one in found:
        lines.append(f"{one['name']}: {one['reached']:,} reached of {one['candidates']:,} candidates")
        for measure in MEASURES:
            ranks = ", ".join(f"{name} {rank or '-'}" for name, rank in one[measure]["ranks"].items())
            lines.append(f"  {measure:<16}{ranks}")
        if "not_in_the_lake" in one:
            lines.append(f"  not in the lake: {', '.join(one['not_in_the_lake'])}")
    lines += _table({name: {key: [value] for key, value in metrics.items()} for name, metrics in means.items()})
    return {"cases": found, "mean": means}, lines


def _slices(graph: "ConceptGraph", settings: "SliceSettings") -> tuple[dict[str, Any], list[str]]:
    from litmine.discovery.time_slices import choose_measure, evaluate_slices, summary

    scores = evaluate_slices(graph, settings)
    measure, chosen_on, reported = choose_measure(scores)
    table = summary(scores, reported)
    by_year: dict[int, dict[str, Any]] = {
        year: {"starts": len(values["frequency"]["auc"]), **summary(scores, [year])}
        for year, values in scores.values.items()
    }
    record = {
        "chosen": measure, "chosen_on": chosen_on, "reported_on": reported, "reported": table, "by_year": by_year,
    }  # fmt: skip
    starts = sum(by_year[year]["starts"] for year in reported)
    chosen_years, reported_years = (", ".join(map(str, one)) for one in (chosen_on, reported))
    title = (
        f"{measure} is best by mean average precision on {chosen_years}; below: {starts:,} starts of {reported_years}"
    )
    lines = [title, *_table(table)]
    return record, lines


def _table(rows: dict[str, dict[str, list[float]]]) -> list[str]:
    metrics = list(next(iter(rows.values())))
    lines = ["  ".join(["".ljust(24), *(metric.rjust(26) for metric in metrics)])]
    for name, values in rows.items():
        cells = []
        for metric in metrics:
            mean, *interval = values[metric]
            cells.append((f"{mean:.2f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")).rjust(26))
        lines.append("  ".join([name.ljust(24), *cells]))
    return lines
