"""Write articles and deletions to the lake as article parts, so that the order of imports never changes the views.

Each batch of records is compared with what the lake holds of the same PMIDs. A record that the lake already holds is
not written again; if only its time or its reader is newer, a narrow row without content records that. So every order
of importing the same records, by one process or several, gives the same view, and each text is marked as new at most
once. A bare text is not marked if the lake has a record of its PMID, because no view would show it.
"""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from pathlib import PurePath

import pyarrow as pa

from litmine.errors import SchemaError
from litmine.lake.file_writer import write_bytes
from litmine.lake.hashing import deletion_hash, record_hash, text_hash
from litmine.lake.lock import hold_lock
from litmine.lake.parquet import encode_parquet
from litmine.lake.paths import LakePath
from litmine.lake.version_index import VersionHistory, VersionIndex
from litmine.lake.version_order import VersionKey
from litmine.schema import arrow_schema
from litmine.types import (
    BARE_TEXT,
    CONTENT_FIELDS,
    RECORD,
    Article,
    AuthorAffiliation,
    Chemical,
    Correction,
    DataBank,
    Deletion,
    Grant,
    MeshHeading,
    OlderVersion,
    Section,
    SourceRecord,
)

# Rows of a part by default. An interrupted `annotate` reads the part under way again: some 37 seconds of work on two
# cores (decision 0150). `compact` merges parts later.
PART_SIZE = 1_000
# At most this many rows wait for the end of their source.
_MAX_HELD = 4_000
# The values of each struct of a list column, in the order of its schema; pyarrow takes twice as long for dicts.
_STRUCT_VALUES = {
    name: attrgetter(*(field.name for field in fields(struct)))
    for name, struct in (
        ("sections", Section),
        ("mesh", MeshHeading),
        ("affiliations", AuthorAffiliation),
        ("chemicals", Chemical),
        ("grants", Grant),
        ("corrections", Correction),
        ("data_banks", DataBank),
    )
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Counts of an import. `read` is the sum of the counts from `new` to `superseded`.

    read: records read.
    new: articles whose PMID the lake did not hold.
    revised: new versions of PMIDs that the lake held.
    hidden: bare texts that are stored but never shown, because the lake has a record or a deletion of their PMID.
    repeated: records and deletions that the lake held, seen again at a later time.
    deletions: PMIDs deleted by the source.
    unchanged: records with nothing to write.
    superseded: records that are not stored, because their source has a newer record of the PMID, or their source or the
        lake has a greater `Version` of it.
    mended: lone surrogates replaced by U+FFFD.
    texts: texts that models have not read before.
    parts: names of the parts written.
    narrowed: bare texts that take the place of a bare text with fields that they lack.
    lost_fields: these fields, each once for a part.
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
    hidden: int = 0
    narrowed: int = 0
    lost_fields: tuple[str, ...] = ()

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(ImportCounts)))


