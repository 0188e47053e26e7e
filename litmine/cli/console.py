"""What is said once a machine about a lake on an object store.

What is said on stderr, and the cleaning of untrusted text on its way to a terminal.
"""

import re
from pathlib import Path

import click

from litmine.lake.paths import Place, desk

# C0 and C1 controls, and the bidirectional overrides that make a line read as another.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def say(sentence: str) -> None:
    """Say something on stderr."""
    click.echo(printable(sentence), err=True)


def printable(text: str) -> str:
    """The text with every control character but tab and line break shown as U+FFFD."""
    return _CONTROL.sub("\ufffd", text)


def say_whose_locks(lake: Place) -> None:
    """Say where the locks of such a lake end, before this machine writes to it for the first time."""
    if not isinstance(lake, Path) and not desk(lake).exists():
        say(
            f"note: the locks of {lake} hold on this machine; two machines must not import, fetch or compact there at"
            " the same time (docs/object-stores.md)"
        )
