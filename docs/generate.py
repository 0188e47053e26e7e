"""Writes docs/cli.md from the commands' help and docs/tables.md from schemas/; with --check, says what is stale.

python docs/generate.py [--check]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from litmine.cli.main import cli
from litmine.lake.paths import TABLES
from litmine.lake.view_definitions import sentences
from litmine.schema import table_declaration

DOCS = Path(__file__).parent
WIDTH = 100


def cli_page() -> str:
    """Every command's help, as it prints it."""
    blocks = [f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n" for context in _contexts()]
    return "# Commands\n\nWhat `litmine COMMAND --help` prints. Written by `make docs`.\n\n" + "\n".join(blocks)


def _contexts(command: click.Command = cli, parent: click.Context | None = None) -> Iterator[click.Context]:
    name = "litmine" if parent is None else command.name
    # A width given twice: help wraps to neither the terminal's width nor click's own limit.
    context = click.Context(command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            subcommand = command.get_command(context, child)
            if subcommand is not None and not subcommand.hidden:
                yield from _contexts(subcommand, context)


def tables_page() -> str:
    """The views with their sentence, then each stored table with its columns."""
    rows = "".join(f"| `{name}` | {sentence} |\n" for name, sentence in sentences().items())
    tables = "\n".join(_table(name) for name in TABLES)
    return (
        "# Tables\n\nWritten from `schemas/` by `make docs`. Offsets are code points, from 0, the end exclusive:\n"
        "`substr(text, start_char + 1, end_char - start_char) = mention`.\n\n"
        f"## Views: what `litmine sql` shows\n\n| view | what it shows |\n|---|---|\n{rows}\n"
        "## Files: what the lake stores\n\nColumns are only added, and an id is never used again, so that a file of any"
        f" age can be read.\n\n{tables}"
    )


def _table(name: str) -> str:
    declared = table_declaration(name)
    rows = "".join(_rows(declared["fields"]))
    head = "| id | column | type | null | what it says |\n|---|---|---|---|---|"
    return f"### {name}\n\n{declared['doc']}\n\n{head}\n{rows}"


def _rows(fields: list[dict[str, Any]], prefix: str = "") -> Iterator[str]:
    for field in fields:
        null = "no" if field["required"] else "yes"
        path = prefix + field["name"]
        yield f"| {field['id']} | `{path}` | {_type(field['type'])} | {null} | {field['doc']} |\n"
        yield from _rows(_nested(field["type"]), f"{path}.")


def _nested(declared: Any) -> list[dict[str, Any]]:
    while isinstance(declared, dict) and declared["type"] == "list":
        declared = declared["element"]
    fields: list[dict[str, Any]] = declared["fields"] if isinstance(declared, dict) and "fields" in declared else []
    return fields


def _type(declared: Any) -> str:
    if isinstance(declared, str):
        return declared
    match declared["type"]:
        case "list":
            return f"list of {_type(declared['element'])}"
        case "map":
            return f"map of {_type(declared['key'])} to {_type(declared['value'])}"
        case kind:
            return str(kind)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or compare them; 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(arguments).check
    stale = []
    for name, page in (("cli.md", cli_page()), ("tables.md", tables_page())):
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == page:
            continue
        stale.append(f"docs/{name}")
        if not check:
            path.write_text(page, encoding="utf-8", newline="\n")
    if check and stale:
        print(f"{' and '.join(stale)} stale; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
