"""Parse single PMIDs and lists of PMIDs."""

import re
from collections.abc import Iterable

from litmine.types import UnreadableRecord

_MAX_PMID = 2**63 - 1
_MAX_DIGITS = len(str(_MAX_PMID))
_SEPARATOR = re.compile(r"[\s,;]+")
_LABEL = re.compile(r"PMID:?\s*(?=[0-9])", re.IGNORECASE)


def parse_pmid(value: object) -> int | None:
    """A PMID from an integer or a string of ASCII digits; None for anything else, or if it exceeds 64 bits (BIGINT)."""
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_PMID:
        return value
    return None


def read_pmids(lines: Iterable[str]) -> tuple[list[int], list[UnreadableRecord]]:
    """The PMIDs of a text in order, and an `UnreadableRecord` for each word that is not a PMID.

    Commas, semicolons and white space separate the words. `PMID: 123` counts as 123.
    """
    pmids: list[int] = []
    unreadable: list[UnreadableRecord] = []
    for number, line in enumerate(lines, 1):
        for word in filter(None, _SEPARATOR.split(_LABEL.sub("", line.strip("\ufeff")))):
            pmid = parse_pmid(word)
            if pmid is None:
                unreadable.append(UnreadableRecord(f"line {number}", f"{word[:40]!r} is not a PMID"))
            else:
                pmids.append(pmid)
    return pmids, unreadable
