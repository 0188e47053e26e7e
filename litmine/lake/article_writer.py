"""Write articles and deletions to the lake as article parts, so that the order of imports never changes the views.

Each batch of records is compared with the versions of the same PMIDs in the lake. A record that the lake already holds
is not written again. If its time is newer, a row without content stores only this time. So the views do not depend on
the order of imports or the number of processes, and each text is marked as new exactly once.
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
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.file_writer import write_bytes
from litmine.lake.hashing import deletion_hash, record_hash, text_hash
from litmine.lake.listing import live_files
from litmine.lake.lock import hold_lock
from litmine.lake.parquet import encode_parquet, read_pmid_range
from litmine.lake.paths import LakePath
from litmine.lake.views import escape_glob, open_duckdb, run_interruptibly, schema_map
from litmine.schema import arrow_schema
from litmine.types import Article, Deletion, SourceRecord

PART_SIZE = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class VersionKey(NamedTuple):
    """Orders the versions of a PMID as the view `current_versions` does: the greatest key is the current version.

    `as_of` is in microseconds since 1970, UTC. `revised` is `date.min` for a record without a revision date.
    """

    as_of: int
    revised: date
    record_hash: int


@dataclass(slots=True)
class VersionHistory:
    """What the lake holds of one PMID: the last `as_of` of each record, all text hashes, and the newest version."""

    last_seen: dict[int, int] = field(default_factory=dict)
    text_hashes: set[int] = field(default_factory=set)
    newest: VersionKey | None = None

    def add(self, version: VersionKey, text_hash: int | None) -> None:
        """Add a version that the lake holds."""
        previous = self.last_seen.get(version.record_hash, version.as_of)
        self.last_seen[version.record_hash] = max(version.as_of, previous)
        self.newest = max(version, self.newest or version)
        if text_hash is not None:
            self.text_hashes.add(text_hash)


class VersionIndex:
    """Looks up the versions of given PMIDs, in the parts that existed at the last refresh.

    A lookup reads only a few small columns, and only of parts whose PMID range includes one of the PMIDs.
    """

    def __init__(self, lake: LakePath) -> None:
        self._lake = lake
        self._ranges: dict[str, tuple[int, int]] = {}
        self._connection = open_duckdb(lake)
        # One thread: several imports share the cores, and a query reads only a few small columns.
        self._connection.execute("SET threads = 1")

    def histories(self, pmids: Iterable[int]) -> dict[int, VersionHistory]:
        """The history of each PMID, empty if no part holds it. Raises LakeError for a damaged part."""
        histories = {pmid: VersionHistory() for pmid in pmids}
        self._read_parts(histories, self._ranges)
        return histories

    def refresh(self, histories: dict[int, VersionHistory]) -> set[int]:
        """Add versions from parts written since the last refresh to the histories. Returns the PMIDs that changed.

        Raises LakeError for a damaged part.
        """
        live = live_files(self._lake, "articles")
        # A merged part holds the rows of the parts it replaced, whose files are deleted some hours later.
        self._ranges = {name: pmid_range for name, pmid_range in self._ranges.items() if name in live}
        new_names = sorted(live.keys() - self._ranges.keys())
        self._ranges |= {name: read_pmid_range(live[name]) for name in new_names}
        return self._read_parts(histories, new_names)

    def _read_parts(self, histories: dict[int, VersionHistory], names: Iterable[str]) -> set[int]:
        pmids = sorted(histories)
        folder = self._lake / "articles"
        files = [escape_glob(folder / f"{name}.parquet") for name in names if _overlaps(self._ranges[name], pmids)]
        if not files:
            return set()
        query = f"""
            SELECT pmid, epoch_us(max(as_of)), any_value(revised), record_hash, any_value(text_hash)
            FROM read_parquet($files, schema = {schema_map("articles")})
            WHERE pmid IN (SELECT unnest($pmids::BIGINT[]))
            GROUP BY pmid, record_hash"""
        with report_damaged_files(self._lake):
            rows = run_interruptibly(
                self._connection,
                lambda: self._connection.execute(query, {"files": files, "pmids": pmids}).fetchall(),
            )
        for pmid, as_of, revised, record, text in rows:
            histories[pmid].add(VersionKey(as_of, revised or date.min, record), text)
        return {row[0] for row in rows}


def _overlaps(pmid_range: tuple[int, int], sorted_pmids: list[int]) -> bool:
    """Whether one of the PMIDs lies in the range (both ends included)."""
    least, greatest = pmid_range
    position = bisect_left(sorted_pmids, least)
    return position < len(sorted_pmids) and sorted_pmids[position] <= greatest


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Counts of an import. `read` is the sum of the six counts after it.

    read: records read.
    new: articles whose PMID the lake did not hold.
    revised: new versions of PMIDs that the lake held.
    repeated: records and deletions that the lake already held, from a source with a later time.
    deletions: PMIDs deleted by the source.
    unchanged: records that need no row, because the lake already holds them.
    superseded: records followed by a newer record of the same PMID in the same part.
    mended: lone surrogates replaced by U+FFFD.
    texts: texts that models have not read before.
    parts: names of the parts written.
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

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(ImportCounts)))


@dataclass(slots=True)
class _PendingRow:
    """A record that waits to be written, with the history of its PMID at the last refresh.

    `kind` is the count of `ImportCounts` that the row belongs to.
    """

    record: Article | Deletion
    version: VersionKey
    text_hash: int | None
    history: VersionHistory = field(default_factory=VersionHistory)
    kind: str = "new"
    new_text: bool = False

    def classify(self, dated: bool) -> bool:
        """Set `kind` and `new_text` from the history. Returns whether the row must be written."""
        last_seen = self.history.last_seen.get(self.version.record_hash)
        self.new_text = False
        if last_seen is not None:
            self.kind = "repeated"
            newest = self.history.newest
            is_current = newest is not None and newest.record_hash == self.version.record_hash
            return last_seen < self.version.as_of and (dated or not is_current)
        if isinstance(self.record, Deletion):
            self.kind = "deletions"
        else:
            self.kind = "new" if self.history.newest is None else "revised"
            self.new_text = bool(self.record.text) and self.text_hash not in self.history.text_hashes
        return True


class ArticleWriter:
    """Adds one source after another to a lake, while other processes may do the same.

    Parsing, classifying and encoding need no lock. The lock is held only to read what other processes have written
    since the last refresh, and to write. Rows are classified and encoded again only if another process wrote about the
    same PMIDs.
    """

    def __init__(self, lake: LakePath) -> None:
        self._lake = lake
        self._index = VersionIndex(lake)

    def add(
        self, records: Iterable[SourceRecord], *, source: str, dated: bool, part_size: int = PART_SIZE
    ) -> ImportCounts:
        """Add the records of one source in parts of at most `part_size` rows, in constant memory.

        dated: whether the source dates its records. If not, `as_of` is only the time of the import, and seeing the
        current version again changes nothing. Raises LakeError if the lake cannot be written or is damaged, and
        SchemaError for a record that the table cannot hold. Parts written before an error stay, and adding the source
        again completes it.
        """
        total = ImportCounts()
        pending: dict[int, _PendingRow] = {}
        stream = iter(records)
        with self._lock():
            self._index.refresh({})
        while batch := list(islice(stream, part_size)):
            total += self._classify_batch(batch, pending, dated)
            while len(pending) >= part_size:
                total += self._write_part(pending, part_size, source, dated, len(total.parts))
        if pending:
            total += self._write_part(pending, part_size, source, dated, len(total.parts))
        return total

    def _lock(self) -> AbstractContextManager[None]:
        return hold_lock(self._lake, "import", wait=True)

    def _classify_batch(self, batch: list[SourceRecord], pending: dict[int, _PendingRow], dated: bool) -> ImportCounts:
        """Put those rows of a batch into `pending` that must be written. It keeps only the newest row of each PMID."""
        newest: dict[int, _PendingRow] = {}
        for source_record in batch:
            row = _pending_row(source_record)
            pmid = row.record.pmid
            if pmid not in newest or newest[pmid].version <= row.version:
                newest[pmid] = row
        superseded = len(batch) - len(newest)
        unchanged = 0
        histories = self._index.histories(newest)
        for pmid, row in newest.items():
            earlier = pending.get(pmid)
            if earlier is not None:
                superseded += 1
                if earlier.version > row.version:
                    continue
                del pending[pmid]
            row.history = histories[pmid]
            if row.classify(dated):
                pending[pmid] = row
            else:
                unchanged += 1
        mended = sum(source_record.mended for source_record in batch)
        return ImportCounts(read=len(batch), unchanged=unchanged, superseded=superseded, mended=mended)

    def _write_part(
        self, pending: dict[int, _PendingRow], size: int, source: str, dated: bool, chunk: int
    ) -> ImportCounts:
        """Write the first `size` rows of `pending` to a part, except those that another process has written."""
        pmids = list(islice(pending, size))
        data = _encode_part([pending[pmid] for pmid in pmids], source)
        with self._lock():
            changed = self._index.refresh({pmid: row.history for pmid, row in pending.items()})
            unchanged = [pmid for pmid in changed if not pending[pmid].classify(dated)]
            for pmid in unchanged:
                del pending[pmid]
            rows = [pending.pop(pmid) for pmid in pmids if pmid in pending]
            if not rows:
                return ImportCounts(unchanged=len(unchanged))
            if not changed.isdisjoint(pmids):
                data = _encode_part(rows, source)
            name = f"{_part_stem(source)}-{chunk:05d}-{blake2b(data, digest_size=6).hexdigest()}"
            write_bytes(self._lake / "articles" / f"{name}.parquet", data, exclusive=True)
            # Add the part just written to the index.
            self._index.refresh({})
        kinds = [row.kind for row in rows]
        counts = {kind: kinds.count(kind) for kind in ("new", "revised", "repeated", "deletions")}
        texts = sum(row.new_text for row in rows)
        return ImportCounts(unchanged=len(unchanged), texts=texts, parts=(name,), **counts)


def _pending_row(source_record: SourceRecord) -> _PendingRow:
    """The row of a record, with its version key. Raises SchemaError if a section is outside the text."""
    record = source_record.record
    as_of = (source_record.as_of - _EPOCH) // _MICROSECOND
    if isinstance(record, Deletion):
        return _PendingRow(record, VersionKey(as_of, date.min, deletion_hash()), None)
    text = record.text
    for section in record.sections:
        if not 0 <= section.start_char <= section.end_char <= len(text):
            raise SchemaError(f"PMID {record.pmid}: {section} is outside its text (length {len(text)})")
    version = VersionKey(as_of, record.revised or date.min, record_hash(record))
    return _PendingRow(record, version, text_hash(text))


def _encode_part(rows: list[_PendingRow], source: str) -> bytes:
    texts = sum(row.new_text for row in rows)
    return encode_parquet("articles", _part_table(rows, source), {"rows": len(rows), "texts": texts, "source": source})


def _part_table(rows: list[_PendingRow], source: str) -> pa.Table:
    """The table of a part. Deletions and repeated records have no content."""
    schema = arrow_schema("articles")
    version_columns = {
        "pmid": [row.record.pmid for row in rows],
        "as_of": [row.version.as_of for row in rows],
        "revised": [None if row.version.revised == date.min else row.version.revised for row in rows],
        "record_hash": [row.version.record_hash for row in rows],
        "text_hash": [row.text_hash for row in rows],
        "new_text": [row.new_text for row in rows],
        "deleted": [isinstance(row.record, Deletion) for row in rows],
        "repeated": [row.kind == "repeated" for row in rows],
        "source": [source] * len(rows),
    }
    articles = [row.record if isinstance(row.record, Article) and row.kind != "repeated" else None for row in rows]
    columns = []
    for column in schema:
        name = column.name
        is_version_column = name in version_columns
        values = version_columns[name] if is_version_column else [_content(article, name) for article in articles]
        try:
            columns.append(pa.array(values, column.type))
        except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
            raise SchemaError(f"{source}: articles.{name} cannot hold a value of a record: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema)


def _content(article: Article | None, name: str) -> object:
    if article is None:
        return None
    value = getattr(article, name)
    if name in ("sections", "mesh"):
        return [{slot: getattr(item, slot) for slot in item.__slots__} for item in value]
    return value


def _part_stem(source: str) -> str:
    """The source's file name without its extensions, in characters that every file system and URL accepts."""
    name = re.sub(r"(\.(gz|xml|jsonl|json|txt))+$", "", PurePath(source).name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "part"
