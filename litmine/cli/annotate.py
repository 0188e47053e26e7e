"""The command `annotate`: run models over the articles that they have not read yet."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from litmine.cli.console import print_message
from litmine.cli.options import (
    batch_tokens_option,
    lake_option,
    precision_option,
    reader_option,
    top_k_option,
    where_option,
    worker_options,
)
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS, SettingError
from litmine.lake.paths import PART_TASKS, Place

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.runtime.executor import Executor

# The tasks without --model and --task.
_DEFAULT_TASKS = ("ner",)


@click.command()
@lake_option
@click.option(
    "--model",
    "models",
    metavar="REF",
    multiple=True,
    help="Model: builtin, a folder or a Hugging Face Hub id. Repeatable.  [default: builtin]",
)
@click.option(
    "--task",
    "tasks",
    type=click.Choice([spec.name for spec in PART_TASKS.values()]),
    multiple=True,
    help="Without --model: run the built-in models of this task.  [default: ner]  With --model: the task of a model"
    " folder that fits several. Repeatable.",
)
@click.option(
    "--questions",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Answer the questions in this file instead: JSON lines, CSV or BioASQ JSON.",
)
@reader_option
@top_k_option
@where_option
@worker_options
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
    """Run models over all articles that they have not read yet, and add the results to the lake.

    \b
    litmine annotate
    litmine annotate --gpus 4 --model ./my-model
    litmine annotate --workers 2 --precision float32
    litmine annotate --questions questions.jsonl --where "year >= 2020"

    To continue an interrupted run, run the same command again. When a run is complete, its models become the active
    ones, which the view `entities` shows: a new model replaces the earlier ones for the types that it finds.

    With --questions, the reader answers each question from the articles retrieved for it, without retracted ones. The
    view `answers` shows the results. A question and an article are read together only once.
    """
    from litmine.lake.lake import Lake
    from litmine.runtime.executor import Executor

    _check_options(ctx, questions is not None)
    opened, workforce = Lake(lake), Executor(workers, gpus, address)
    if questions is None:
        new_gaps = _annotate(opened, models, tasks, workforce, precision, batch_tokens)
    else:
        from litmine.cli.answering import answer_question_file

        new_gaps = answer_question_file(opened, questions, reader, top_k, where, workforce, precision, batch_tokens)
    if new_gaps:
        ctx.exit(NEW_GAPS)


def _check_options(ctx: click.Context, with_questions: bool) -> None:
    wrong = ("models", "tasks") if with_questions else ("reader", "top_k", "where")
    for parameter in ctx.command.params:
        if (
            parameter.name in wrong
            and ctx.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
        ):
            raise click.UsageError(
                f"{parameter.opts[0]} cannot be used with --questions; choose the model with --reader"
                if with_questions
                else f"{parameter.opts[0]} needs --questions"
            )


def _annotate(
    lake: "Lake",
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    workforce: "Executor",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    from litmine.cli.progress import ExecutorProgress
    from litmine.pipeline.annotate import annotate as run

    named = [spec for spec in PART_TASKS.values() if spec.name in (tasks or (_DEFAULT_TASKS if not models else ()))]
    without = [spec.name for spec in named if not spec.builtin]
    if not models and without:
        raise SettingError(f"no built-in model for {', '.join(without)}; name one with --model")
    refs = models or tuple(spec.builtin for spec in named)
    with Meter("annotating", "articles") as meter:
        result = run(
            lake, refs, workforce, precision, batch_tokens, ExecutorProgress(meter), named or tuple(PART_TASKS.values())
        )
    for sentence in result.account():
        print_message(sentence)
    return result.new_gaps
