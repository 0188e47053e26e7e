"""Into the lake: records and deletions, in any order, as article parts.

Each part of what comes in is held against what the lake knows of its PMIDs. A record that the lake holds is not written
again; where only its time is news, a narrow row says so. So every order of importing the same things ends in the same
view, by one process or several, and a text is marked as new exactly once.

What the lake's parts already say about some PMIDs: from their narrow columns, and only parts that can hold them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import PurePath
from typing import NamedTuple

import pyarrow as pa

from litmine.errors import SchemaError
from litmine.lake.duckdb_errors import naming_damage
from litmine.lake.file_writer import write_bytes
from litmine.lake.hashing import deletion_hash, record_hash, text_hash
from litmine.lake.listing import live
from litmine.lake.lock import exclusive
from litmine.lake.parquet import encode, pmid_range
from litmine.lake.paths import Place
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, schema_map
from litmine.schema import arrow_schema
from litmine.types import Article, Deletion, SourceRecord


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
        for pmid, as_of, revised, record, text in rows:
            histories[pmid].add(Moment(as_of, revised or date.min, record), text)
        return {row[0] for row in rows}


def _can_hold(range_: tuple[int, int], wanted: list[int]) -> bool:
    """Whether one of the sorted PMIDs lies in the range."""
    least, greatest = range_
    position = bisect_left(wanted, least)
    return position < len(wanted) and wanted[position] <= greatest


PART_SIZE = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of what was read: `read` is the sum of the six counts after it.

    new: articles whose PMID the lake had never seen; revised: other versions of known PMIDs; repeated: records and
    deletions that the lake held, seen again later; deletions: PMIDs taken back; unchanged: nothing to write;
    superseded: followed by another of the same PMID in the same part. mended: lone surrogates that became U+FFFD;
    texts: new texts for models; parts: the names of the parts written.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    repeated: int = 0
    deletions: int = 0
    unchanged: int = 0
    superseded: int = 0
    mended: int = 0
    texts: int = 0
    parts: tuple[str, ...] = ()

    def __add__(self, other: "Added") -> "Added":
        return Added(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Added)))


@dataclass(slots=True)
class _Row:
    """A record on its way into a part, and what the lake said of its PMID at the last look."""

    record: Article | Deletion
    moment: Moment
    text_hash: int | None
    history: History = field(default_factory=History)
    kind: str = "new"
    new_text: bool = False

    def judge(self, dated: bool) -> bool:
        """Say what the row is to the lake, and whether its text is new; returns whether it must be written."""
        last_seen = self.history.last_seen.get(self.moment.record_hash)
        self.new_text = False
        if last_seen is not None:
            self.kind = "repeated"
            is_current = self.history.newest is not None and self.history.newest.record_hash == self.moment.record_hash
            return last_seen < self.moment.as_of and (dated or not is_current)
        if isinstance(self.record, Deletion):
            self.kind = "deletions"
        else:
            self.kind = "new" if self.history.newest is None else "revised"
            self.new_text = bool(self.record.text) and self.text_hash not in self.history.text_hashes
        return True


class Importer:
    """Adds one source after another to a lake, while other processes may do the same.

    Records are parsed, judged and encoded without a lock. It is held for a look at what others have written since, and
    for writing; only where they wrote about the same PMIDs are rows judged, and the part encoded, again.
    """

    def __init__(self, lake: Place) -> None:
        self._lake = lake
        self._known = Known(lake)

    def add(self, records: Iterable[SourceRecord], *, source: str, dated: bool, part_size: int = PART_SIZE) -> Added:
        """Add what one source says, in parts of at most `part_size` rows; constant memory.

        `dated`: the source itself dates its records; otherwise `as_of` is merely the time of the import, and seeing the
        current version again is no news. Raises LakeError when the lake cannot be written or is damaged, SchemaError
        for a record that the table cannot hold; what was written until then stays, and adding it again completes it.
        """
        total = Added()
        pending: dict[int, _Row] = {}
        stream = iter(records)
        with self._lock():
            self._known.catch_up({})
        while batch := list(islice(stream, part_size)):
            total += self._decide(batch, pending, dated)
            while len(pending) >= part_size:
                total += self._write(pending, part_size, source, dated, len(total.parts))
        if pending:
            total += self._write(pending, part_size, source, dated, len(total.parts))
        return total

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive(self._lake, "import", wait=True)

    def _decide(self, batch: list[SourceRecord], pending: dict[int, _Row], dated: bool) -> Added:
        """Put into `pending` what must be written of a batch; a PMID stands there once, with its newest record."""
        newest: dict[int, _Row] = {}
        for observed in batch:
            row = _row(observed)
            pmid = row.record.pmid
            if pmid not in newest or newest[pmid].moment <= row.moment:
                newest[pmid] = row
        superseded = len(batch) - len(newest)
        unchanged = 0
        histories = self._known.histories(newest)
        for pmid, row in newest.items():
            waiting = pending.get(pmid)
            if waiting is not None:
                superseded += 1
                if waiting.moment > row.moment:
                    continue
                del pending[pmid]
            row.history = histories[pmid]
            if row.judge(dated):
                pending[pmid] = row
            else:
                unchanged += 1
        mended = sum(observed.mended for observed in batch)
        return Added(read=len(batch), unchanged=unchanged, superseded=superseded, mended=mended)

    def _write(self, pending: dict[int, _Row], size: int, source: str, dated: bool, chunk: int) -> Added:
        """Write the first `size` rows of `pending` that are still news to a part."""
        first = list(islice(pending, size))
        data = _encode([pending[pmid] for pmid in first], source)
        with self._lock():
            concerned = self._known.catch_up({pmid: row.history for pmid, row in pending.items()})
            old = [pmid for pmid in concerned if not pending[pmid].judge(dated)]
            for pmid in old:
                del pending[pmid]
            rows = [pending.pop(pmid) for pmid in first if pmid in pending]
            if not rows:
                return Added(unchanged=len(old))
            if not concerned.isdisjoint(first):
                data = _encode(rows, source)
            name = f"{_stem(source)}-{chunk:05d}-{blake2b(data, digest_size=6).hexdigest()}"
            write_bytes(self._lake / "articles" / f"{name}.parquet", data, exclusive=True)
            # What was just written is known from now on, like what others have written.
            self._known.catch_up({})
        kinds = [row.kind for row in rows]
        counts = {kind: kinds.count(kind) for kind in ("new", "revised", "repeated", "deletions")}
        return Added(unchanged=len(old), texts=sum(row.new_text for row in rows), parts=(name,), **counts)


def _row(observed: SourceRecord) -> _Row:
    """The record with its place in the order. Raises SchemaError when a section lies outside the text."""
    record = observed.record
    as_of = (observed.as_of - _EPOCH) // _MICROSECOND
    if isinstance(record, Deletion):
        return _Row(record, Moment(as_of, date.min, deletion_hash()), None)
    text = record.text
    for section in record.sections:
        if not 0 <= section.start_char <= section.end_char <= len(text):
            raise SchemaError(f"PMID {record.pmid}: {section} lies outside a text of {len(text)}")
    return _Row(record, Moment(as_of, record.revised or date.min, record_hash(record)), text_hash(text))


def _encode(rows: list[_Row], source: str) -> bytes:
    texts = sum(row.new_text for row in rows)
    return encode("articles", _table(rows, source), {"rows": len(rows), "texts": texts, "source": source})


def _table(rows: list[_Row], source: str) -> pa.Table:
    """The rows of a part. One that is repeated or a deletion carries no content."""
    schema = arrow_schema("articles")
    narrow = {
        "pmid": [row.record.pmid for row in rows],
        "as_of": [row.moment.as_of for row in rows],
        "revised": [None if row.moment.revised == date.min else row.moment.revised for row in rows],
        "record_hash": [row.moment.record_hash for row in rows],
        "text_hash": [row.text_hash for row in rows],
        "new_text": [row.new_text for row in rows],
        "deleted": [isinstance(row.record, Deletion) for row in rows],
        "repeated": [row.kind == "repeated" for row in rows],
        "source": [source] * len(rows),
    }
    full = [row.record if isinstance(row.record, Article) and row.kind != "repeated" else None for row in rows]
    columns = []
    for column in schema:
        values = narrow[column.name] if column.name in narrow else [_content(article, column.name) for article in full]
        try:
            columns.append(pa.array(values, column.type))
        except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
            raise SchemaError(f"{source}: articles.{column.name} cannot hold a value of a record: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema)


def _content(article: Article | None, name: str) -> object:
    if article is None:
        return None
    value = getattr(article, name)
    if name in ("sections", "mesh"):
        return [{slot: getattr(item, slot) for slot in item.__slots__} for item in value]
    return value


def _stem(source: str) -> str:
    """The source's file name without its endings, in characters that every file system and URL takes."""
    name = re.sub(r"(\.(gz|xml|jsonl|json|txt))+$", "", PurePath(source).name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "part"
