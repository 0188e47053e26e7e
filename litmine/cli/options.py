"""Options that several commands share, declared once."""

from pathlib import Path

import click

lake_option = click.option(
    "--lake",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LITMINE_LAKE",
    default=Path("lake"),
    show_default="./lake",
    help="Folder of the lake (env LITMINE_LAKE).",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bf16"]),
    default="auto",
    show_default=True,
    help="Arithmetic of the model; auto takes bf16 where the processor or GPU has it.",
)

batch_tokens_option = click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    help="Tokens a batch, padding included; by default what suits the device.",
)
