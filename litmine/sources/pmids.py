"""Parse PMIDs: single values from any source, and lists in text files, separated by commas, semicolons or spaces."""

import re
from collections.abc import Iterable

from litmine.types import UnreadableRecord

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


def read_pmids(lines: Iterable[str]) -> tuple[list[int], list[UnreadableRecord]]:
    """The PMIDs in their order, and an `UnreadableRecord` for each word that is none. `PMID: 123` is taken as 123."""
    pmids: list[int] = []
    bad: list[UnreadableRecord] = []
    for number, line in enumerate(lines, 1):
        for word in filter(None, _BETWEEN.split(_LABEL.sub("", line.strip("\ufeff")))):
            pmid = parse_pmid(word)
            if pmid is None:
                bad.append(UnreadableRecord(f"line {number}", f"{word[:40]!r} is no PMID"))
            else:
                pmids.append(pmid)
    return pmids, bad
