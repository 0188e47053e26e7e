"""How the views of the catalogue find the live files of a lake at the time of a query.

Files are added and merged after the catalogue was written, so each view lists them itself. A view lists the article
parts once, first, and uses this listing for everything that it reads of articles and targets; `litmine.lake.listing`
says why the order matters. DuckDB's table functions take no computed path, so a view opens the replaced files too,
while they exist, and drops their rows.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from litmine.lake.current_rows import (
    CONTENT_COLUMNS,
    TEXT_COLUMNS,
    VERSION_ROWS,
    current_articles,
    marked_pmids,
    superseded_texts,
)
from litmine.lake.file_statistics import read_statistics
from litmine.lake.folders import glob_files
from litmine.lake.parquet import SCHEMA_FILE
from litmine.lake.paths import CATALOGUE, PART_TASKS, REPLACED, TABLES, file_pattern
from litmine.lake.sql_text import column_names, escape_glob, schema_map, select_list, sql_string
from litmine.lake.version_order import VERSION_COLUMNS
from litmine.lake.view_templates import FILE_NAME, FOOTER_COLUMNS
from litmine.specs import ARTICLES, TaskSpec

# The columns of articles that are cheap to read, and those that identify the content of a version.
_NARROW = {"pmid", *VERSION_COLUMNS, "text_hash", "retracted"}
_CONTENT_KEY = ("pmid", "record_hash")


class LiveFileQuery:
    """The `TableSource` of the catalogue."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._pattern = escape_glob(lake)
        self._tables = {table for table in TABLES if glob_files(lake / table, file_pattern(table))}
        self._missing: dict[str, tuple[list[tuple[str, ...] | None], list[str]]] = {}

    def has_files(self, table: str) -> bool:
        return table in self._tables

    def rows(self, table: str, columns: Sequence[str]) -> str:
        return self._read(table, columns, self._live_files(table))

    def footers(self, table: str, with_replaced: bool) -> str:
        reader = f"parquet_kv_metadata({self._glob(table)})"
        if with_replaced:
            return f"(SELECT {', '.join(FOOTER_COLUMNS)} FROM {reader} WHERE {self._in_place()})"
        live = "live" if table in PART_TASKS else self._live_files(table)
        return self._join_live(table, ", ".join(FOOTER_COLUMNS), reader, "file_name", live)

    def target_footers(self, footers: str) -> str:
        return self._with_listing(footers)

    def current_rows(self, table: str, columns: Sequence[str]) -> str:
        names = ", ".join(column_names(columns))
        keys = [name for name in ("pmid", "text_hash") if name not in columns]
        marked = marked_pmids(self._read(ARTICLES, ("pmid", "text_changed")), "text_changed")
        superseded = superseded_texts(self._read(ARTICLES, TEXT_COLUMNS), marked)
        rows = self._read(table, [*columns, *keys])
        current = f"(SELECT {names} FROM {rows} AS read ANTI JOIN {superseded} AS superseded USING (pmid, text_hash))"
        return self._with_listing(current)

    def current_extended_rows(self, spec: TaskSpec, plain: Sequence[str], extended: Sequence[str]) -> str:
        """List the extended targets once, before any of them is read, so that each row is read from one file."""
        names = ", ".join(column_names(plain))
        key = self._key(FILE_NAME)
        marked = marked_pmids(self._read(ARTICLES, ("pmid", "text_changed")), "text_changed")
        superseded = superseded_texts(self._read(ARTICLES, TEXT_COLUMNS), marked)
        rows = self._read(spec.extends, [*plain, f"{key} AS target"])
        selects = [f"SELECT {names} FROM {rows} ANTI JOIN chosen ON target = chosen.extends"]
        if self.has_files(spec.table):
            rows = self._read(spec.table, [*extended, f"{key} AS target"])
            selects.append(f"SELECT {names} FROM {rows} SEMI JOIN chosen ON target = chosen.file")
        current = (
            f"(SELECT {names} FROM ({' UNION ALL '.join(selects)}) AS read"
            f" ANTI JOIN {superseded} AS superseded USING (pmid, text_hash))"
        )
        return (
            f"(WITH live AS MATERIALIZED {self._live_files(ARTICLES)},"
            f" chosen AS MATERIALIZED {self._extended_targets(spec)} FROM {current})"
        )

    def _extended_targets(self, spec: TaskSpec) -> str:
        """The keys of the targets of a task's active models, and of the targets of the other task that they extend."""
        if not self.has_files(spec.table):
            return "(SELECT NULL::VARCHAR AS file, NULL::VARCHAR AS extends WHERE false)"
        of = "regexp_extract(file, '/of=([^/]+)/[^/]+$', 1)"
        model = f"regexp_extract(file, '^{spec.table}/model=([^/]+)/', 1)"
        return f"""(
    SELECT file, '{spec.extends}/model=' || {of} || '/' || parse_filename(file) AS extends
    FROM (SELECT {self._key("file")} AS file FROM glob({self._glob(spec.table)}))
    WHERE (url_decode({model}), url_decode({of})) IN (
        SELECT (model, inputs) FROM active_models WHERE task = {sql_string(spec.name)}
    )
)"""

    def current_articles(self, columns: Sequence[str]) -> str:
        """Find the current versions by narrow columns, and join the others.

        DuckDB reads all columns below a listing (`_with_listing`), also those that a query does not need.
        """
        wide = [name for name in columns if name not in _NARROW]
        narrow = list(dict.fromkeys([*(name for name in columns if name in _NARROW), *(_CONTENT_KEY if wide else ())]))
        rows = self._read(ARTICLES, list(dict.fromkeys([*narrow, *CONTENT_COLUMNS])))
        marked = marked_pmids(self._read(ARTICLES, ("pmid", "pmid_known")), "pmid_known")
        current = current_articles(rows, narrow, self._read(ARTICLES, VERSION_ROWS), marked)
        if not wide:
            return self._with_listing(current)
        content = self.rows(ARTICLES, [*_CONTENT_KEY, "repeated", *wide])
        return f"""(
    SELECT {", ".join(columns)}
    FROM {self._with_listing(current)} JOIN {content} USING ({", ".join(_CONTENT_KEY)})
    WHERE NOT repeated
)"""

    def stored(self, name: str) -> None:
        """Nothing: what is kept beside the lake may be out of date whenever a view of the catalogue is read."""

    def active_models(self, spec: TaskSpec) -> str:
        names = ("model", "inputs") if spec.upstream else ("model",)
        key = f"({', '.join(names)})" if len(names) > 1 else names[0]
        active = f"FROM active_models WHERE task = {sql_string(spec.name)}"
        if not spec.type_column:
            return f"{key} IN (SELECT {key} {active})"
        typed = ", ".join(names)
        return (
            f"{key} IN (SELECT {key} {active} AND types IS NULL)"
            f" OR ({typed}, {spec.type_column}) IN (SELECT ({typed}, unnest(types)) {active})"
        )

    def _with_listing(self, query: str) -> str:
        """A query that reads the listing `live` of the article parts several times."""
        return f"(WITH live AS MATERIALIZED {self._live_files(ARTICLES)} FROM {query})"

    def _live_files(self, table: str) -> str:
        """A subquery for the keys of the live files of a table; of the article parts for a task's table.

        DuckDB evaluates `listed` first and the notes after it, the order that `litmine.lake.listing` requires.
        """
        parts = ARTICLES if table in PART_TASKS else table
        return f"""(
    WITH listed AS MATERIALIZED (
        SELECT {self._key("file")} AS file FROM glob({self._glob(parts)}) WHERE {self._in_place()}
    )
    SELECT file FROM listed
    WHERE file NOT IN (SELECT file FROM {self._notes()} AS notes WHERE notes.by IN (SELECT file FROM listed))
)"""

    def _read(self, table: str, columns: Sequence[str], live: str = "live") -> str:
        """The rows of the live files of a table; `live` is a subquery for their keys.

        By name where possible, because DuckDB 2.0 estimates one row for files that it reads by field ids. It takes the
        columns and the number of rows from the first file, so the empty file of the table comes last. If some files
        are older than a column, it must open all of them first, which takes longer.
        """
        missing, empty_file = self._missing_columns(table)
        if None in missing:
            options = f"{self._glob(table)}, schema = {schema_map(table, columns)}"
            in_none: set[str] = set()
        elif any(missing):
            options = f"{self._glob(table)}, hive_partitioning = false, union_by_name = true"
            in_none = set(missing[0] or ()).intersection(*(names or () for names in missing))
        else:
            files = f"[{', '.join([self._glob(table, '[!_]*.parquet'), *empty_file])}]"
            options = f"{files}, hive_partitioning = false, allow_empty = true"
            in_none = set()
        reader = f"read_parquet({options}, filename = true)"
        return self._join_live(table, select_list(table, columns, in_none), reader, FILE_NAME, live)

    def _missing_columns(self, table: str) -> tuple[list[tuple[str, ...] | None], list[str]]:
        """The sets of columns that files of a table lack (`FileStatistics.missing`), and its empty file as SQL.

        The empty file is as old as the table. If it lacks a column, it is left out unless it is the only file.
        """
        if table not in self._missing:
            files = glob_files(self._lake / table, file_pattern(table))
            statistics = dict(zip(files, read_statistics(self._lake, table, files), strict=True))
            empty = [file for file in files if file.name == SCHEMA_FILE and not statistics[file].missing]
            empty = [file for file in empty if statistics[file].missing is not None]
            read = [file for file in files if file.name != SCHEMA_FILE] or files
            missing = list({statistics[file].missing for file in read})
            self._missing[table] = missing, [sql_string(escape_glob(file)) for file in empty]
        return self._missing[table]

    def _join_live(self, table: str, columns: str, reader: str, name: str, live: str) -> str:
        """The rows of a reader from files in `live`; `name` is the reader's column with the path."""
        key = f"'{ARTICLES}/' || parse_filename({name}, true)" if table in PART_TASKS else self._key(name)
        return f"(SELECT {columns} FROM {live} AS live JOIN {reader} ON live.file = {key})"

    def _in_place(self) -> str:
        """A condition that fails with a clear message when the catalogue is not in the lake that its views read.

        The views of a copied or moved lake read the old folder until the catalogue is written again.
        `duckdb_databases` has the resolved path of the open file.
        """
        path = os.path.realpath(str(self._lake / CATALOGUE))
        message = (
            f"this {CATALOGUE} reads the lake at {self._lake}; run `litmine status --lake FOLDER` first, with the"
            " folder where this file is"
        )
        in_place = f"EXISTS (FROM duckdb_databases() WHERE path = {sql_string(path)})"
        return f"CASE WHEN {in_place} THEN true ELSE error({sql_string(message)}) END"

    def _notes(self) -> str:
        if not glob_files(self._lake / REPLACED, "*.parquet"):
            return "(SELECT NULL::VARCHAR AS file, NULL::VARCHAR AS by WHERE false)"
        return f"read_parquet({self._glob(REPLACED)}, schema = {schema_map(REPLACED)})"

    def _glob(self, table: str, names: str = "*.parquet") -> str:
        folders = file_pattern(table).removesuffix("*.parquet")
        return sql_string(f"{self._pattern}/{table}/{folders}{names}")

    def _key(self, column: str) -> str:
        """The path of a file relative to the lake, without its file extension."""
        start = len(str(self._lake)) + 2
        return f"substr({column}, {start}, length({column}) - {start + len('parquet')})"
