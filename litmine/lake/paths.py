"""Where each table's files lie in a lake.

    articles/<part>.parquet
    <table>/model=<name@digest>/<part>.parquet                  of a task that reads articles alone, or pairs
    <table>/model=<name@digest>/of=<inputs>/<part>.parquet      of a task that builds on another one's output
    <table>/<run>.parquet                                       the log, and what tasks write once a run

What a file name cannot hold of a model's name is percent-encoded.

Where a lake is: a folder, or a prefix of an object store.

Code over a lake goes by `Place`, and does with it what both can. What is kept on this machine wherever the lake is
(locks, the spool of a fetch, the search index) is on its desk.
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

Place: TypeAlias = Path | ObjectPath


def place(given: "str | PathLike[str] | Place") -> Place:
    """The place of a lake as someone names it: absolute, or a URL. Raises SettingError for a URL that is no place."""
    if isinstance(given, ObjectPath):
        return given
    if isinstance(given, str) and "://" in given:
        return ObjectPath.parse(given)
    return Path(given).resolve()


def within(lake: Place, path: Place) -> str:
    """A file as it is called within the lake: articles/x.parquet."""
    return str(path).removeprefix(f"{lake}/")


def desk(lake: Place) -> Path:
    """The folder on this machine for what belongs to a lake and needs a file system: the lake itself, if it is one."""
    if isinstance(lake, Path):
        return lake
    # Buckets of two stores may have one name.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    digest = blake2b(f"{endpoint} {lake}".encode(), digest_size=6).hexdigest()
    return litmine_home().resolve() / "lakes" / f"{re.sub('[^a-z0-9]+', '-', str(lake).lower())}-{digest}"


# Tables with a target for each article part, and with a file for each slice of questions and texts.
PART_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "part"}
PAIR_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "pair"}
BY_MODEL: tuple[str, ...] = (*PART_TASKS, *PAIR_TASKS)
# Small files that are written once a run, and merged by their rows alone.
LOGS: tuple[str, ...] = ("runs", *(log for spec in TASKS for log in spec.logs))
REPLACED = "replaced"
# Parts come first wherever tables are listed: a merge commits with them.
TABLES: tuple[str, ...] = (ARTICLES, *sorted((*BY_MODEL, *LOGS, "files", REPLACED)))

_MODEL, _OF = "model=", "of="


def depth(table: str) -> int:
    """How many folders lie between a table's own and its files."""
    if table not in BY_MODEL:
        return 0
    return 2 if table in PART_TASKS and PART_TASKS[table].upstream else 1


def file_pattern(table: str) -> str:
    """The files of a table as a glob pattern below its folder."""
    return "*/" * depth(table) + "*.parquet"


def folder_name(table: str, model: str, inputs: str = "") -> str:
    """The folder of a model's files in the lake: `entities/model=builtin@0123456789ab`."""
    own = f"{table}/{_MODEL}{quote(model, safe='@')}"
    return f"{own}/{_OF}{quote(inputs, safe='@')}" if inputs else own


def schema_folder(table: str) -> str:
    """The folder of the file that keeps a table's pattern from matching nothing."""
    return "/".join((table, f"{_MODEL}_", f"{_OF}_")[: depth(table) + 1])


def parse_folder(folder: str) -> tuple[str, str, str]:
    """Table, model and inputs of a folder's name in the lake, as `folder_name` makes it."""
    table, *rest = folder.split("/")
    model = unquote(rest[0].removeprefix(_MODEL)) if rest else ""
    return table, model, unquote(rest[1].removeprefix(_OF)) if len(rest) > 1 else ""
