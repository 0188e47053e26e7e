"""Options that several commands share, declared once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from litmine.atomic_write import require_outside_lakes
from litmine.cli.number_types import WholeNumber
from litmine.errors import SettingError
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import LakePath, parse_lake_path
from litmine.settings import did_you_mean, help_text
from litmine.tasks.model_settings import ModelSettings


class LakeParam(click.ParamType[LakePath]):
    """A folder or an object store URL; any other URL is a usage error."""

    name = "lake"
    _folder = click.Path(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LakePath:
        if isinstance(value, ObjectPath):
            return value
        if isinstance(value, str) and "://" in value:
            try:
                return parse_lake_path(value)
            except SettingError as error:
                self.fail(str(error), param, ctx)
        return Path(self._folder.convert(value, param, ctx))


class NameChoice(click.Choice[str]):
    """One of some names; the error about another name suggests the nearest one."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        message = super().get_invalid_choice_message(value, ctx)
        return f"{message.removesuffix('.')}{did_you_mean(str(value), list(self.choices))}."


lake_option = click.option(
    "--lake",
    type=LakeParam(),
    metavar="FOLDER|URL",
    envvar="LITMINE_LAKE",
    default=Path("lake"),
    help="Lake: a folder or s3://bucket/prefix.  [env: LITMINE_LAKE; default: ./lake]",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bf16"]),
    default="auto",
    show_default=True,
    help=help_text(ModelSettings, "precision"),
)

batch_tokens_option = click.option(
    "--batch-tokens",
    type=WholeNumber(min=1),
    metavar="N",
    help=f"{help_text(ModelSettings, 'batch_tokens')}  [default: what suits the device]",
)


class OutputPath(click.Path):
    """A file or folder to write; a place in a lake is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        require_outside_lakes(Path(os.fsdecode(value)))
        return super().convert(value, param, ctx)


output_option = click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=OutputPath(path_type=Path, file_okay=False),
    help="Output folder for the model: a new or empty one, or that of an earlier run with the same settings.",
)

resume_option = click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Continue the same training from its checkpoint in the output folder, or start over.",
)

reader_option = click.option(
    "--reader",
    metavar="REF",
    default="builtin-reader",
    show_default=True,
    help="Question answering model: builtin-reader, a folder or a Hugging Face Hub id.",
)

top_k_option = click.option(
    "--top-k",
    type=WholeNumber(min=1),
    metavar="N",
    default=10,
    show_default=True,
    help="Maximum number of articles to retrieve and read for each question.",
)

where_option = click.option(
    "--where",
    metavar="SQL",
    help="Retrieve only articles that match this SQL condition, such as \"year >= 2020 and language = 'eng'\".",
)

_WORKER_OPTIONS = (
    click.option(
        "--workers",
        type=WholeNumber(min=0),
        metavar="N",
        default=0,
        help="Number of Ray workers on the CPU; 0 runs in this process.",
    ),
    click.option(
        "--gpus", type=WholeNumber(min=0), metavar="N", default=0, help="Number of Ray workers with one GPU each."
    ),
    click.option(
        "--address",
        metavar="ADDRESS",
        help="Address of a running Ray cluster to use; 'auto' finds the one on this machine.",
    ),
)


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose where the work runs: in this process, or on Ray workers."""
    for option in reversed(_WORKER_OPTIONS):
        command = option(command)
    return command
