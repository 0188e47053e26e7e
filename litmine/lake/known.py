"""What the lake's parts already say about some PMIDs: from their narrow columns, and only parts that can hold them."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from litmine.lake.damage import naming_damage
from litmine.lake.live import live
from litmine.lake.place import Place
from litmine.lake.tables import pmid_range
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, schema_map


class Moment(NamedTuple):
    """Orders the versions of one PMID as the view `current_versions` does: the greatest is current.

    `as_of` is in microseconds since 1970, UTC. A record that does not say when it was revised comes first.
    """

    as_of: int
    revised: date
    record_hash: int


@dataclass(slots=True)
class History:
    """What the lake holds of one PMID: when each of its records was last seen, its texts, and its newest version."""

    last_seen: dict[int, int] = field(default_factory=dict)
    text_hashes: set[int] = field(default_factory=set)
    newest: Moment | None = None

    def add(self, moment: Moment, text_hash: int | None) -> None:
        """A record of this PMID stands in the lake."""
        self.last_seen[moment.record_hash] = max(moment.as_of, self.last_seen.get(moment.record_hash, moment.as_of))
        self.newest = max(moment, self.newest or moment)
        if text_hash is not None:
            self.text_hashes.add(text_hash)


class Known:
    """The parts of one lake as they stood at the last look: others may write there at the same time."""

    def __init__(self, lake: Place) -> None:
        self._lake = lake
        self._ranges: dict[str, tuple[int, int]] = {}
        self._connection = quiet_duckdb(lake)
        # Several importers share the cores, and a query reads a few narrow columns.
        self._connection.execute("SET threads = 1")

    def histories(self, pmids: Iterable[int]) -> dict[int, History]:
        """What the parts say of each PMID, nothing of one that they do not hold. Raises LakeError for damage."""
        histories = {pmid: History() for pmid in pmids}
        self._read(histories, self._ranges)
        return histories

    def catch_up(self, histories: dict[int, History]) -> set[int]:
        """Look again: add to the histories what parts written since the last look say; returns the PMIDs concerned.

        Raises LakeError for a damaged part.
        """
        there = live(self._lake, "articles")
        # What a merged part has replaced is in that one, and its file goes some hours later.
        self._ranges = {name: range_ for name, range_ in self._ranges.items() if name in there}
        fresh = sorted(there.keys() - self._ranges.keys())
        self._ranges |= {name: pmid_range(there[name]) for name in fresh}
        return self._read(histories, fresh)

    def _read(self, histories: dict[int, History], names: Iterable[str]) -> set[int]:
        wanted = sorted(histories)
        folder = self._lake / "articles"
        files = [glob_escaped(folder / f"{name}.parquet") for name in names if _can_hold(self._ranges[name], wanted)]
        if not files:
            return set()
        query = f"""
            SELECT pmid, epoch_us(max(as_of)), any_value(revised), record_hash, any_value(text_hash)
            FROM read_parquet($files, schema = {schema_map("articles")})
            WHERE pmid IN (SELECT unnest($pmids::BIGINT[]))
            GROUP BY pmid, record_hash"""
        with naming_damage(self._lake):
            rows = interruptibly(
                self._connection,
                lambda: self._connection.execute(query, {"files": files, "pmids": wanted}).fetchall(),
            )
        for pmid, as_of, revised, record_hash, text_hash in rows:
            histories[pmid].add(Moment(as_of, revised or date.min, record_hash), text_hash)
        return {row[0] for row in rows}


def _can_hold(range_: tuple[int, int], wanted: list[int]) -> bool:
    """Whether one of the sorted PMIDs lies in the range."""
    least, greatest = range_
    position = bisect_left(wanted, least)
    return position < len(wanted) and wanted[position] <= greatest
