"""The findings of `doctor`, one line each."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: `ok`, `note` (worth knowing) or `wrong` (with the remedy in the message)."""

    level: Literal["ok", "note", "wrong"]
    subject: str
    message: str


def ok(subject: str, message: str) -> Finding:
    """A finding without a problem."""
    return Finding("ok", subject, message)


def note(subject: str, message: str) -> Finding:
    """A finding that is worth knowing but not wrong."""
    return Finding("note", subject, message)


def wrong(subject: str, message: str) -> Finding:
    """A problem; the message ends with what to do."""
    return Finding("wrong", subject, message)
