"""What comes back from the E-utilities: a reply as received, what is wrong with a bad one, what a good one says."""

from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from enum import Enum, auto

from litmine.sources.pubmed_xml import Record

# PubMed names no more of what a search finds, since November 2022.
MOST_HITS = 9_999


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer of any status; `received` (UTC) is when its headers came. Its words may hold the key."""

    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    received: datetime


class Fault(Enum):
    """What kind of bad an answer is, which decides how it is asked for again."""

    FAILED = auto()
    DAMAGED = auto()  # it began well: a smaller question may get through
    BUSY = auto()  # the server asks everyone on this machine to wait
    TOO_LONG = auto()  # the address is: POST instead


class BadAnswer(Exception):  # noqa: N818 -- a verdict, handled and not shown
    """No usable answer; the message is a short, clean clause without the key, such as "the server refused it".

    `retry_after` is how many seconds the server asks to wait, if it says so.
    """

    def __init__(self, reason: str, fault: Fault = Fault.FAILED, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.retry_after = retry_after


class Unanswered(Exception):  # noqa: N818 -- what became of a question, and no failure of the service
    """A question that was never answered well although the service is up; the message is a short, clean clause."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What ESearch found: `count` in all, and the first of them in PubMed's order, at most 9,999.

    `translation` is the query as PubMed understood it; `notes` are sentences on what of it PubMed could not use.
    """

    count: int
    pmids: tuple[int, ...]
    translation: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole `PubmedArticleSet` as EFetch sent it, when that came (UTC), and the `records` in it, in its order.

    `pmids` are those of the records that can be read; `unreadable` says of each other why it cannot.
    """

    body: bytes = field(repr=False)
    received: datetime
    records: tuple[Record, ...] = field(repr=False)
    pmids: frozenset[int]
    unreadable: tuple[str, ...]


def clean(text: str, key: str | None, longest: int | None = 120) -> str:
    """`text` of a server as a phrase that is safe to show: printable, on one line, short, and without the key."""
    phrase = " ".join("".join(it if it.isprintable() else " " for it in text).split())
    if key is not None:
        phrase = phrase.replace(key, "...")
    return phrase if longest is None or len(phrase) <= longest else phrase[: longest - 3] + "..."
