"""What is said on stderr, and the cleaning of untrusted text on its way to a terminal."""

import re

import click

# C0 and C1 controls, and the bidirectional overrides that make a line read as another.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def say(sentence: str) -> None:
    """Say something on stderr."""
    click.echo(printable(sentence), err=True)


def printable(text: str) -> str:
    """The text with every control character but tab and line break shown as U+FFFD."""
    return _CONTROL.sub("\ufffd", text)
