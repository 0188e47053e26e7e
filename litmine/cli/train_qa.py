"""The command `train qa`: files of questions in, a reader out."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from litmine.cli.talk import say

# Options of every stage; with a recipe of its own stages they have no place.
_STAGE = ("epochs", "learning_rate", "unanswered")


@click.command()
@click.option(
    "--recipe",
    metavar="NAME|FILE",
    help="Settings to begin with: builtin-reader, biobert-reader, or a TOML file; every other option given counts"
    " before it.",
)
@click.option(
    "--base",
    metavar="REF",
    help="Encoder to start from: a folder of the BERT family in safetensors, one of our own models, a Hub id.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="Questions to learn from, in the JSON of SQuAD, BioASQ or PubMedQA; each file is a stage of its own, after the"
    " one before; may be given several times.",
)
@click.option(
    "--data-folder",
    type=click.Path(file_okay=False),
    default=".",
    show_default=True,
    help="Folder that the files' names are looked for in.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the new reader."
)
@click.option("--name", help="Name of the reader.  [default: the recipe's, or the folder's name]")
@click.option("--dev", metavar="FILE", help="Questions to judge on; they are never learnt from.")
@click.option(
    "--dev-batch",
    "dev_batches",
    multiple=True,
    metavar="TEXT",
    help="Of BioASQ's file, judge on the batches whose names begin so (6B), and learn from the others; may be given"
    " several times.",
)
@click.option(
    "--strict-leaks",
    is_flag=True,
    help="Refuse files with copies of dev questions, instead of leaving these out.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=2, show_default=True, help="Passes over each --data.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=1e-4,
    show_default=True,
    help="Peak of the learning rate over each --data.",
)
@click.option(
    "--unanswered",
    type=click.FloatRange(min=0, max=1),
    default=0.0,
    show_default=True,
    help='Share of the windows without the answer that teach "no answer".',
)
@click.option(
    "--held-out",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the last file's questions that only calibrate the scores.",
)
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    default=6_144,
    show_default=True,
    help="Tokens a step, padding included.",
)
@click.option(
    "--dropout", type=click.FloatRange(min=0, max=0.9), default=0.1, show_default=True, help="Dropout of hidden states."
)
@click.option(
    "--window",
    type=click.IntRange(min=16),
    default=320,
    show_default=True,
    help="Tokens that are read at a time, the question among them.",
)
@click.option(
    "--overlap", type=click.IntRange(min=0), default=96, show_default=True, help="Least overlap of two windows."
)
@click.option(
    "--most-words", type=click.IntRange(min=1), default=12, show_default=True, help="Words that an answer may have."
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
    help="JSONL of abstracts (plain or gzip) whose tokens count too.",
)
@click.option("--int8/--no-int8", default=False, help="Keep the weights in 8 bits.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of order, dropout and new layers."
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on from the checkpoints in the output folder, if they are of this very recipe.",
)
@click.pass_context
def qa(context: click.Context, /, recipe: str | None, output: Path, resume: bool, **options: Any) -> None:
    """Train a reader: spans of a text that answer a question, and yes or no.

    \b
    litmine train qa --base ./encoder --data squad.json --data bioasq.json --dev-batch 6B --dev bioasq.json -o ./mine
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./mine

    The folder gets the weights, the recipe, the loss of every step, the scores on the dev questions and a model card.
    A killed run goes on from its last checkpoint when the same command is given again.
    """
    from litmine.tasks.qa.make import make_reader
    from litmine.tasks.qa.recipe import Stage
    from litmine.tasks.qa.recipe_file import make_reader_recipe, read_reader_recipe
    from litmine.tasks.qa.train import drop_checkpoints

    if recipe is None and not (options["base"] and options["data"]):
        raise click.UsageError("Give --base and --data, or a --recipe.", context)
    given = {name for name in options if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, None)}
    if recipe is not None and not options["data"] and (astray := given.intersection(_STAGE)):
        raise click.UsageError(
            f"--{min(astray).replace('_', '-')} is of the files given with --data; the recipe's stages have their own.",
            context,
        )
    stage = {name: options.pop(name) for name in _STAGE}
    data = options.pop("data")
    settings = {"name": output.resolve().name, **(read_reader_recipe(recipe) if recipe else {})}
    settings |= {name: value for name, value in options.items() if name in given}
    if data:
        settings["stages"] = tuple(Stage((file,), **stage) for file in data)
    made = make_reader_recipe(settings)
    if not resume:
        drop_checkpoints(output)
    make_reader(made, output, say)
    say(f"the reader is in {output}; its card is {output / 'README.md'}")
