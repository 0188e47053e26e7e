"""Fill in the placeholders of the view definitions in `schemas/*.sql`.

A `TableSource` says how the files of a table are read: `litmine.lake.listed_files` for `litmine sql`, which lists the
files once per query, and `litmine.lake.live_file_query` for the catalogue, whose views list them themselves.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from litmine.lake.paths import PAIR_TASKS, PART_TASKS, TABLES, folder_depth
from litmine.lake.sql_text import duckdb_type
from litmine.lake.version_order import VERSION_COLUMNS, version_column, version_struct
from litmine.schema import arrow_schema
from litmine.specs import ARTICLES, TASKS, TaskSpec, spec_by_name, spec_by_table

# The columns of a file's path, and of its footer.
FILE_NAME, FOOTER_COLUMNS = "filename", ("file_name", "key", "value")
_NO_FOOTERS = "(SELECT NULL::VARCHAR AS file_name, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
# Views join footers by `inputs`, and null does not equal null, so no inputs are an empty string there.
_NO_INPUTS = "''"


class TableSource(Protocol):
    """Returns subqueries over the live files of a lake.

    `columns` are those to select, in order: names, or expressions with a name. `filename` is the path of a row's file.
    An expression of `filename` is given to the source, because DuckDB skips the files that a condition on it excludes
    only if no other SELECT is in between.
    """

    def has_files(self, table: str) -> bool:
        """Whether the table has files. Any other table, such as one that is newer than the lake, has no rows."""
        ...

    def rows(self, table: str, columns: Sequence[str]) -> str:
        """The rows of a table."""
        ...

    def footers(self, table: str, with_replaced: bool) -> str:
        """The footers of a table's files; `with_replaced` includes those of replaced article parts.

        Of targets only inside `target_footers`, unless with the replaced ones.
        """
        ...

    def target_footers(self, footers: str) -> str:
        """A subquery with the footers of several tables of targets, so that all are of the same article parts."""
        ...

    def current_rows(self, table: str, columns: Sequence[str]) -> str:
        """The rows of a task's table (unit `part`) that belong to the current text of an article."""
        ...

    def current_extended_rows(self, spec: TaskSpec, plain: Sequence[str], extended: Sequence[str]) -> str:
        """The rows of the table that a task extends (`TaskSpec.extends`) that belong to the current text of an article.

        A target of that table that an active model of the task has extended is read from the extended one, with the
        columns `extended`; the others with the columns `plain`, of the same names and types.
        """
        ...

    def current_articles(self, columns: Sequence[str]) -> str:
        """The content of the current version of each PMID; `as_of` is the last time that its source had it."""
        ...

    def stored(self, name: str) -> str | None:
        """A subquery over what litmine keeps of a query beside the lake; None where it is missing or out of date."""
        ...

    def active_models(self, spec: TaskSpec) -> str:
        """A condition on the rows of a task: they are from an active model, and of a type that is shown from it."""
        ...


def fill_template(template: str, source: TableSource) -> str:
    """Replace the placeholders in view definitions; `schemas/views.sql` explains them."""

    def footers_of(match: re.Match[str]) -> str:
        if match["table"] == "targets":
            tables = [table for table in PART_TASKS if source.has_files(table)]
            footers = _union([_target_footers(source, table, bool(match["every"])) for table in tables])
            return source.target_footers(footers) if tables and not match["every"] else footers
        if not source.has_files(match["table"]):
            return _NO_FOOTERS
        return source.footers(match["table"], False)

    def rows_of(match: re.Match[str]) -> str:
        return _rows(source, match["table"], _names(match), bool(match["current"]))

    def pairs(_match: re.Match[str]) -> str:
        rows = ((spec, _rows(source, table, ("pmid", "failed"))) for table, spec in PAIR_TASKS.items())
        return _union([f"(SELECT '{spec.name}' AS task, * FROM {subquery})" for spec, subquery in rows])

    def active(match: re.Match[str]) -> str:
        return source.active_models(spec_by_name(match["task"]))

    def extended_rows_of(match: re.Match[str]) -> str:
        return _extended_rows(source, PART_TASKS[match["extension"]])

    def stored(match: re.Match[str]) -> str:
        return source.stored(match["name"]) or f"({match['query']})"

    names = "|".join(TABLES)
    template = re.sub(r"{stored (?P<name>\w+):(?P<query>[^{}]+)}", stored, template)
    template = _fill_version_order(template)
    sql = re.sub(rf"{{footers of (?P<every>every )?(?P<table>targets|{names})}}", footers_of, template)
    sql = re.sub(r"{pairs}", pairs, sql).replace("{extensions}", _extensions())
    sql = re.sub(rf"{{current (?:{names}) with (?P<extension>{names})}}", extended_rows_of, sql)
    sql = re.sub(r"{active (?P<task>[a-z_]+)}", active, sql)
    return re.sub(rf"{{(?P<current>current )?(?P<table>{names})(: (?P<columns>[a-z_, ]+))?}}", rows_of, sql)


