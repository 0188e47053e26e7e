"""A list of PMIDs as people keep it: one or more a line, commas or blanks between them.

What counts as a PubMed identifier, wherever it is read.
"""

import re
from collections.abc import Iterable

from litmine.types import Unreadable

_GREATEST = 2**63 - 1
_MOST_DIGITS = len(str(_GREATEST))


def parse_pmid(value: object) -> int | None:
    """The PMID that a number or a string of ASCII digits gives; None when it is neither, or does not fit BIGINT."""
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _GREATEST:
        return value
    return None


_BETWEEN = re.compile(r"[\s,;]+")
_LABEL = re.compile(r"PMID:?\s*(?=[0-9])", re.IGNORECASE)


def read_pmids(lines: Iterable[str]) -> tuple[list[int], list[Unreadable]]:
    """The PMIDs in their order, and an `Unreadable` for each word that is none. `PMID: 123` is taken as 123."""
    pmids: list[int] = []
    bad: list[Unreadable] = []
    for number, line in enumerate(lines, 1):
        for word in filter(None, _BETWEEN.split(_LABEL.sub("", line.strip("\ufeff")))):
            pmid = parse_pmid(word)
            if pmid is None:
                bad.append(Unreadable(f"line {number}", f"{word[:40]!r} is no PMID"))
            else:
                pmids.append(pmid)
    return pmids, bad
