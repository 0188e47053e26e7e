"""The command `train mlm`: abstracts in, an encoder to start from out."""

from pathlib import Path
from typing import Any

import click

from litmine.cli.options import lake_option
from litmine.cli.talk import say
from litmine.lake.place import Place


@click.command()
@click.option(
    "--base",
    required=True,
    metavar="REF",
    help="Encoder to go on from: a folder of the BERT family in safetensors, one of our own models, a Hub id.",
)
@lake_option
@click.option(
    "--text",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSONL of abstracts (plain or gzip) to read instead of the lake; may be given several times.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the new encoder."
)
@click.option("--name", help="Name of the encoder.  [default: the folder's name]")
@click.option("--steps", type=click.IntRange(min=1), help="Steps to take.  [default: one pass over the texts]")
@click.option("--tokens", type=click.IntRange(min=1), help="Tokens to read, instead of a number of steps.")
@click.option(
    "--masked",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=0.15,
    show_default=True,
    help="Share of the tokens that are asked for.",
)
@click.option("--whole-words", is_flag=True, help="Mask words with all their tokens.")
@click.option(
    "--longest", type=click.IntRange(min=1), default=254, show_default=True, help="Tokens of a text read at a time."
)
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    default=8_192,
    show_default=True,
    help="Tokens a step, padding included.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=3e-4,
    show_default=True,
    help="Peak of the learning rate.",
)
@click.option(
    "--dropout", type=click.FloatRange(min=0, max=0.9), default=0.0, show_default=True, help="Dropout of hidden states."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of order and masks.")
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on from the checkpoint in the output folder, if it is of this very training.",
)
def mlm(lake: Place, files: tuple[Path, ...], output: Path, name: str | None, resume: bool, **settings: Any) -> None:
    """Continue the pretraining of an encoder with masked words, on a lake's abstracts or on files.

    \b
    litmine train mlm --base builtin --lake ./lake -o ./encoder --tokens 20000000
    litmine train mlm --base ./bert --text abstracts.jsonl.gz -o ./encoder --steps 2000
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model

    One text in a hundred is held out, and the loss on it is told before and after. The folder gets the encoder, its
    tokenizer, the loss of every step and a card. A killed run goes on from its last checkpoint when the same command
    is given again.
    """
    from litmine.training.checkpoint import drop_checkpoint
    from litmine.training.pretrain import pretrain
    from litmine.training.pretrain_card import write_mlm_card
    from litmine.training.pretrain_settings import Pretraining
    from litmine.training.pretrain_texts import file_texts, lake_texts, split_texts

    pretraining = Pretraining(name or output.resolve().name, **settings)
    texts = split_texts(file_texts(files) if files else lake_texts(lake))
    if not resume:
        drop_checkpoint(output)
    done = pretrain(pretraining, texts, output, say)
    source = ", ".join(file.name for file in files) if files else "the abstracts of a lake"
    write_mlm_card(output, pretraining, source, texts, done)
    drop_checkpoint(output)
    say(f"the encoder is in {output}; its card is {output / 'README.md'}")
