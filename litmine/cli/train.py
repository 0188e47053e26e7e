"""The command `train`: a subcommand for each task that has a training, and `train mlm` for pretraining an encoder."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from litmine.cli.console import print_message
from litmine.cli.dataclass_options import chosen_recipe, settings_from_flags
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import lake_option, output_option, resume_option
from litmine.cli.task_commands import RecipeCommand, SettingsCommand, TaskGroup
from litmine.lake.paths import LakePath
from litmine.settings import flag_name, required_fields
from litmine.specs import TaskSpec, TrainingContext, import_object
from litmine.specs.commands import TrainingRunner
from litmine.training.pretrain_recipe import PretrainingRecipe
from litmine.training.recipe import make_recipe
from litmine.training.training_folder import training_folder

_DISTRIBUTED_OPTIONS = (
    click.option(
        "--workers",
        type=WholeNumber(min=0),
        metavar="N",
        default=0,
        help="Number of Ray workers on the CPU that share each step; 0 trains in this process.",
    ),
    click.option(
        "--gpus",
        type=WholeNumber(min=0),
        metavar="N",
        default=0,
        help="Number of Ray workers with one GPU each that share each step; 0 trains in this process, on the first GPU"
        " if there is one.",
    ),
    click.option(
        "--address",
        metavar="ADDRESS",
        help="Address of a running Ray cluster to use; 'auto' finds the one on this machine.",
    ),
)


def train_command(spec: TaskSpec) -> click.Command:
    """The subcommand that trains models of a task."""

    @output_option
    @resume_option
    @click.pass_context
    def train_task(context: click.Context, /, output: Path, resume: bool, **options: Any) -> None:
        kind, from_flags = import_object(spec.recipe), settings_from_flags(context)
        recipe_name, from_recipe = chosen_recipe(context)
        required = [field for field in required_fields(kind) if field != "name"]
        if not recipe_name and not from_flags.keys() >= set(required):
            flags = " and ".join(flag_name(kind, field) for field in required)
            raise click.UsageError(f"Give {flags}, or a --recipe.", context)
        default_name = {"name": output.resolve().name} if "name" in required_fields(kind) else {}
        recipe = make_recipe(spec, {**default_name, **from_recipe, **from_flags})
        runner = _training_runner(*(options.get(option) for option in ("workers", "gpus", "address")))
        with training_folder(output, spec.name, recipe):
            import_object(spec.train)(recipe, TrainingContext(output, print_message, resume, runner))
        card = output / "README.md"
        print_message(f"the model is in {output}" + (f"; its card is {card}" if card.is_file() else ""))

    for option in reversed(_DISTRIBUTED_OPTIONS if spec.distributed else ()):
        train_task = option(train_task)
    return click.command(spec.name, cls=RecipeCommand, spec=spec)(train_task)


def _training_runner(workers: int | None, gpus: int | None, address: str | None) -> TrainingRunner:
    """Runs training jobs on Ray workers if any option is set, else on this machine."""
    if not (workers or gpus or address):

        def run_here(jobs: Any) -> list[Any]:
            from litmine.runtime.gpu_jobs import run_gpu_jobs

            return run_gpu_jobs(jobs, print_message)

        return run_here
    from litmine.runtime.ray_training import run_distributed

    run_job = partial(run_distributed, workers=workers or 1, gpus=gpus or 0, address=address, log=print_message)
    return lambda jobs: [run_job(job) for job in jobs]


@click.group(cls=TaskGroup, has=lambda spec: bool(spec.train), make=train_command)
def train() -> None:
    """Train a model.

    \b
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./my-reader
    litmine train mlm --base builtin --lake ./lake -o ./encoder
    """


@click.command(cls=SettingsCommand, kind=PretrainingRecipe)
@lake_option
@click.option(
    "--text",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSONL of abstracts (plain or gzip) to train on instead of the lake. Repeatable.",
)
@output_option
@resume_option
@click.pass_context
def mlm(
    context: click.Context, /, lake: LakePath, files: tuple[Path, ...], output: Path, resume: bool, **_settings: Any
) -> None:
    """Run the pretraining. The docstring of `PretrainingRecipe` is the help text."""
    from litmine.training.checkpoint import delete_checkpoint
    from litmine.training.pretrain import pretrain
    from litmine.training.pretrain_card import write_mlm_card
    from litmine.training.pretrain_data import file_texts, lake_texts, split_texts

    recipe = PretrainingRecipe(**{"name": output.resolve().name, **settings_from_flags(context)})
    with training_folder(output, "mlm", recipe, files or lake):
        texts = split_texts(file_texts(files) if files else lake_texts(lake))
        if not resume:
            delete_checkpoint(output)
        summary = pretrain(recipe, texts, output, print_message)
        source = ", ".join(file.name for file in files) if files else "the abstracts of a lake"
        write_mlm_card(output, recipe, source, texts, summary)
        delete_checkpoint(output)
    print_message(f"the encoder is in {output}; its card is {output / 'README.md'}")


train.add_command(mlm)
