"""The command `evaluate`: a model against data, for each task that has an evaluation."""

import json
from typing import Any

import click

from litmine.atomic_write import whole_file
from litmine.cli.console import printable, say
from litmine.cli.dataclass_options import given_settings
from litmine.cli.task_commands import SettingsCommand, TaskGroup
from litmine.specs import EvaluationResult, TaskSpec, code


def evaluate_command(spec: TaskSpec) -> click.Command:
    """The command that evaluates a model of the task."""
    kind = code(spec.evaluation)

    @click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="How the scores are printed.",
    )
    @click.pass_context
    def evaluate_task(context: click.Context, /, form: str, **_settings: Any) -> None:
        show_result(code(spec.evaluate)(kind(**given_settings(context))), form)

    return click.command(spec.name, cls=SettingsCommand, kind=kind)(evaluate_task)


def show_result(result: EvaluationResult, form: str) -> None:
    """Print the scores as `json` or `table`, then write the files that come with them."""
    if form == "json":
        click.echo(json.dumps(result.record, indent=2))
    else:
        for line in result.table:
            click.echo(printable(line))
        for note in result.notes:
            say(note)
    for file, records in result.files.items():
        with whole_file(file) as out:
            out.writelines(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


@click.group(cls=TaskGroup, has=lambda spec: bool(spec.evaluate), make=evaluate_command)
def evaluate() -> None:
    """Judge a model.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv
    litmine evaluate qa --model ./my-reader --data bioasq.json
    """
