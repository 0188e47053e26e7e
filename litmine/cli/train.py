"""The command `train`: corpora in, a model out."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from litmine.cli.talk import say
from litmine.cli.train_mlm import mlm
from litmine.cli.train_qa import qa
from litmine.errors import SettingError

if TYPE_CHECKING:
    from litmine.tasks.ner.train import Run


@click.group()
def train() -> None:
    """Make a model.

    \b
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./my-reader
    litmine train mlm --base builtin --lake ./lake -o ./encoder
    """


train.add_command(mlm)
train.add_command(qa)


@train.command()
@click.option(
    "--recipe",
    metavar="NAME|FILE",
    help="Settings to begin with: builtin, finish, single, biobert, or a TOML file; other options count before it.",
)
@click.option(
    "--base",
    metavar="REF",
    help="Encoder to start from: a folder of the BERT family in safetensors, one of our own models, a Hub id.",
)
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    metavar="[NAME=]PATH|NAME",
    help="Corpus to learn from: a folder with train.tsv and dev.tsv (or .pubtator), a file, or a name that `litmine"
    " corpora list` shows; may be given several times.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the new model."
)
@click.option("--name", help="Name of the model.  [default: the recipe's, or the folder's name]")
@click.option(
    "--apart",
    multiple=True,
    metavar="NAME",
    help="Give the types of this corpus heads of their own, as it follows another guideline; may be given several"
    " times.",
)
@click.option(
    "--map",
    "renamed",
    multiple=True,
    metavar="NAME=TYPE",
    help="Rename a type of the files ('-' drops it); CORPUS:NAME is a type of that corpus alone, and Entity that of an"
    " untyped B; may be given several times.",
)
@click.option(
    "--tags",
    type=click.Choice(["auto", "iob2", "iob1", "iobes"]),
    default="auto",
    show_default=True,
    help="How the files of two columns are tagged; auto tells from the tags.",
)
@click.option(
    "--strict-leaks", is_flag=True, help="Refuse corpora with passages of a dev split, instead of leaving these out."
)
@click.option(
    "--often",
    multiple=True,
    metavar="NAME=TIMES",
    help="Read this corpus so many times an epoch (0.5 for half of it); may be given several times.",
)
@click.option(
    "--smooth",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.0,
    help="Make the model the moving mean of its weights, of which each step keeps this share; 0 for the last weights.",
)
@click.option(
    "--keep",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.0,
    help="Leave the model this share of the weights of its base, one of our own models with all its heads: it learns"
    " something more and forgets less.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=6, show_default=True, help="Passes over the corpora.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=2e-4,
    show_default=True,
    help="Peak of the learning rate.",
)
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    default=3_800,
    show_default=True,
    help="Tokens a step, padding included.",
)
@click.option(
    "--dropout", type=click.FloatRange(min=0, max=0.9), default=0.1, show_default=True, help="Dropout of hidden states."
)
@click.option(
    "--window", type=click.IntRange(min=8), default=192, show_default=True, help="Tokens that are read at a time."
)
@click.option(
    "--overlap", type=click.IntRange(min=0), default=48, show_default=True, help="Least overlap of two windows."
)
@click.option(
    "--vocabulary",
    type=click.IntRange(min=0),
    default=0,
    help="Keep only this many of the most frequent tokens; 0 keeps all.",
)
@click.option(
    "--unlabelled",
    type=click.Path(exists=True, dir_okay=False),
    help="JSONL of abstracts (plain or gzip): for the vocabulary, for pretraining and for the teachers.",
)
@click.option(
    "--pretrain", type=click.IntRange(min=0), default=0, help="Tokens of masked words to learn before the corpora."
)
@click.option(
    "--teachers",
    type=click.IntRange(min=0),
    default=0,
    help="Train this many models of the recipe first, and learn their opinion where no corpus has one.",
)
@click.option(
    "--then",
    metavar="NAME|FILE",
    callback=lambda _context, _option, value: "" if value == "none" else value,
    help="Recipe that goes on from the model of this one, in the same command; `none` leaves it out.  [default: the"
    " recipe's]",
)
@click.option("--int8/--no-int8", default=False, help="Keep the weights in 8 bits.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of order, dropout and new layers."
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on from the checkpoint in the output folder, if it is of this very recipe.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="Share every step out over this many Ray workers on the CPU; 0 trains in this process.",
)
@click.option(
    "--gpus",
    type=click.IntRange(min=0),
    default=0,
    help="Share every step out over this many Ray workers with a GPU each; 0 takes the first GPU, if there is one.",
)
@click.option("--address", metavar="ADDRESS", help="Join the Ray cluster there ('auto' finds the one of this machine).")
@click.pass_context
def ner(
    context: click.Context,
    /,
    recipe: str | None,
    output: Path,
    resume: bool,
    workers: int,
    gpus: int,
    address: str | None,
    **options: Any,
) -> None:
    """Train an entity recogniser: a head a type, which learns only from the corpora that annotate it.

    \b
    litmine train ner --base ./encoder --corpus ./BC5CDR --corpus ./BC2GM -o ./my-model --epochs 6
    litmine train ner --base builtin --corpus Reactions=./reactions.tsv -o ./mine
    litmine train ner --recipe builtin --unlabelled texts.jsonl.gz -o ./mine
    litmine train ner --recipe builtin --base ./encoder --then none -o ./mine --gpus 4

    The folder gets the weights, the recipe, the loss of every step, the scores on the corpora's dev splits and a model
    card. A killed run goes on from its last checkpoint when the same command is given again.
    """
    from litmine.tasks.ner.make import make_model
    from litmine.tasks.ner.recipe_file import make_recipe, read_recipe
    from litmine.tasks.ner.stages import drop_stages
    from litmine.training.checkpoint import drop_checkpoint

    if recipe is None and not (options["base"] and options["corpora"]):
        raise click.UsageError("Give --base and --corpus, or a --recipe.", context)
    options["often"] = read_often(options["often"])
    options["renamed"] = tuple(sorted(read_map(options["renamed"]).items()))
    given = {
        name: value
        for name, value in options.items()
        if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, None)
    }
    settings = {"name": output.resolve().name, **(read_recipe(recipe) if recipe else {}), **given}
    made = make_recipe(settings)
    if not resume:
        drop_checkpoint(output)
        drop_stages(output)
    make_model(made, output, say, _run(workers, gpus, address))
    say(f"the model is in {output}; its card is {output / 'README.md'}")


def _run(workers: int, gpus: int, address: str | None) -> "Run":
    """Who does the trainings: a team if one is asked for, else this machine."""
    if not (workers or gpus or address):
        from litmine.work.abreast import run_abreast

        return partial(run_abreast, say=say)
    from litmine.work.ray_team import run_on_team

    join = partial(run_on_team, workers=workers or 1, gpus=gpus, address=address, say=say)
    return lambda jobs: [join(job) for job in jobs]


def read_often(pairs: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """`NAME=TIMES` pairs (SettingError for anything else)."""
    often = {}
    for pair in pairs:
        name, _, times = pair.rpartition("=")
        try:
            often[name] = float(times)
        except ValueError:
            name = ""
        if not name:
            raise SettingError(f"--often takes NAME=TIMES, such as BC5CDR=2, and {pair!r} is not that")
    return tuple(sorted(often.items()))


def read_map(pairs: tuple[str, ...]) -> dict[str, str]:
    """`NAME=TYPE` pairs (SettingError for anything else)."""
    for pair in pairs:
        if not all(pair.partition("=")[::2]):
            raise SettingError(f"--map takes NAME=TYPE, and {pair!r} is not that")
    return dict(pair.split("=", 1) for pair in pairs)
