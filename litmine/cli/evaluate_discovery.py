"""The command `evaluate discovery`: known cases, and time slices of a lake."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from litmine.cli.console import print_message, printable
from litmine.cli.discovery_options import OPTION_NAMES, cli_wording, kind_option, rules_option, to_option, via_option
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import lake_option
from litmine.lake.paths import LakePath

if TYPE_CHECKING:
    from litmine.discovery.case_files import Case
    from litmine.discovery.concept_graph import ConceptGraph
    from litmine.discovery.time_slices import SliceSettings

# Options that a file of cases makes useless.
_OF_SLICES = ("horizon", "starts", "to", "via", "seed")


@click.command("discovery")
@lake_option
@click.option(
    "--cases",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Known cases as JSON lines, see below.",
)
@click.option(
    "--year", "years", type=WholeNumber(1), metavar="YEAR", multiple=True, help="Last year of a time slice. Repeatable."
)
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
@to_option
@via_option
@kind_option
@rules_option
@click.option(
    "--seed", type=WholeNumber(min=0), metavar="N", default=0, show_default=True, help="Which start concepts are drawn."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Output."
)
@click.pass_context
def evaluate_discovery(
    context: click.Context,
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
    Give two years or more. Values are percent; intervals are 95 % by bootstrap over start concepts.

    A line of a file of cases is an object with a `start`; an `end` and the linking concepts (`links`) that should be
    found, or the `results`, each a name or a list of names of which any counts; and if need be `name`, `until`,
    `narrower`, `to` and `via`.
    """
    from litmine.discovery.case_files import read_cases
    from litmine.discovery.concept_graph import load_graph
    from litmine.discovery.rules import DiscoveryRules, read_rules
    from litmine.discovery.time_slices import SliceSettings
    from litmine.lake.lake import Lake

    if (cases is None) == (not years):
        raise click.UsageError("give either --cases or one --year or more")
    for name in _OF_SLICES if cases is not None else ():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} is for time slices; a file of cases has its own searches")
    chosen = read_rules(rules) if rules else DiscoveryRules()
    read = read_cases(cases, chosen) if cases is not None else []
    notes: list[str] = []
    with cli_wording():
        settings = SliceSettings(years, horizon, starts, to=to, via=via, rules=chosen, seed=seed)
        graph = load_graph(Lake(lake), kind)  # type: ignore[arg-type]
        if cases is None:
            record, lines, notes = _slices(graph, settings)
    if cases is not None:
        record, lines = _cases(graph, read)
    if form == "json":
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(printable(line))
    for note in notes:
        print_message(f"note: {note}")


def _cases(graph: "ConceptGraph", cases: Sequence["Case"]) -> tuple[dict[str, Any], list[str]]:
    from litmine.discovery.cases import evaluate_case
    from litmine.discovery.metrics import METRICS
    from litmine.discovery.paths import MEASURES

    found = [evaluate_case(graph, case) for case in cases]
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


def _slices(graph: "ConceptGraph", settings: "SliceSettings") -> tuple[dict[str, Any], list[str], list[str]]:
    from litmine.discovery.time_slices import choose_measure, evaluate_slices, notes_on_years, summary
    from litmine.discovery.wording import with_option_names
    from litmine.pipeline.count_format import format_count

    scores = evaluate_slices(graph, settings)
    measure, chosen_on, reported = choose_measure(scores)
    table = summary(scores, reported)
    by_year: dict[int, dict[str, Any]] = {
        year: {"starts": len(values["frequency"]["auc"]), **summary(scores, [year])}
        for year, values in scores.values.items()
    }
    notes = [with_option_names(one, OPTION_NAMES) for one in notes_on_years(scores, settings)]
    record = {
        "chosen": measure, "chosen_on": chosen_on, "reported_on": reported, "reported": table, "by_year": by_year,
        "notes": notes,
    }  # fmt: skip
    starts = sum(by_year[year]["starts"] for year in reported)
    chosen_years, reported_years = (", ".join(map(str, one)) for one in (chosen_on, reported))
    title = (
        f"{measure} is best by mean average precision on {chosen_years}; below: {format_count(starts, 'starts')} of"
        f" {reported_years}"
    )
    lines = [title, *_table(table)]
    return record, lines, notes


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
