"""Messages on stderr, and untrusted text made safe for a terminal."""

import re
from pathlib import Path

import click

from litmine.lake.paths import LakePath, local_folder

# C0 and C1 controls, and the bidirectional overrides that make a line read as another.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A word of a message with more characters is cut: it is no name or path that anyone wants to read.
_LONG_WORD = re.compile(r"\S{1000,}")
_WORD_START, _WORD_END = 300, 100


def print_message(message: str) -> None:
    """Print a message on stderr, with control characters replaced and without the middle of overlong words."""
    click.echo(printable(shortened(message)), err=True)


def shortened(message: str) -> str:
    """The message without the middle of words of a thousand characters and more."""
    return _LONG_WORD.sub(lambda word: f"{word[0][:_WORD_START]}...{word[0][-_WORD_END:]}", message)


def printable(text: str) -> str:
    """The text with every control character except tab and line break replaced by U+FFFD."""
    return _CONTROL.sub("\ufffd", text)


def warn_about_local_locks(lake: LakePath) -> None:
    """Before this machine first writes to a lake on an object store, warn that its locks are local to the machine."""
    if not isinstance(lake, Path) and not local_folder(lake).exists():
        print_message(
            f"note: locks of {lake} are local to this machine; do not import, fetch or compact on two machines at the"
            " same time (docs/object-stores.md)"
        )
