"""How the views of `litmine sql` read a lake: its files are listed once, before the query.

Files are read by name where possible, because DuckDB 2.0 estimates one row for files that it reads by field ids, and
then joins in an arbitrary order. Parts without a superseded text are read without looking for one.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from litmine.lake.concept_parts import list_concept_parts
from litmine.lake.current_rows import (
    CONTENT_COLUMNS,
    TEXT_COLUMNS,
    VERSION_ROWS,
    current_articles,
    marked_pmids,
    single_versions,
    texts_with_parts,
)
from litmine.lake.file_statistics import UNKNOWN, FileStatistics, read_statistics
from litmine.lake.folders import is_file
from litmine.lake.footers import read_footers
from litmine.lake.lake_cache import are_worth_caching, files_digest, read_cache, write_cache
from litmine.lake.pair_state import current_pair_state, pair_files, pairs_query
from litmine.lake.paths import PART_TASKS, LakePath, parse_folder_name
from litmine.lake.sql_text import column_names, escape_glob, schema_map, select_list, sql_string
from litmine.lake.verified_files import CONCEPTS, FileVerifier
from litmine.lake.view_templates import FILE_NAME, FOOTER_COLUMNS
from litmine.specs import ARTICLES, TaskSpec

if TYPE_CHECKING:
    import duckdb

# A database of its own in memory, so that its table is not among those that a user lists.
_SETS = "litmine_sets"
# The superseded texts, and the PMIDs that have one.
_TEXTS, _PMIDS = f"{_SETS}.main.superseded_texts", f"{_SETS}.main.superseded_pmids"
_FOOTERS = "STRUCT(file_name VARCHAR, footer VARCHAR)[]"
_CONCEPT_COLUMNS = (("identifier", "VARCHAR"), ("entity_type", "VARCHAR"), ("pmid", "BIGINT"), ("mentions", "INTEGER"))
# The name of the cached superseded texts.
_CACHE = "superseded-texts"


class ListedFiles:
    """The `TableSource` of `litmine sql`."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        lake: LakePath,
        files_by_table: Mapping[str, Sequence[LakePath]],
        verifies_parts: bool = True,
        whole: "ListedFiles | None" = None,
    ) -> None:
        """verifies_parts: whether parts of articles are verified; not for a command that verifies those it reads.

        whole: the source of the views of the connection, if these are the views of a cursor over some of its files.
        Then its tables of superseded texts are used, which are those of the whole lake.
        """
        self._connection = connection
        self._lake = lake
        self._files = files_by_table
        self._statistics: dict[str, dict[LakePath, FileStatistics]] = {}
        self._folders: dict[str, tuple[str, str, str]] = {}
        self._variables = 0
        self._verifies_parts = verifies_parts
        self._whole = whole
        self._verifier = FileVerifier(lake)
        self._looked_at: set[LakePath] = set()
        self._to_verify: dict[str, dict[LakePath, None]] = {}

    def verify_results(self, all_models: bool) -> None:
        """Verify what models found, as far as the views read it; call this when all views exist.

        all_models: also the files of models that are not active, which the views of active models leave out. Raises
        LakeError for a damaged file.
        """
        active: dict[str, set[tuple[str, str]]] = {}
        if not all_models and self._to_verify:
            for task, model, inputs, _ in self._active:
                active.setdefault(task, set()).add((model, inputs or ""))
        for table, files in self._to_verify.items():
            shown = active.get(PART_TASKS[table].name)
            self._verify(table, [file for file in files if shown is None or self._folder(file)[1:] in shown])
        self._to_verify = {}

    def _verify(self, table: str, files: Sequence[LakePath]) -> None:
        if table == ARTICLES and not self._verifies_parts:
            return
        statistics = self._read_statistics(table)
        new = [file for file in files if file not in self._looked_at]
        self._verifier.verify(table, new, {file for file in new if statistics[file] == UNKNOWN})
        self._looked_at.update(new)

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
        """The rows of some files of a task's table that belong to the current text of an article.

        Rows of superseded texts are left out by PMID alone where that is enough, since it is one column less.
        """
        names = ", ".join(column_names(columns))
        groups: dict[tuple[str, ...], list[LakePath]] = {(): [], ("pmid",): [], ("pmid", "text_hash"): []}
        for file in files:
            groups[self._superseded_parts.get(file.stem, ())].append(file)
        selects = []
        for keys, group in groups.items():
            if not group:
                continue
            rows = self._read(table, [*columns, *(name for name in keys if name not in columns)], group)
            superseded = f" ANTI JOIN {_superseded(keys)} AS superseded USING ({', '.join(keys)})"
            selects.append(f"SELECT {names} FROM {rows} AS read{superseded if keys else ''}")
        return f"({' UNION ALL '.join(selects)})"

    def current_articles(self, columns: Sequence[str]) -> str:
        files = self._files[ARTICLES]
        articles = self._read(ARTICLES, list(dict.fromkeys([*columns, *CONTENT_COLUMNS])), files)
        marked = [file for file, found in self._read_statistics(ARTICLES).items() if found.pmid_known]
        if not marked:
            return single_versions(articles, columns)
        rows = self._read(ARTICLES, VERSION_ROWS, files)
        return current_articles(articles, columns, rows, self._marked_pmids(marked, "pmid_known"))

    def stored(self, name: str) -> str | None:
        """What `litmine.lake.concept_parts` and `litmine.lake.pair_state` describe, if it is of the listed files."""
        parts = list_concept_parts(self._lake, self._files)
        if not parts or not all(is_file(part.file) for part in parts):
            return None
        if name == "concept_pairs":
            state = current_pair_state(self._lake, parts)
            if state is None:
                return None
            self._verifier.verify(CONCEPTS, pair_files(self._lake, state))
            return pairs_query(self._lake, state)
        self._verifier.verify(CONCEPTS, [part.file for part in parts if part.sources])
        groups: dict[tuple[str, ...], list[LakePath]] = {}
        for article_part, part in zip(self._files[ARTICLES], parts, strict=True):
            if part.sources:
                groups.setdefault(self._superseded_parts.get(article_part.stem, ()), []).append(part.file)
        columns = "identifier, entity_type, pmid, mentions"
        selects = [f"SELECT {', '.join(f'NULL::{kind} AS {column}' for column, kind in _CONCEPT_COLUMNS)} WHERE false"]
        for keys, files in groups.items():
            superseded = f" ANTI JOIN {_superseded(keys)} AS superseded USING ({', '.join(keys)})" if keys else ""
            selects.append(f"SELECT {columns} FROM read_parquet({self._file_names(files)}) AS read{superseded}")
        return f"({' UNION ALL '.join(selects)})"

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
    def _superseded_parts(self) -> dict[str, tuple[str, ...]]:
        """The article parts with superseded texts, and the columns that tell their rows. Fills the tables of the texts.

        Where a part has no current text of a PMID with a superseded one, the PMID tells.
        """
        if self._whole is not None:
            return self._whole._superseded_parts
        marked = [file for file, found in self._read_statistics(ARTICLES).items() if found.text_changed]
        if not marked:
            return {}
        rows = self._read(ARTICLES, [*TEXT_COLUMNS, FILE_NAME], self._files[ARTICLES])
        texts = self._cached_texts(f"FROM {texts_with_parts(rows, self._marked_pmids(marked, 'text_changed'))}")
        self._connection.execute(f"ATTACH ':memory:' AS {_SETS}")
        self._connection.register("litmine_cached", texts)
        superseded = "FROM litmine_cached WHERE NOT current"
        self._connection.execute(f"CREATE TABLE {_TEXTS} AS SELECT DISTINCT pmid, text_hash {superseded}")
        self._connection.execute(f"CREATE TABLE {_PMIDS} AS SELECT DISTINCT pmid {superseded}")
        parts = self._connection.execute(
            "SELECT part, bool_or(current) FROM litmine_cached GROUP BY part HAVING NOT bool_and(current)"
        ).fetchall()
        self._connection.unregister("litmine_cached")
        return {part: ("pmid", "text_hash") if some_current else ("pmid",) for part, some_current in parts}

    def _cached_texts(self, query: str) -> pa.Table:
        """The result of a query over all articles, which stays the same until a part is added or merged."""
        files = self._files[ARTICLES]
        if not are_worth_caching(files):
            return self._connection.sql(query).to_arrow_table()
        key = f"{files_digest(self._lake, files)} {texts_with_parts('', None)}"
        if (cached := read_cache(self._lake, _CACHE, key)) is not None:
            return pa.ipc.open_stream(cached).read_all()
        texts: pa.Table = self._connection.sql(query).to_arrow_table()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, texts.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(texts)
        write_cache(self._lake, _CACHE, key, sink.getvalue().to_pybytes())
        return texts

    def _marked_pmids(self, files: Sequence[LakePath], mark: str) -> str | None:
        """None for all, where no article part has the mark yet, because then nearly all PMIDs would be in the set."""
        missing = [found.missing for found in self._read_statistics(ARTICLES).values()]
        if all(names is None or mark in names for names in missing):
            return None
        return marked_pmids(self._read(ARTICLES, ("pmid", mark), files), mark)

    def _read(self, table: str, columns: Sequence[str], files: Sequence[LakePath]) -> str:
        """A subquery over some files of a table. Files that have the same columns are read together.

        Raises LakeError for a damaged file, as far as `litmine.lake.verified_files` verifies it.
        """
        statistics = self._read_statistics(table)
        if table in PART_TASKS:
            self._to_verify.setdefault(table, {}).update(dict.fromkeys(files))
        else:
            self._verify(table, files)
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


def _superseded(keys: Sequence[str]) -> str:
    """The table of what is superseded, with these columns."""
    return _TEXTS if len(keys) > 1 else _PMIDS


def _condition(spec: TaskSpec, model: str, inputs: str | None, types: Sequence[str] | None) -> str:
    conditions = [f"model = {sql_string(model)}"]
    if spec.upstream:
        conditions.append(f"inputs IS NOT DISTINCT FROM {'NULL' if inputs is None else sql_string(inputs)}")
    if types is not None:
        conditions.append(f"{spec.type_column} IN ({', '.join(map(sql_string, types)) or 'NULL'})")
    return f"({' AND '.join(conditions)})"
