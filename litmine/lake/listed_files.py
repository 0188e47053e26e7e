"""How the views of `litmine sql` read a lake: its files are listed once, before the query.

Files are read by name where possible, because DuckDB 2.0 estimates one row for files that it reads by field ids, and
then joins in an arbitrary order. Parts without a superseded text are read without looking for one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.lake.current_rows import (
    CONTENT_COLUMNS,
    TEXT_COLUMNS,
    VERSION_ROWS,
    current_articles,
    marked_pmids,
    single_versions,
    superseded_texts,
)
from litmine.lake.file_statistics import UNKNOWN, FileStatistics, read_statistics
from litmine.lake.footers import read_footers
from litmine.lake.lake_cache import MIN_CACHED, cache_file, files_digest, write_cache
from litmine.lake.paths import PART_TASKS, LakePath, parse_folder_name
from litmine.lake.sql_text import column_names, escape_glob, schema_map, select_list, sql_string
from litmine.lake.version_order import version_struct
from litmine.lake.view_templates import FILE_NAME, FOOTER_COLUMNS
from litmine.specs import ARTICLES, TaskSpec

if TYPE_CHECKING:
    import duckdb

# A database of its own in memory, so that its table is not among those that a user lists.
_SETS = "litmine_sets"
_SUPERSEDED = f"{_SETS}.main.superseded_texts"
_FOOTERS = "STRUCT(file_name VARCHAR, footer VARCHAR)[]"
# The key of the cache's metadata that says for which files it holds.
_DIGEST = b"litmine-files"


class ListedFiles:
    """The `TableSource` of `litmine sql`."""

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", lake: LakePath, files_by_table: Mapping[str, Sequence[LakePath]]
    ) -> None:
        self._connection = connection
        self._lake = lake
        self._files = files_by_table
        self._statistics: dict[str, dict[LakePath, FileStatistics]] = {}
        self._folders: dict[str, tuple[str, str, str]] = {}
        self._variables = 0

    def has_files(self, table: str) -> bool:
        return bool(self._files[table])

    def rows(self, table: str, columns: Sequence[str]) -> str:
        return self._read(table, columns, self._files[table])

    def footers(self, table: str, with_replaced: bool) -> str:  # noqa: ARG002
        """All listed files are live, so `with_replaced` has no effect.

        The footers come from `read_footers`, because DuckDB would read all of them again in every query. Raises
        LakeError for a damaged file.
        """
        texts = read_footers(self._lake, self._files[table]).complete()
        rows = [{"file_name": str(file), "footer": text} for file, text in texts.items() if text is not None]
        footers = f"SELECT unnest({self._variable(rows, _FOOTERS)}, recursive := true)"
        columns = {"file_name": "file_name", "key": "'litmine'::BLOB AS key", "value": "encode(footer) AS value"}
        return f"(SELECT {', '.join(columns[name] for name in FOOTER_COLUMNS)} FROM ({footers}))"

    def target_footers(self, footers: str) -> str:
        """All files are listed once anyway."""
        return footers

    def current_rows(self, table: str, columns: Sequence[str]) -> str:
        assert table in PART_TASKS
        return self._current_rows(table, columns, self._files[table])

    def current_extended_rows(self, spec: TaskSpec, plain: Sequence[str], extended: Sequence[str]) -> str:
        active = {(model, inputs) for task, model, inputs, _ in self._active if task == spec.name}
        chosen, done = [], set()
        for file in self._files[spec.table]:
            _, model, inputs = self._folder(file)
            if (model, inputs) in active:
                chosen.append(file)
                done.add((inputs, file.stem))
        left = [file for file in self._files[spec.extends] if (self._folder(file)[1], file.stem) not in done]
        selects = [
            f"FROM {self._current_rows(table, columns, files)}"
            for table, columns, files in ((spec.extends, plain, left), (spec.table, extended, chosen))
            if files
        ]
        return f"({' UNION ALL '.join(selects)})"

    def _current_rows(self, table: str, columns: Sequence[str], files: Sequence[LakePath]) -> str:
        """The rows of some files of a task's table that belong to the current text of an article."""
        mixed = [file for file in files if file.stem in self._superseded_parts]
        if not mixed:
            return self._read(table, columns, files)
        names = ", ".join(column_names(columns))
        keys = [name for name in ("pmid", "text_hash") if name not in columns]
        current = (
            f"(SELECT {names} FROM {self._read(table, [*columns, *keys], mixed)} AS read"
            f" ANTI JOIN {_SUPERSEDED} AS superseded USING (pmid, text_hash))"
        )
        if len(mixed) == len(files):
            return current
        pure = [file for file in files if file.stem not in self._superseded_parts]
        return f"(SELECT {names} FROM {self._read(table, columns, pure)} UNION ALL FROM {current})"

    def current_articles(self, columns: Sequence[str]) -> str:
        files = self._files[ARTICLES]
        articles = self._read(ARTICLES, list(dict.fromkeys([*columns, *CONTENT_COLUMNS])), files)
        marked = [file for file, found in self._read_statistics(ARTICLES).items() if found.pmid_known]
        if not marked:
            return single_versions(articles, columns)
        rows = self._read(ARTICLES, VERSION_ROWS, files)
        return current_articles(articles, columns, rows, self._marked_pmids(marked, "pmid_known"))

    def _folder(self, file: LakePath) -> tuple[str, str, str]:
        """The table, the model and the inputs of a target."""
        folder = str(file.parent)
        if folder not in self._folders:
            self._folders[folder] = parse_folder_name(folder.removeprefix(f"{self._lake}/"))
        return self._folders[folder]

    def active_models(self, spec: TaskSpec) -> str:
        """Names the models, so that DuckDB opens no file of another model."""
        active = [one for one in self._active if one[0] == spec.name]
        if not active:
            return "false"
        models = f"model IN ({', '.join(dict.fromkeys(sql_string(one[1]) for one in active))})"
        if not spec.upstream and all(types is None for *_, types in active):
            return models
        return f"{models} AND ({' OR '.join(_condition(spec, *one[1:]) for one in active)})"

    @cached_property
    def _active(self) -> list[tuple[str, str, str | None, list[str] | None]]:
        return self._connection.execute("SELECT task, model, inputs, types FROM active_models ORDER BY ALL").fetchall()

    @cached_property
    def _superseded_parts(self) -> set[str]:
        """The article parts with texts that are no longer current. Fills the table of these texts."""
        marked = [file for file, found in self._read_statistics(ARTICLES).items() if found.text_changed]
        if not marked:
            return set()
        rows = self._read(ARTICLES, [*TEXT_COLUMNS, FILE_NAME], self._files[ARTICLES])
        query = f"FROM {superseded_texts(rows, self._marked_pmids(marked, 'text_changed'), with_part=True)}"
        self._connection.execute(f"ATTACH ':memory:' AS {_SETS}")
        texts = self._cached_texts(query)
        self._connection.register("litmine_cached", texts)
        self._connection.execute(f"CREATE TABLE {_SUPERSEDED} AS FROM litmine_cached")
        self._connection.unregister("litmine_cached")
        return set(texts["part"].unique().to_pylist())

    def _cached_texts(self, query: str) -> pa.Table:
        """The result of a query over all articles, which stays the same until a part is added or merged."""
        files = self._files[ARTICLES]
        if not isinstance(self._lake, Path) or len(files) < MIN_CACHED:
            return self._connection.sql(query).to_arrow_table()
        cache = cache_file(self._lake, "superseded-texts.parquet")
        with suppress(OSError, pa.ArrowException):
            digest = files_digest(map(Path, map(str, files)), version_struct()).encode()
            if cache.exists() and (pq.read_schema(cache).metadata or {}).get(_DIGEST) == digest:
                return pq.read_table(cache)
            texts: pa.Table = self._connection.sql(query).to_arrow_table()
            sink = pa.BufferOutputStream()
            pq.write_table(texts.replace_schema_metadata({_DIGEST: digest}), sink)
            write_cache(cache, sink.getvalue().to_pybytes())
            return texts
        return self._connection.sql(query).to_arrow_table()

    def _marked_pmids(self, files: Sequence[LakePath], mark: str) -> str | None:
        """None for all, where no article part has the mark yet, because then nearly all PMIDs would be in the set."""
        missing = [found.missing for found in self._read_statistics(ARTICLES).values()]
        if all(names is None or mark in names for names in missing):
            return None
        return marked_pmids(self._read(ARTICLES, ("pmid", mark), files), mark)

    def _read(self, table: str, columns: Sequence[str], files: Sequence[LakePath]) -> str:
        """A subquery over some files of a table. Files that have the same columns are read together."""
        statistics = self._read_statistics(table)
        options = f"filename = {str(any(FILE_NAME in column for column in columns)).lower()}"
        groups: dict[tuple[str, ...] | None, list[LakePath]] = {}
        for file in files:
            groups.setdefault(statistics[file].missing, []).append(file)
        unknown = [file for file in groups.get(None, ()) if statistics[file] == UNKNOWN]
        if by_name := [group for missing, group in groups.items() if missing is not None]:
            # DuckDB opens a damaged file only if the query needs it, but always the first one of a group.
            groups[None] = [file for file in groups.get(None, ()) if file not in unknown]
            by_name[0].extend(unknown)
        selects = []
        for missing, group in groups.items():
            if not group:
                continue
            if missing is None:
                reader = f"read_parquet({self._file_names(group)}, {options}, schema = {schema_map(table, columns)})"
            else:
                # DuckDB takes the first file for an average one when it estimates the number of rows.
                mean = sum(statistics[file].rows for file in group) / len(group)
                group.sort(key=lambda file: (statistics[file] == UNKNOWN, abs(statistics[file].rows - mean)))
                reader = f"read_parquet({self._file_names(group)}, {options}, hive_partitioning = false)"
            selects.append(f"SELECT {select_list(table, columns, missing or ())} FROM {reader}")
        return f"({' UNION ALL '.join(selects)})"

    def _read_statistics(self, table: str) -> dict[LakePath, FileStatistics]:
        if table not in self._statistics:
            files = self._files[table]
            self._statistics[table] = dict(zip(files, read_statistics(self._lake, table, files), strict=True))
        return self._statistics[table]

    def _file_names(self, files: Sequence[LakePath]) -> str:
        """SQL for the names of some files."""
        return self._variable([escape_glob(file) for file in files], "VARCHAR[]")

    def _variable(self, value: object, kind: str) -> str:
        """SQL for a variable of the connection that holds a value of a type of DuckDB."""
        name = f"litmine_{self._variables}"
        self._variables += 1
        self._connection.execute(f"SET VARIABLE {name} = $1::{kind}", [value])
        return f"getvariable('{name}')"


def _condition(spec: TaskSpec, model: str, inputs: str | None, types: Sequence[str] | None) -> str:
    conditions = [f"model = {sql_string(model)}"]
    if spec.upstream:
        conditions.append(f"inputs IS NOT DISTINCT FROM {'NULL' if inputs is None else sql_string(inputs)}")
    if types is not None:
        conditions.append(f"{spec.type_column} IN ({', '.join(map(sql_string, types)) or 'NULL'})")
    return f"({' AND '.join(conditions)})"
