"""What an examination says: a line each."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how it is: in order, worth knowing, or wrong, and then what to do about it."""

    level: Literal["ok", "note", "wrong"]
    subject: str
    said: str


def ok(subject: str, said: str) -> Finding:
    """It is in order."""
    return Finding("ok", subject, said)


def note(subject: str, said: str) -> Finding:
    """It is worth knowing, and nothing is wrong."""
    return Finding("note", subject, said)


def wrong(subject: str, said: str) -> Finding:
    """It is wrong; what is said names what to do."""
    return Finding("wrong", subject, said)
