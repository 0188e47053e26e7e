"""Options that several commands share, declared once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from litmine.errors import SettingError
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import Place, place
from litmine.settings import about
from litmine.tasks.contract import ModelSettings


class LakeType(click.ParamType[Place]):
    """A folder, or a URL: wrong usage when there can be no lake at it."""

    name = "place"
    _folder = click.Path(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        if isinstance(value, ObjectPath):
            return value
        if isinstance(value, str) and "://" in value:
            try:
                return place(value)
            except SettingError as error:
                self.fail(str(error), param, ctx)
        return Path(self._folder.convert(value, param, ctx))


lake_option = click.option(
    "--lake",
    type=LakeType(),
    envvar="LITMINE_LAKE",
    default=Path("lake"),
    show_default="./lake",
    help="Folder of the lake, or s3://bucket/prefix (env LITMINE_LAKE).",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bf16"]),
    default="auto",
    show_default=True,
    help=about(ModelSettings, "precision"),
)

batch_tokens_option = click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    show_default="what suits the device",
    help=about(ModelSettings, "batch_tokens"),
)

output_option = click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the new model.",
)

resume_option = click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on from what a killed run of this very training left in the output folder, or begin anew.",
)

reader_option = click.option(
    "--reader",
    metavar="REF",
    default="builtin-reader",
    show_default=True,
    help="Model that answers questions: builtin-reader, a folder, or an id on the Hugging Face Hub.",
)

top_k_option = click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Read a question over so many articles at most, the best of the search.",
)

where_option = click.option(
    "--where",
    metavar="SQL",
    help="Condition on `articles` that those have to meet: \"year >= 2020 and language = 'eng'\".",
)

_WORKFORCE = (
    click.option(
        "--workers",
        type=click.IntRange(min=0),
        default=0,
        help="Run on this many Ray workers on the CPU; 0 works in this process.",
    ),
    click.option("--gpus", type=click.IntRange(min=0), default=0, help="Run on this many Ray workers with a GPU each."),
    click.option(
        "--address", metavar="ADDRESS", help="Join the Ray cluster there ('auto' finds the one of this machine)."
    ),
)


def workforce_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who does the work."""
    for option in reversed(_WORKFORCE):
        command = option(command)
    return command
