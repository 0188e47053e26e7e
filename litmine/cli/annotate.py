"""The command `annotate`: models over what they have not read yet."""

from pathlib import Path

import click

from litmine.cli.meter import Meter
from litmine.cli.options import batch_tokens_option, lake_option, precision_option
from litmine.cli.talk import say
from litmine.errors import NEW_GAPS


@click.command()
@lake_option
@click.option(
    "--model",
    "models",
    metavar="REF",
    multiple=True,
    help="Model: builtin, a folder, or an id on the Hugging Face Hub; may be given several times.  [default: builtin]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="Run on this many Ray workers on the CPU; 0 works in this process.",
)
@click.option("--gpus", type=click.IntRange(min=0), default=0, help="Run on this many Ray workers with a GPU each.")
@click.option("--address", metavar="ADDRESS", help="Join the Ray cluster there ('auto' finds the one of this machine).")
@precision_option
@batch_tokens_option
@click.pass_context
def annotate(
    ctx: click.Context,
    lake: Path,
    models: tuple[str, ...],
    workers: int,
    gpus: int,
    address: str | None,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Read every text that the models have not read yet, and add what they find to `entities`.

    \b
    litmine annotate
    litmine annotate --gpus 4 --model ./my-model
    litmine annotate --workers 2 --precision float32

    A run that was interrupted goes on where it was: a part of the lake is either done or not begun. When all is done,
    the models become the ones that `entities` shows.
    """
    from litmine.cli.shown import Shown
    from litmine.lake.lake import Lake
    from litmine.work.annotate import Workforce
    from litmine.work.annotate import annotate as run

    opened = Lake(lake)
    with Meter("annotating", "articles") as meter:
        result = run(
            opened,
            models or ("builtin",),
            Workforce(workers, gpus, address),
            precision,
            batch_tokens,
            Shown(meter),
        )
    on = f" on {result.device} in {result.precision}" if result.device else ""
    say(
        f"{result.parts:,} of {result.planned_parts:,} parts done: {result.texts:,} texts, {result.entities:,} entities"
        f" by {', '.join(result.models)}{on}"
        if result.planned_parts
        else f"nothing to do: {', '.join(result.models)} has read every text of {opened.path}"
    )
    for gap in result.new_gaps:
        say(f"could not be read: {gap.where}: {gap.why}")
    if known := len(result.gaps) - len(result.new_gaps):
        say(f"{known} part(s) that an earlier run reported cannot be read still; `litmine status` lists them")
    if result.new_gaps:
        ctx.exit(NEW_GAPS)
