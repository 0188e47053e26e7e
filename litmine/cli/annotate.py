"""The command `annotate`: models over what they have not read yet."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from litmine.cli.console import say
from litmine.cli.options import (
    batch_tokens_option,
    lake_option,
    precision_option,
    reader_option,
    top_k_option,
    where_option,
    workforce_options,
)
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS, SettingError
from litmine.lake.paths import PART_TASKS, Place

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.runtime.executor import Workforce

# The tasks of an `annotate` that names none.
_DEFAULT = ("ner",)


@click.command()
@lake_option
@click.option(
    "--model",
    "models",
    metavar="REF",
    multiple=True,
    help="Model: builtin, a folder, or an id on the Hugging Face Hub; may be given several times.  [default: builtin]",
)
@click.option(
    "--task",
    "tasks",
    type=click.Choice([spec.name for spec in PART_TASKS.values()]),
    multiple=True,
    help="Without --model: the built-in models of these tasks.  [default: ner]  With --model: what the models are,"
    " where a folder could serve several tasks. May be given several times.",
)
@click.option(
    "--questions",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Answer these questions instead: JSON lines, CSV or BioASQ's JSON.",
)
@reader_option
@top_k_option
@where_option
@workforce_options
@precision_option
@batch_tokens_option
@click.pass_context
def annotate(
    ctx: click.Context,
    lake: Place,
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    questions: Path | None,
    reader: str,
    top_k: int,
    where: str | None,
    workers: int,
    gpus: int,
    address: str | None,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Read every text that the models have not read yet, and add what they find to the lake.

    \b
    litmine annotate
    litmine annotate --gpus 4 --model ./my-model
    litmine annotate --workers 2 --precision float32
    litmine annotate --questions questions.jsonl --where "year >= 2020"

    A run that was interrupted goes on where it was: a part of the lake is either done or not begun. When all is done,
    `entities` shows the models: a new one takes over the types that it finds, and the others keep the rest.

    With --questions, a reader reads each question over the articles that are retrieved for it, retracted ones left
    out, and adds what it finds to `answers`. What it has read before it does not read again.
    """
    from litmine.lake.lake import Lake
    from litmine.runtime.executor import Workforce

    _check_options(ctx, questions is not None)
    opened, workforce = Lake(lake), Workforce(workers, gpus, address)
    if questions is None:
        new_gaps = _annotate(opened, models, tasks, workforce, precision, batch_tokens)
    else:
        from litmine.cli.answering import answer_file

        new_gaps = answer_file(opened, questions, reader, top_k, where, workforce, precision, batch_tokens)
    if new_gaps:
        ctx.exit(NEW_GAPS)


def _check_options(ctx: click.Context, asks: bool) -> None:
    wrong = ("models", "tasks") if asks else ("reader", "top_k", "where")
    for parameter in ctx.command.params:
        if (
            parameter.name in wrong
            and ctx.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
        ):
            rest = "; questions are answered by a --reader" if asks else ""
            raise click.UsageError(f"{parameter.opts[0]} goes {'without' if asks else 'with'} --questions{rest}")


def _annotate(
    lake: "Lake",
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    workforce: "Workforce",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    from litmine.cli.progress import Shown
    from litmine.pipeline.annotate import annotate as run

    named = [spec for spec in PART_TASKS.values() if spec.name in (tasks or (_DEFAULT if not models else ()))]
    without = [spec.name for spec in named if not spec.builtin]
    if not models and without:
        raise SettingError(f"there is no built-in model for {', '.join(without)}; name one with --model")
    refs = models or tuple(spec.builtin for spec in named)
    with Meter("annotating", "articles") as meter:
        result = run(lake, refs, workforce, precision, batch_tokens, Shown(meter), named or tuple(PART_TASKS.values()))
    for sentence in result.account():
        say(sentence)
    return result.new_gaps
