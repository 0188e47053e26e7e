"""The definitions of views and macros in `schemas/*.sql`: name, description and CREATE statement of each."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from litmine.resources import packaged_path
from litmine.specs import TASKS

# The view that the placeholder `{active TASK}` reads.
ACTIVE_MODELS = "active_models"
_HEADER = re.compile(r"-- (?P<name>\w+): (?P<description>.+)\nCREATE (?P<kind>VIEW|MACRO) (?P=name)\b")


@dataclass(frozen=True, slots=True)
class _Definition:
    """A view or a macro of SQL; `kind` is VIEW or MACRO."""

    kind: str
    description: str
    statement: str


def view_descriptions() -> dict[str, str]:
    """The one-sentence description of each view, by name: views of every lake first, then those of each task."""
    return {name: one.description for name, one in _definitions().items() if one.kind == "VIEW"}


def macro_descriptions() -> dict[str, str]:
    """The one-sentence description of each macro, by name."""
    return {name: one.description for name, one in _definitions().items() if one.kind == "MACRO"}


def view_statements(names: Collection[str] | None = None, with_macros: bool = True) -> list[str]:
    """The statements that create the named views and the views that they read, or all views; and all macros.

    Unknown names are ignored. The statements contain the placeholders that `litmine.lake.view_templates` replaces. Each
    reads only views of earlier statements.
    """
    definitions = _definitions()
    wanted = set(definitions) if names is None else _with_views_read(names)
    if with_macros:
        wanted |= {name for name, one in definitions.items() if one.kind == "MACRO"}
    return [one.statement for name, one in definitions.items() if name in wanted]


def tasks_behind(names: Collection[str]) -> set[str]:
    """The names of the tasks whose rows the named views show, themselves or through views that they read.

    Rows of failed texts, as in `gaps`, and numbers, as in `coverage`, are none of them.
    """
    statements = "\n".join(view_statements(names))
    table = r"\{{(current )?({0}[}}:]|{0} with |\w+ with {0}\}})"
    return {spec.name for spec in TASKS if re.search(table.format(spec.table), statements)}


def _with_views_read(names: Collection[str]) -> set[str]:
    """The names, and those of all views that these views read."""
    wanted = set(names)
    # A view reads only from earlier ones, so one pass from the last to the first finds all that are needed.
    for name, one in reversed(_definitions().items()):
        if name in wanted:
            wanted.update(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", one.statement))
            if re.search(r"\{(active|current \w+ with) ", one.statement):
                wanted.add(ACTIVE_MODELS)
    return wanted


def view_statement(name: str) -> str:
    """The statement that creates one view, without the views that it reads."""
    return _definitions()[name].statement


@cache
def _definitions() -> dict[str, _Definition]:
    """All definitions by name. In the files, a blank line separates one from the next."""
    definitions = {}
    files = ["views.sql", *(f"{spec.table}.sql" for spec in TASKS)]
    sql = "\n\n".join(packaged_path(f"schemas/{name}").read_text(encoding="utf-8").strip() for name in files)
    for block in sql.split("\n\n"):
        if header := _HEADER.match(block):
            definitions[header["name"]] = _Definition(header["kind"], header["description"], block)
    return definitions
