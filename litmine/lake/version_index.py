"""Look up which versions of some PMIDs a lake holds, so that an import writes nothing twice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.listing import live_files
from litmine.lake.parquet import read_pmid_range
from litmine.lake.part_ranges import may_have
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, schema_map
from litmine.lake.version_order import VERSION_COLUMNS, VersionKey, version_key_fields, version_struct
from litmine.lake.views import open_duckdb, run_interruptibly
from litmine.schema import arrow_schema
from litmine.types import CONTENT_FIELDS, RECORD

_COLUMNS = ("pmid", *VERSION_COLUMNS, "text_hash", "new_text")


@dataclass(slots=True)
class VersionHistory:
    """What the lake holds of one PMID.

    latest_by_hash: the greatest key of each record, by record hash. newest_by_class: the greatest key of each class.
    read_texts: hashes of the texts that models read. record_texts: hashes of the texts of records, without bare texts.
    texts: hashes of the texts of all rows, None for a deletion. rows: number of rows.
    """

    latest_by_hash: dict[int, VersionKey] = field(default_factory=dict)
    newest_by_class: dict[int, VersionKey] = field(default_factory=dict)
    read_texts: set[int] = field(default_factory=set)
    record_texts: set[int] = field(default_factory=set)
    texts: set[int | None] = field(default_factory=set)
    rows: int = 0

    def add(self, version: VersionKey, text_hash: int | None, new_text: bool, rows: int) -> None:
        """Add a version that `rows` rows hold; `new_text`: models read its text, in one of them."""
        self.latest_by_hash[version.record_hash] = max(version, self.latest_by_hash.get(version.record_hash, version))
        self.newest_by_class[version.record_class] = max(
            version, self.newest_by_class.get(version.record_class, version)
        )
        self.texts.add(text_hash)
        self.rows += rows
        if text_hash is not None:
            if new_text:
                self.read_texts.add(text_hash)
            if version.record_class == RECORD:
                self.record_texts.add(text_hash)

    def has_other_text(self, text_hash: int | None) -> bool:
        """Whether a row has another text, or, if this is a text, is a deletion. `text_hash` is None for a deletion."""
        return not self.texts <= {text_hash}


class VersionIndex:
    """Looks up which versions a lake holds of some PMIDs, in the parts that existed at the last refresh.

    A lookup reads narrow columns only, and only the parts whose PMID range can hold one of the PMIDs.
    """

    def __init__(self, lake: LakePath) -> None:
        self._lake = lake
        self._ranges: dict[str, tuple[int, int]] = {}
        self._connection = open_duckdb(lake)
        # One thread: several imports share the cores, and a query reads only a few narrow columns.
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

    def filled_fields(self, hash_by_pmid: Mapping[int, int]) -> dict[int, set[str]]:
        """The fields of an article that are not empty in a stored version of each PMID, given by its record hash.

        Raises LakeError for a damaged part.
        """
        files = self._files_with(sorted(hash_by_pmid), self._ranges)
        if not files:
            return {}
        kinds = arrow_schema("articles")
        names = [name for name in CONTENT_FIELDS if name not in ("pmid", "sections")]
        filled = ", ".join(_is_filled(name, kinds.field(name).type) for name in names)
        query = f"""
            SELECT pmid, record_hash, {filled}
            FROM read_parquet($files, schema = {schema_map("articles", ["pmid", "record_hash", "repeated", *names])})
            WHERE NOT repeated AND pmid IN (SELECT unnest($pmids::BIGINT[]))"""
        rows = self._rows(query, {"files": files, "pmids": [*hash_by_pmid]})
        return {
            pmid: {name for name, has_value in zip(names, values, strict=True) if has_value}
            for pmid, content, *values in rows
            if hash_by_pmid[pmid] == content
        }

    def _read_parts(self, histories: dict[int, VersionHistory], names: Iterable[str]) -> set[int]:
        pmids = sorted(histories)
        files = self._files_with(pmids, names)
        if not files:
            return set()
        query = f"""
            SELECT pmid, {version_key_fields("newest")}, text_hash, new_text, rows
            FROM (
                SELECT pmid, max({version_struct()}) AS newest, any_value(text_hash) AS text_hash,
                       bool_or(new_text) AS new_text, count(*) AS rows
                FROM read_parquet($files, schema = {schema_map("articles", _COLUMNS)})
                WHERE pmid IN (SELECT unnest($pmids::BIGINT[]))
                GROUP BY pmid, record_hash
            )"""
        rows = self._rows(query, {"files": files, "pmids": pmids})
        for pmid, *key, text_hash, new_text, count in rows:
            histories[pmid].add(VersionKey(*key), text_hash, new_text, count)
        return {row[0] for row in rows}

    def _files_with(self, pmids: list[int], names: Iterable[str]) -> list[str]:
        """Those of the named parts that may hold one of the sorted PMIDs, as patterns for DuckDB."""
        folder = self._lake / "articles"
        return [escape_glob(folder / f"{name}.parquet") for name in names if may_have(self._ranges[name], pmids)]

    def _rows(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with report_damaged_files(self._lake):
            rows: list[tuple[Any, ...]] = run_interruptibly(
                self._connection, lambda: self._connection.execute(query, parameters).fetchall()
            )
        return rows


def _is_filled(name: str, kind: pa.DataType) -> str:
    """SQL for whether a column of an article has a value other than the default of its field."""
    if pa.types.is_list(kind):
        return f"len({name}) > 0"
    return name if pa.types.is_boolean(kind) else f"{name} IS NOT NULL"
