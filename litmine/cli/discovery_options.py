"""Options that `discover` and `evaluate discovery` share, and the names that messages give to options."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from litmine.errors import DiscoveryError

# The command line has these other names for fields of a request.
_NAMES = {"limit": "--top", "kind": "--concepts", "years": "--year", "concepts": "CONCEPT"}
_SAME = ("where", "narrower", "to", "via", "until", "known", "measure", "links", "rules", "horizon", "starts")
OPTION_NAMES = _NAMES | {name: f"--{name}" for name in _SAME}

to_option = click.option(
    "--to", metavar="TYPE|BRANCH", multiple=True, help="Type or MeSH branch of results. Repeatable."
)
via_option = click.option(
    "--via", metavar="TYPE|BRANCH", multiple=True, help="Type or MeSH branch of linking concepts. Repeatable."
)
kind_option = click.option(
    "--concepts",
    "kind",
    type=click.Choice(["entities", "mesh", "both"]),
    default="entities",
    show_default=True,
    help="Concepts of linked mentions, NLM's headings of the records, or both.",
)
rules_option = click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Rules for what is too general or the same, as `litmine discover --show-rules` prints them.",
)


@contextmanager
def cli_wording() -> Iterator[None]:
    """Give the options in the messages of searches their names on the command line."""
    from litmine.discovery.wording import with_option_names

    try:
        yield
    except DiscoveryError as error:
        raise DiscoveryError(with_option_names(str(error), OPTION_NAMES)) from error
