"""A list of PMIDs as people keep it: one or more a line, commas or blanks between them."""

import re
from collections.abc import Iterable

from litmine.sources.pmid import parse_pmid
from litmine.types import Unreadable

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