def _extensions() -> str:
    rows = [f"('{spec.name}', '{spec_by_table(spec.extends).name}')" for spec in TASKS if spec.extends]
    return f"(VALUES {', '.join(rows)})"


def _names(match: re.Match[str]) -> list[str]:
    return match["columns"].split(", ") if match["columns"] else arrow_schema(match["table"]).names


def _fill_version_order(template: str) -> str:
    """Replace the placeholders for the order of versions, which `litmine.lake.version_order` defines."""
    sql = re.sub(
        r"{version struct: (?P<more>[a-z_, ]+)}", lambda match: version_struct(match["more"].split(", ")), template
    )
    sql = sql.replace("{version columns}", ", ".join(VERSION_COLUMNS))
    return re.sub(r"{version column (?P<name>[a-z_]+)}", lambda match: version_column(match["name"]), sql)


def _union(subqueries: Sequence[str]) -> str:
    if not subqueries:
        names = ("task", "model", "inputs", "part")
        columns = ", ".join(f"NULL::VARCHAR AS {name}" for name in names)
        return f"(SELECT {columns}, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
    if len(subqueries) == 1:
        return subqueries[0]
    return f"({' UNION ALL '.join(f'FROM {subquery}' for subquery in subqueries)})"


def _target_footers(source: TableSource, table: str, with_replaced: bool) -> str:
    path = (
        f"{_model_column(table, 'file_name')}, {_inputs_column(table, 'file_name', _NO_INPUTS)},"
        " parse_filename(file_name, true) AS part"
    )
    footers = source.footers(table, with_replaced)
    return f"(SELECT '{PART_TASKS[table].name}' AS task, {path}, key, value FROM {footers})"


def _model_column(table: str, path_column: str, name: str = "model") -> str:
    """The column of the model, extracted from the end of a file's path, since the lake's own path may contain anything.

    Hive partitioning cannot be combined with reading columns by field id. DuckDB skips the files that a condition on
    this column excludes, as it would with hive partitioning.
    """
    inputs = "of=[^/]+/" * (folder_depth(table) - 1)
    return f"url_decode(regexp_extract({path_column}, '/model=([^/]+)/{inputs}[^/]+$', 1)) AS {name}"


def _inputs_column(table: str, path_column: str, default: str, name: str = "inputs") -> str:
    """The column of the inputs, extracted from a file's path; `default` for tasks that read only articles."""
    if folder_depth(table) <= 1:
        return f"{default} AS {name}"
    return f"url_decode(regexp_extract({path_column}, '/of=([^/]+)/[^/]+$', 1)) AS {name}"


def _rows(source: TableSource, table: str, names: Sequence[str], current: bool = False) -> str:
    """A subquery over columns of a table. A task's table also has the columns that are stored in file paths."""
    path_columns: dict[str, str] = {}
    if table in PART_TASKS:
        path_columns = {
            "model": _model_column(table, FILE_NAME),
            "inputs": _inputs_column(table, FILE_NAME, "NULL::VARCHAR"),
        }
    elif table in PAIR_TASKS:
        path_columns = {
            "model": _model_column(table, FILE_NAME),
            "slice": f"parse_filename({FILE_NAME}, true) AS slice",
        }
    if not source.has_files(table):
        types = {field.name: duckdb_type(field.type) for field in arrow_schema(table)}
        columns = [f"NULL::{types.get(name, 'VARCHAR')} AS {name}" for name in _column_order(path_columns, names)]
        return f"(SELECT {', '.join(columns)} WHERE false)"
    if current and table == ARTICLES:
        return source.current_articles(names)
    if not path_columns:
        return source.rows(table, names)
    columns = [path_columns.get(name, name) for name in _column_order(path_columns, names)]
    return source.current_rows(table, columns) if current else source.rows(table, columns)


def _extended_rows(source: TableSource, spec: TaskSpec) -> str:
    """The rows of a table with the columns that a task adds, and the model of that task as `extended_by`."""
    own, fields = arrow_schema(spec.extends).names, arrow_schema(spec.table)
    names = [field.name for field in fields]
    nulls = {field.name: f"NULL::{duckdb_type(field.type)} AS {field.name}" for field in fields}
    if not source.has_files(spec.extends):
        return f"(SELECT NULL::VARCHAR AS model, {', '.join(nulls.values())}, NULL::VARCHAR AS extended_by WHERE false)"
    plain = [name if name in own else nulls[name] for name in names]
    return source.current_extended_rows(
        spec,
        [_model_column(spec.extends, FILE_NAME), *plain, "NULL::VARCHAR AS extended_by"],
        [
            _inputs_column(spec.table, FILE_NAME, "", "model"),
            *names,
            _model_column(spec.table, FILE_NAME, "extended_by"),
        ],
    )


def _column_order(path_columns: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """The column `model` first, then the columns of the files, then the other columns from the path."""
    return [*list(path_columns)[:1], *names, *list(path_columns)[1:]]
