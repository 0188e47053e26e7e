"""The command `evaluate`: a subcommand for each task that has an evaluation."""

import json
from typing import Any

import click

from litmine.atomic_write import open_atomic
from litmine.cli.console import print_message, printable
from litmine.cli.dataclass_options import settings_from_flags
from litmine.cli.evaluate_discovery import evaluate_discovery
from litmine.cli.task_commands import SettingsCommand, TaskGroup
from litmine.specs import EvaluationResult, TaskSpec, import_object


def evaluate_command(spec: TaskSpec) -> click.Command:
    """The subcommand that evaluates models of a task."""
    kind = import_object(spec.evaluation)

    @click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="Output format.",
    )
    @click.pass_context
    def evaluate_task(context: click.Context, /, form: str, **_settings: Any) -> None:
        print_result(import_object(spec.evaluate)(kind(**settings_from_flags(context))), form)

    return click.command(spec.name, cls=SettingsCommand, kind=kind)(evaluate_task)


def print_result(result: EvaluationResult, form: str) -> None:
    """Print the scores as `json` or `table`, then write the result's files."""
    if form == "json":
        click.echo(json.dumps(result.record, indent=2))
    else:
        for line in result.table:
            click.echo(printable(line))
        for note in result.notes:
            print_message(note)
    for file, records in result.files.items():
        with open_atomic(file) as out:
            out.writelines(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


@click.group(cls=TaskGroup, has=lambda spec: bool(spec.evaluate), make=evaluate_command)
def evaluate() -> None:
    """Evaluate a model on annotated data, or searches for connections.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv
    litmine evaluate qa --model ./my-reader --data bioasq.json
    """


evaluate.add_command(evaluate_discovery)