@dataclass(slots=True)
class _PendingRow:
    """A record that waits to be written, with the history of its PMID at the last refresh.

    `dated`: its source has a date, or the record itself has one (`dates_itself`). `kind` is the field of `ImportCounts`
    that counts the row. `text_changed` and `pmid_known` are columns of the table.
    """

    record: Article | Deletion
    version: VersionKey
    text_hash: int | None
    dated: bool
    dates_itself: bool = False
    history: VersionHistory = field(default_factory=VersionHistory)
    kind: str = "new"
    new_text: bool = False
    text_changed: bool = False
    pmid_known: bool = False

    @property
    def is_behind(self) -> bool:
        """Whether the lake holds a greater version, so that no view shows this one."""
        return any(self.version < newest for newest in self.history.newest_by_class.values())

    @property
    def is_older_version(self) -> bool:
        """Whether the lake holds a greater `Version` of the article, so that this one can never become current."""
        newest = self.history.newest_by_class.get(self.version.record_class)
        return newest is not None and newest.version > self.version.version

    @property
    def is_held(self) -> bool:
        """Whether to write the row only at the end of its source, because a later record of the source may replace it.

        So importing a source with two versions of a PMID again writes nothing.
        """
        return self.is_behind or (self.kind == "repeated" and not self.dated)

    def classify(self) -> bool:
        """Set `kind`, `new_text` and the flags by the history. Returns whether the row must be written."""
        version, history = self.version, self.history
        self.new_text = False
        is_hidden = version.record_class == BARE_TEXT and RECORD in history.newest_by_class
        # A hidden text is never current, and models do not read it.
        self.text_changed = not is_hidden and history.has_other_text(self.text_hash)
        self.pmid_known = history.rows > 0
        latest = history.latest_by_hash.get(version.record_hash)
        if is_hidden and (latest is not None or self.text_hash in history.record_texts):
            return False
        if latest is not None:
            self.kind = "repeated"
            newest = history.newest_by_class[version.record_class]
            if not self.dated and version < newest:
                return False
            is_current = (
                newest.record_hash == version.record_hash
                and newest.reader_version >= version.reader_version
                and newest.version >= version.version
            )
            return latest < version and (self.dated or not is_current)
        if isinstance(self.record, Deletion):
            self.kind = "deletions"
        elif is_hidden:
            self.kind = "hidden"
        else:
            self.kind = "revised" if history.newest_by_class else "new"
            self.new_text = bool(self.record.text) and self.text_hash not in history.read_texts
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
        rows = _Rows()
        stream = iter(records)
        with self._lock():
            self._index.refresh({})
        while batch := list(islice(stream, part_size)):
            total += self._classify_batch(batch, rows, dated)
            while len(rows.pending) >= part_size:
                total += self._write_part(rows.pending, part_size, source, len(total.parts))
            if len(rows.held) > _MAX_HELD:
                total += self._write_held(rows, part_size, source, len(total.parts))
        if rows.pending:
            total += self._write_part(rows.pending, part_size, source, len(total.parts))
        return total + self._write_held(rows, part_size, source, len(total.parts))

    def _lock(self) -> AbstractContextManager[None]:
        return hold_lock(self._lake, "import", wait=True)

    def _classify_batch(self, batch: list[SourceRecord], rows: "_Rows", dated: bool) -> ImportCounts:
        """Classify a batch, and add what must be written to `rows`, which keeps only the newest row of each PMID."""
        newest: dict[int, _PendingRow] = {}
        for source_record in batch:
            row = _pending_row(source_record, dated)
            if row is None:
                continue
            pmid = row.record.pmid
            if pmid not in newest or newest[pmid].version <= row.version:
                newest[pmid] = row
        superseded = len(batch) - len(newest)
        unchanged = 0
        histories = self._index.histories(newest)
        for pmid, row in newest.items():
            earlier = rows.get(pmid)
            if earlier is not None:
                superseded += 1
                if earlier.version > row.version:
                    continue
                rows.remove(pmid)
            row.history = histories[pmid]
            if not row.classify():
                unchanged += 1
            elif row.is_older_version or (row.is_behind and pmid in rows.self_dated):
                superseded += 1
            else:
                rows.add(row)
            if row.dates_itself:
                rows.self_dated.add(pmid)
        mended = sum(source_record.mended for source_record in batch)
        return ImportCounts(read=len(batch), unchanged=unchanged, superseded=superseded, mended=mended)

    def _write_held(self, rows: "_Rows", part_size: int, source: str, chunk: int) -> ImportCounts:
        """Write the held rows, without those that another process has written."""
        total = ImportCounts()
        while rows.held:
            pmids = list(islice(rows.held, part_size))
            held = {pmid: rows.held.pop(pmid) for pmid in pmids}
            for pmid, history in self._index.histories(held).items():
                held[pmid].history = history
            pending = {pmid: row for pmid, row in held.items() if row.classify()}
            total += ImportCounts(unchanged=len(held) - len(pending))
            if pending:
                total += self._write_part(pending, part_size, source, chunk + len(total.parts))
        return total

    def _write_part(self, pending: dict[int, _PendingRow], size: int, source: str, chunk: int) -> ImportCounts:
        """Write the first `size` rows of `pending` to a part, without those that another process has written."""
        pmids = list(islice(pending, size))
        data = _encode_part([pending[pmid] for pmid in pmids], source)
        with self._lock():
            changed = self._index.refresh({pmid: row.history for pmid, row in pending.items()})
            unchanged = [pmid for pmid in changed if not pending[pmid].classify()]
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
        counts = {kind: kinds.count(kind) for kind in ("new", "revised", "repeated", "deletions", "hidden")}
        texts = sum(row.new_text for row in rows)
        narrowed, lost = self._count_narrowed(rows)
        return ImportCounts(
            unchanged=len(unchanged), texts=texts, parts=(name,), narrowed=narrowed, lost_fields=lost, **counts
        )

    def _count_narrowed(self, rows: list[_PendingRow]) -> tuple[int, tuple[str, ...]]:
        """How many bare texts lack fields of the bare texts that they replace, and which fields."""
        replaced = {
            row.record.pmid: row.history.newest_by_class[BARE_TEXT].record_hash
            for row in rows
            if row.kind == "revised" and row.version.record_class == BARE_TEXT and not row.is_behind
        }
        earlier = self._index.filled_fields(replaced) if replaced else {}
        lost = [earlier.get(row.record.pmid, set()) - _filled_fields(row.record) for row in rows]
        return sum(map(bool, lost)), tuple(sorted(set().union(*lost)))


