"""The command `annotate`: run models over the articles that they have not read yet."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from litmine.cli.console import print_message
from litmine.cli.options import (
    NameChoice,
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
from litmine.lake.paths import PART_TASKS, LakePath

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.runtime.executor import Executor

# The tasks whose built-in models run without --model and --task. Linking follows (`litmine.specs.follow_up_specs`).
_DEFAULT_TASKS = ("ner",)
_ALL = "all"


@click.command()
@lake_option
@click.option(
    "--model",
    "models",
    metavar="REF",
    multiple=True,
    help="Model: builtin, a folder or a Hugging Face Hub id. Repeatable.  [default: builtin and builtin-variants]",
)
@click.option(
    "--task",
    "tasks",
    type=NameChoice([*(spec.name for spec in PART_TASKS.values()), _ALL]),
    multiple=True,
    help="Run the built-in models of this task only, and those whose results they read. With --model: the task of a"
    " model that fits several, and mentions are not linked unless the task needs it. Repeatable.  [default: ner and"
    " linking]",
)
@click.option(
    "--terms",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="Also find the names of this term list: tab-separated columns name, type, identifier and, optionally,"
    " synonyms. Repeatable.",
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
    lake: LakePath,
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    terms: tuple[Path, ...],
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
    """Run models over the articles that they have not read yet. The results are added to the lake.

    \b
    litmine annotate
    litmine annotate --gpus 4 --model ./my-model
    litmine annotate --workers 2 --precision float32
    litmine annotate --terms watchlist.tsv
    litmine annotate --questions questions.jsonl --where "year >= 2020"

    After tagging, the built-in linker gives mentions of diseases, chemicals, genes, species and cell lines the
    identifiers of their concepts, in the vocabulary chosen with `litmine vocabulary use`. A new linker or vocabulary
    makes the links again, and nothing else. With --task ner, mentions are not linked.

    With --task relations, a model also finds relations between mentions, such as a chemical that inhibits a gene; the
    view `relations` shows them. Mentions are found and linked before that. Other links or another tagger make the
    relations work to do again.

    With --task classification, articles and sentences get labels, such as the design of a study; the view `labels`
    shows them.

    With --task trials, a model finds what reports of trials say: participants, interventions, outcomes, numbers; the
    view `trials` shows them.

    To continue an interrupted run, run the same command again. When a run is complete, its models become the active
    ones, which the view `entities` shows: a new model replaces the earlier ones for the types that it finds.

    With --terms, the names of a list are found in any capitals, with spaces or hyphens and in the plural; short names
    only in their own capitals. `entities` shows them with the identifiers of the list, beside what the other models
    find. The lake keeps a copy of the list, which reads new texts in every later run; a changed list of the same name
    replaces it.

    With --questions, the reader answers each question from the articles retrieved for it, without retracted ones and
    notices about other articles. The view `answers` shows the results. The reader never reads the same question with
    the same article twice. It marks spans and writes no summaries: a question of the type summary gets the answers of
    the type that its words suggest, and litmine prints the number of these questions.
    """
    from litmine.lake.lake import Lake
    from litmine.runtime.executor import Executor

    _check_options(ctx, questions is not None)
    opened, executor = Lake(lake), Executor(workers, gpus, address)
    if questions is None:
        new_gaps = _annotate(opened, models, tasks, terms, executor, precision, batch_tokens)
    else:
        from litmine.cli.answering import answer_question_file

        new_gaps = answer_question_file(opened, questions, reader, top_k, where, executor, precision, batch_tokens)
    if new_gaps:
        ctx.exit(NEW_GAPS)


def _check_options(ctx: click.Context, with_questions: bool) -> None:
    """Raise UsageError for an option that applies only with --questions, or only without it."""
    unusable = ("models", "tasks", "terms") if with_questions else ("reader", "top_k", "where")
    for parameter in ctx.command.params:
        if (
            parameter.name in unusable
            and ctx.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
        ):
            raise click.UsageError(
                f"{parameter.opts[0]} cannot be used with --questions"
                + ("; choose the model with --reader" if parameter.name != "terms" else "")
                if with_questions
                else f"{parameter.opts[0]} needs --questions"
            )


def _annotate(
    lake: "Lake",
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    terms: tuple[Path, ...],
    executor: "Executor",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    from litmine.cli.progress import ExecutorProgress
    from litmine.pipeline.annotate import annotate as run
    from litmine.pipeline.choose_models import default_models, needed_models

    names = tasks or (() if models else _DEFAULT_TASKS)
    chosen = [spec for spec in PART_TASKS.values() if spec.name in names]
    specs = [spec for spec in PART_TASKS.values() if spec.builtin] if _ALL in names else chosen
    without_builtin = [spec.name for spec in specs if not spec.builtin]
    if not models and without_builtin:
        raise SettingError(f"no built-in model for {', '.join(without_builtin)}; name one with --model")
    refs, needed = models or default_models(lake, specs), needed_models(lake, specs)
    with Meter("annotating", "articles") as meter:
        progress = ExecutorProgress(meter)
        try:
            tried = specs or tuple(PART_TASKS.values())
            result = run(lake, refs, executor, precision, batch_tokens, progress, tried, terms, not tasks, needed)
        except KeyboardInterrupt:
            print_message(progress.interruption())
            raise
    for sentence in result.summary_lines():
        print_message(sentence)
    return result.new_gaps
