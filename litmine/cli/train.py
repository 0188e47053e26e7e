"""The command `train mlm`: abstracts in, an encoder to start from out.

The command `train`: a recipe in, a model out, for each task that has a training.
"""

from functools import partial
from pathlib import Path
from typing import Any

import click

from litmine.cli.console import print_message
from litmine.cli.dataclass_options import chosen_recipe, settings_from_flags
from litmine.cli.options import lake_option, output_option, resume_option
from litmine.cli.task_commands import RecipeCommand, SettingsCommand, TaskGroup
from litmine.lake.paths import Place
from litmine.settings import flag_name, required_fields
from litmine.specs import TaskSpec, TrainingContext, import_object
from litmine.specs.commands import TrainingRunner
from litmine.training.pretrain_settings import Pretraining
from litmine.training.recipe import make_recipe

_TEAM = (
    click.option(
        "--workers",
        type=click.IntRange(min=0),
        default=0,
        help="Share every step out over this many Ray workers on the CPU; 0 trains in this process.",
    ),
    click.option(
        "--gpus",
        type=click.IntRange(min=0),
        default=0,
        help="Share every step out over this many Ray workers with a GPU each; 0 takes the first GPU, if there is one.",
    ),
    click.option(
        "--address", metavar="ADDRESS", help="Join the Ray cluster there ('auto' finds the one of this machine)."
    ),
)


def train_command(spec: TaskSpec) -> click.Command:
    """The command that trains a model of the task."""

    @output_option
    @resume_option
    @click.pass_context
    def train_task(context: click.Context, /, output: Path, resume: bool, **options: Any) -> None:
        kind, given = import_object(spec.recipe), settings_from_flags(context)
        name, settings = chosen_recipe(context)
        needed = [one for one in required_fields(kind) if one != "name"]
        if not name and not given.keys() >= set(needed):
            flags = " and ".join(flag_name(kind, one) for one in needed)
            raise click.UsageError(f"Give {flags}, or a --recipe.", context)
        own_name = {"name": output.resolve().name} if "name" in required_fields(kind) else {}
        recipe = make_recipe(spec, {**own_name, **settings, **given})
        run = _run(*(options.get(one) for one in ("workers", "gpus", "address")))
        import_object(spec.train)(recipe, TrainingContext(output, print_message, resume, run))
        card = output / "README.md"
        print_message(f"the model is in {output}" + (f"; its card is {card}" if card.is_file() else ""))

    for option in reversed(_TEAM if spec.distributed else ()):
        train_task = option(train_task)
    return click.command(spec.name, cls=RecipeCommand, spec=spec)(train_task)


def _run(workers: int | None, gpus: int | None, address: str | None) -> TrainingRunner:
    """Who does the trainings: a team if one is asked for, else this machine."""
    if not (workers or gpus or address):

        def run_here(jobs: Any) -> list[Any]:
            from litmine.runtime.gpu_jobs import run_abreast

            return run_abreast(jobs, print_message)

        return run_here
    from litmine.runtime.ray_training import run_on_team

    join = partial(run_on_team, workers=workers or 1, gpus=gpus or 0, address=address, say=print_message)
    return lambda jobs: [join(job) for job in jobs]


@click.group(cls=TaskGroup, has=lambda spec: bool(spec.train), make=train_command)
def train() -> None:
    """Make a model.

    \b
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./my-reader
    litmine train mlm --base builtin --lake ./lake -o ./encoder
    """


@click.command(cls=SettingsCommand, kind=Pretraining)
@lake_option
@click.option(
    "--text",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSONL of abstracts (plain or gzip) to read instead of the lake. May be given several times.",
)
@output_option
@resume_option
@click.pass_context
def mlm(
    context: click.Context, /, lake: Place, files: tuple[Path, ...], output: Path, resume: bool, **_settings: Any
) -> None:
    """Run the pretraining; the help is that of its settings."""
    from litmine.training.checkpoint import drop_checkpoint
    from litmine.training.pretrain import pretrain
    from litmine.training.pretrain_card import write_mlm_card
    from litmine.training.pretrain_data import file_texts, lake_texts, split_texts

    pretraining = Pretraining(**{"name": output.resolve().name, **settings_from_flags(context)})
    texts = split_texts(file_texts(files) if files else lake_texts(lake))
    if not resume:
        drop_checkpoint(output)
    done = pretrain(pretraining, texts, output, print_message)
    source = ", ".join(file.name for file in files) if files else "the abstracts of a lake"
    write_mlm_card(output, pretraining, source, texts, done)
    drop_checkpoint(output)
    print_message(f"the encoder is in {output}; its card is {output / 'README.md'}")


train.add_command(mlm)
