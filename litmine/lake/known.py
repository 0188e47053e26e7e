"""What the lake's parts already say about some PMIDs: from their narrow columns, and only parts that can hold them."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from litmine.errors import LakeError
from litmine.lake.articles import parts
from litmine.lake.damage import find_damage
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


class Known:
    """The parts of one lake, while nobody else adds any."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._ranges = {path: pmid_range(path) for path in parts(lake)}
        self._connection = quiet_duckdb()

    def remember(self, part: Path, pmids: Iterable[int]) -> None:
        """Take a part that was just written into account."""
        held = set(pmids)
        self._ranges[part] = (min(held), max(held))

    def histories(self, pmids: Iterable[int]) -> dict[int, History]:
        """What is known of each PMID; one that the lake never saw is left out. Raises LakeError for a damaged part."""
        import duckdb

        wanted = sorted(set(pmids))
        files = [glob_escaped(path) for path, range_ in self._ranges.items() if _can_hold(range_, wanted)]
        if not files:
            return {}
        query = f"""
            SELECT pmid, epoch_us(max(as_of)), any_value(revised), record_hash, any_value(text_hash)
            FROM read_parquet($files, schema = {schema_map("articles")})
            WHERE pmid IN (SELECT unnest($pmids::BIGINT[]))
            GROUP BY pmid, record_hash"""
        try:
            rows = interruptibly(
                self._connection,
                lambda: self._connection.execute(query, {"files": files, "pmids": wanted}).fetchall(),
            )
        except duckdb.Error as error:
            raise find_damage(self._lake, str(error)) or LakeError(f"the lake cannot be read: {error}") from error
        found: dict[int, History] = {}
        for pmid, as_of, revised, record_hash, text_hash in rows:
            history = found.setdefault(pmid, History())
            history.last_seen[record_hash] = as_of
            if text_hash is not None:
                history.text_hashes.add(text_hash)
            moment = Moment(as_of, revised or date.min, record_hash)
            history.newest = max(history.newest or moment, moment)
        return found


def _can_hold(range_: tuple[int, int], wanted: list[int]) -> bool:
    """Whether one of the sorted PMIDs lies in the range."""
    least, greatest = range_
    position = bisect_left(wanted, least)
    return position < len(wanted) and wanted[position] <= greatest
