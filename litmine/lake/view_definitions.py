"""The view definitions in `schemas/*.sql`: name, description and CREATE VIEW statement of each view."""

import re
from collections.abc import Collection
from functools import cache

from litmine.resources import packaged_path
from litmine.specs import TASKS

_VIEW_HEADER = re.compile(r"-- (?P<name>\w+): (?P<description>.+)\nCREATE VIEW (?P=name) ")


def view_descriptions() -> dict[str, str]:
    """The one-sentence description of each view, by name: views of every lake first, then those of each task."""
    return {name: description for name, (description, _) in _view_definitions().items()}


def view_statements(names: Collection[str] | None = None) -> str:
    """The statements that create the named views and the views that they read, or all views.

    Unknown names are ignored. The statements contain the placeholders that `litmine.lake.views` replaces.
    """
    definitions = _view_definitions()
    wanted = set(definitions) if names is None else _with_views_read(names)
    return "\n".join(statement for name, (_, statement) in definitions.items() if name in wanted)


def tasks_behind(names: Collection[str]) -> set[str]:
    """The names of the tasks whose rows the named views show, themselves or through views that they read.

    Rows of failed texts, as in `gaps`, and numbers, as in `coverage`, are none of them.
    """
    statements = view_statements(names)
    return {spec.name for spec in TASKS if re.search(rf"\{{{spec.table}[}}:]", statements)}


def _with_views_read(names: Collection[str]) -> set[str]:
    """The names, and those of all views that these views read."""
    wanted = set(names)
    # A view reads only from earlier ones, so one pass from the last to the first finds all that are needed.
    for name, (_, statement) in reversed(_view_definitions().items()):
        if name in wanted:
            wanted.update(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", statement))
    return wanted


def view_statement(name: str) -> str:
    """The statement that creates one view, without the views that it reads."""
    return _view_definitions()[name][1]


@cache
def _view_definitions() -> dict[str, tuple[str, str]]:
    """Description and statement of each view. In the files, a blank line separates one view from the next."""
    definitions = {}
    files = ["views.sql", *(f"{spec.table}.sql" for spec in TASKS)]
    sql = "\n\n".join(packaged_path(f"schemas/{name}").read_text(encoding="utf-8").strip() for name in files)
    for block in sql.split("\n\n"):
        if header := _VIEW_HEADER.match(block):
            definitions[header["name"]] = header["description"], block
    return definitions