def _filled_fields(record: Article | Deletion) -> set[str]:
    if isinstance(record, Deletion):
        return set()
    return {name for name in CONTENT_FIELDS if getattr(record, name)}


@dataclass(slots=True)
class _Rows:
    """The rows of a source that must be written, by PMID.

    pending: rows that wait for a full part. held: rows that wait for the end of the source. self_dated: PMIDs whose
    records have dates of their own; only for these can an older record follow in the source.
    """

    pending: dict[int, _PendingRow] = field(default_factory=dict)
    held: dict[int, _PendingRow] = field(default_factory=dict)
    self_dated: set[int] = field(default_factory=set)

    def get(self, pmid: int) -> _PendingRow | None:
        return self.pending.get(pmid) or self.held.get(pmid)

    def add(self, row: _PendingRow) -> None:
        (self.held if row.is_held else self.pending)[row.record.pmid] = row

    def remove(self, pmid: int) -> None:
        self.pending.pop(pmid, None)
        self.held.pop(pmid, None)


def _pending_row(source_record: SourceRecord, dated: bool) -> _PendingRow | None:
    """The row of a record, with its version key; None for an older version, which is not kept.

    Raises SchemaError if a section is outside the text.
    """
    record, record_class = source_record.record, source_record.record_class
    if isinstance(record, OlderVersion):
        return None
    as_of = (source_record.as_of - _EPOCH) // _MICROSECOND
    reader_version, dated = source_record.reader_version, dated or source_record.dated
    if isinstance(record, Deletion):
        version = VersionKey(RECORD, record.version, as_of, date.min, reader_version, deletion_hash())
        return _PendingRow(record, version, None, dated, source_record.dated)
    text = record.text
    for section in record.sections:
        if not 0 <= section.start_char <= section.end_char <= len(text):
            raise SchemaError(f"PMID {record.pmid}: {section} is outside its text (length {len(text)})")
    content = record_hash(record, record_class)
    version = VersionKey(record_class, record.version, as_of, record.revised or date.min, reader_version, content)
    return _PendingRow(record, version, text_hash(text), dated, source_record.dated)


def _encode_part(rows: list[_PendingRow], source: str) -> bytes:
    texts = sum(row.new_text for row in rows)
    return encode_parquet("articles", _part_table(rows, source), {"rows": len(rows), "texts": texts, "source": source})


def _part_table(rows: list[_PendingRow], source: str) -> pa.Table:
    """The table of a part. Deletions and repeated records have no content."""
    schema = arrow_schema("articles")
    version_columns = {
        "pmid": [row.record.pmid for row in rows],
        "as_of": [row.version.as_of for row in rows],
        "version": [None if row.version.version == 1 else row.version.version for row in rows],
        "revised": [None if row.version.revised == date.min else row.version.revised for row in rows],
        "record_hash": [row.version.record_hash for row in rows],
        "record_class": [row.version.record_class for row in rows],
        "reader_version": [row.version.reader_version for row in rows],
        "text_hash": [row.text_hash for row in rows],
        "new_text": [row.new_text for row in rows],
        "deleted": [isinstance(row.record, Deletion) for row in rows],
        "repeated": [row.kind == "repeated" for row in rows],
        "text_changed": [row.text_changed for row in rows],
        "pmid_known": [row.pmid_known for row in rows],
        "source": [source] * len(rows),
    }
    articles = [row.record if isinstance(row.record, Article) and row.kind != "repeated" else None for row in rows]
    columns = []
    for column in schema:
        name = column.name
        is_version_column = name in version_columns
        values = version_columns[name] if is_version_column else _column_values(articles, name)
        try:
            columns.append(pa.array(values, column.type))
        except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
            raise SchemaError(f"{source}: articles.{name} cannot hold a value of a record: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema)


def _column_values(articles: list[Article | None], name: str) -> list[object]:
    """The values of a column for pyarrow, with None for rows without content."""
    content = attrgetter(name)
    if (struct_values := _STRUCT_VALUES.get(name)) is None:
        return [None if article is None else content(article) for article in articles]
    return [None if article is None else [struct_values(struct) for struct in content(article)] for article in articles]


def _part_stem(source: str) -> str:
    """The source's file name without its extensions, in characters that every file system and URL accepts."""
    name = re.sub(r"(\.(gz|xml|jsonl|json|txt))+$", "", PurePath(source).name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "part"
