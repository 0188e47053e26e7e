"""Abbreviated names of species: `E. coli` for Escherichia coli, and for every other species that it may stand for."""

import re
import zlib

import numpy as np
import pyarrow as pa

# Genus and species, without authors, strains and numbers.
_BINOMIAL = re.compile(r"([A-Z][a-z]+) ([a-z][a-z-]+)(?= |$)")
# `E. coli`, `E coli`, `Staph. aureus`; one letter needs no full stop.
_ABBREVIATED = re.compile(r"\s*(?:([A-Z])\.?|([A-Z][a-z]{1,5})\.)[\s\xa0]*([a-z][a-z-]+)\s*")


class AbbreviatedNames:
    """The species of abbreviated names.

    It is an index of the names by the first letter of the genus and the species epithet: two arrays, since a
    dictionary of 200,000 names takes ten times as much memory.
    """

    def __init__(self, texts: pa.StringArray) -> None:
        self._texts = texts
        keys: list[int] = []
        rows: list[int] = []
        for row, text in enumerate(texts.to_pylist()):
            binomial = _BINOMIAL.fullmatch(text)
            if binomial is not None:
                keys.append(_key(binomial[1], binomial[2]))
                rows.append(row)
        order = np.argsort(np.array(keys, dtype=np.uint32), kind="stable")
        self._keys = np.array(keys, dtype=np.uint32)[order]
        self._rows = np.array(rows, dtype=np.int32)[order]

    def find(self, name: str) -> list[int]:
        """The rows of the names that an abbreviated name may stand for; empty if it is not abbreviated."""
        parts = _ABBREVIATED.fullmatch(name)
        if parts is None:
            return []
        genus, epithet = parts[1] or parts[2], parts[3]
        start, end = np.searchsorted(self._keys, [key := _key(genus, epithet), key + 1])
        found = []
        for row in self._rows[start:end]:
            first, second = str(self._texts[int(row)].as_py()).split(" ", 1)
            # Different names may share a key.
            if first.startswith(genus) and second == epithet:
                found.append(int(row))
        return sorted(found)


def _key(genus: str, epithet: str) -> int:
    return zlib.crc32(f"{genus[0]} {epithet}".encode()) & 0xFFFFFFFE
