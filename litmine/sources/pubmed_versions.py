"""Select among the versions of one PMID in a file of PubMed XML: `Version="2"` takes precedence over `Version="1"`.

PubMed keeps the PMID of an article that is published again with new findings, and numbers its versions; only the last
one is searched (NLM Technical Bulletin 2012, 384, e6). A file need not list them in order.
"""

import re
from dataclasses import replace

from lxml.etree import _Element as Element

from litmine.types import Article, Deletion, OlderVersion

_NUMBER = re.compile("[0-9]{1,6}")


class GreatestVersions:
    """Remembers the greatest version of each PMID that has several, for the records of one file in its order."""

    def __init__(self) -> None:
        # Nearly all records are version 1, which takes no memory.
        self._greatest: dict[int, int] = {}

    def keep(self, record: Article | Deletion, pmid: Element | None) -> Article | Deletion | OlderVersion:
        """The record with its version, or an `OlderVersion` if a greater version of its PMID came before it.

        `pmid` is its PMID element. The deletion of an older version also becomes an `OlderVersion`: it has no effect.
        """
        version = _version(pmid)
        if version < self._greatest.get(record.pmid, 1):
            return OlderVersion(record.pmid)
        if version == 1:
            return record
        if isinstance(record, Article):
            self._greatest[record.pmid] = version
        return replace(record, version=version)


def _version(pmid: Element | None) -> int:
    value = None if pmid is None else pmid.get("Version")
    return int(value) if value is not None and _NUMBER.fullmatch(value) else 1
