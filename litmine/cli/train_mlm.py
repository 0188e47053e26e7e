"""The command `train mlm`: abstracts in, an encoder to start from out."""

from pathlib import Path
from typing import Any

import click

from litmine.cli.dataclass_options import given_settings
from litmine.cli.options import lake_option, output_option, resume_option
from litmine.cli.talk import say
from litmine.cli.task_commands import SettingsCommand
from litmine.lake.place import Place
from litmine.training.pretrain_settings import Pretraining


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
    from litmine.training.pretrain_texts import file_texts, lake_texts, split_texts

    pretraining = Pretraining(**{"name": output.resolve().name, **given_settings(context)})
    texts = split_texts(file_texts(files) if files else lake_texts(lake))
    if not resume:
        drop_checkpoint(output)
    done = pretrain(pretraining, texts, output, say)
    source = ", ".join(file.name for file in files) if files else "the abstracts of a lake"
    write_mlm_card(output, pretraining, source, texts, done)
    drop_checkpoint(output)
    say(f"the encoder is in {output}; its card is {output / 'README.md'}")
