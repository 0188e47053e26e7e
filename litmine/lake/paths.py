"""Lake paths: where a lake is, and which folder of it holds the files of each table.

    articles/<part>.parquet
    <table>/model=<name@digest>/<part>.parquet                  a task that reads only articles
    <table>/model=<name@digest>/of=<inputs>/<part>.parquet      a task that reads the output of another task
    <table>/model=<name@digest>/<slice>.parquet                 a task that reads pairs of question and text
    <table>/<run>.parquet                                       logs, one file per run
    terms/<name@digest>.parquet                                 copies of term lists
    vocabularies/<linker>.parquet                               copies of what linkers link to

A lake is a folder or a prefix in an object store. Most code takes a `LakePath` and uses only what both offer. Files
that need a file system (locks, downloads of an unfinished fetch, the search index) are in `local_folder`. Characters
of a model name that a file name cannot contain are percent-encoded.
"""

import os
import re
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from litmine.lake.object_store import ObjectPath
from litmine.resources import litmine_home
from litmine.specs import ARTICLES, TASKS, TaskSpec

LakePath: TypeAlias = Path | ObjectPath

# Tables with one file per article part, and tables with one file per slice of (question, text) pairs.
PART_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "part"}
PAIR_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "pair"}
MODEL_TABLES: tuple[str, ...] = (*PART_TASKS, *PAIR_TASKS)
# Small files, one per run. Merging concatenates their rows.
LOG_TABLES: tuple[str, ...] = ("runs", *(log for spec in TASKS for log in spec.logs))
# Copies of term lists, one file per list.
TERMS = "terms"
# Copies of the vocabularies of linkers, one file per linker.
VOCABULARIES = "vocabularies"
# The notes of merges: which file replaces which.
REPLACED = "replaced"
# Article parts come first in every listing, because writing the merged part commits a merge.
TABLES: tuple[str, ...] = (ARTICLES, *sorted((*MODEL_TABLES, *LOG_TABLES, "files", REPLACED, TERMS, VOCABULARIES)))

# The database file that shows the views to other tools.
CATALOGUE = "lake.duckdb"

_MODEL, _OF = "model=", "of="


def parse_lake_path(value: "str | PathLike[str] | LakePath") -> LakePath:
    """Convert a path or URL to an absolute path. Raises SettingError for a URL that cannot hold a lake."""
    if isinstance(value, ObjectPath):
        return value
    if isinstance(value, str) and "://" in value:
        return ObjectPath.parse(value)
    return Path(value).resolve()


def relative_path(lake: LakePath, path: LakePath) -> str:
    """The path of a file relative to the lake: `articles/x.parquet`."""
    return str(path).removeprefix(f"{lake}/")


def local_folder(lake: LakePath) -> Path:
    """The local folder for files of a lake that need a file system.

    This is the lake itself, or a folder in LITMINE_HOME for a lake in an object store.
    """
    if isinstance(lake, Path):
        return lake
    # Two object stores may have buckets of the same name.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    digest = blake2b(f"{endpoint} {lake}".encode(), digest_size=6).hexdigest()
    return (litmine_home() / "lakes").resolve() / f"{re.sub('[^a-z0-9]+', '-', str(lake).lower())}-{digest}"


def folder_depth(table: str) -> int:
    """The number of folder levels between a table's folder and its files."""
    if table not in MODEL_TABLES:
        return 0
    return 2 if table in PART_TASKS and PART_TASKS[table].upstream else 1


def file_pattern(table: str) -> str:
    """The glob pattern of a table's files, relative to the table's folder."""
    return "*/" * folder_depth(table) + "*.parquet"


def folder_name(table: str, model: str, inputs: str = "") -> str:
    """The folder of a model's files, relative to the lake: `entities/model=builtin@0123456789ab`."""
    folder = f"{table}/{_MODEL}{quote(model, safe='@')}"
    return f"{folder}/{_OF}{quote(inputs, safe='@')}" if inputs else folder


def term_list_path(lake: LakePath, model: str) -> LakePath:
    """The path of the lake's copy of a term list, from its name@digest."""
    return lake / TERMS / f"{quote(model, safe='@')}.parquet"


def vocabulary_path(lake: LakePath, linker: str) -> LakePath:
    """The path of the lake's copy of the vocabulary of a linker, from its name@digest."""
    return lake / VOCABULARIES / f"{quote(linker, safe='@')}.parquet"


def parse_folder_name(folder: str) -> tuple[str, str, str]:
    """Split a name that `folder_name` made into table, model and inputs; a missing level is empty."""
    table, *levels = folder.split("/")
    model = unquote(levels[0].removeprefix(_MODEL)) if levels else ""
    return table, model, unquote(levels[1].removeprefix(_OF)) if len(levels) > 1 else ""


def schema_folder(table: str) -> str:
    """The folder of the empty file that makes a table's glob pattern always match."""
    return "/".join((table, f"{_MODEL}_", f"{_OF}_")[: folder_depth(table) + 1])
