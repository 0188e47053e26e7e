"""The results of the soak, a line of JSON for each round, and the report that is made of them."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

BEGIN, END = "<!-- soak report -->", "<!-- end of soak report -->"
COUNTS = ("kills", "faults", "checks", "different", "tracebacks", "hangs")
Row = dict[str, Any]


def read_rows(file: Path) -> list[Row]:
    """The rounds so far. A last line that was not written whole does not count."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def add_row(file: Path, row: Row) -> None:
    """Append a round to the results."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")


def total(rows: Iterable[Row], name: str, count: str) -> int:
    """The sum of a count over the rounds of a command or reader."""
    return sum(row.get(count, 0) for row in rows if row["name"] == name)


def failures(rows: Iterable[Row]) -> int:
    """Differences, tracebacks and hangs of all rounds."""
    return sum(row.get(count, 0) for row in rows for count in ("different", "tracebacks", "hangs"))


def report(rows: Sequence[Row], commands: Sequence[str], readers: Sequence[str]) -> str:
    """The report in Markdown: a row for each command and each reader that was tried."""
    kills, faults = (sum(row.get(count, 0) for row in rows) for count in ("kills", "faults"))
    inputs = sum(row.get("inputs", 0) for row in rows)
    # A dictionary keeps their order.
    commits = ", ".join(dict.fromkeys(row["commit"] for row in rows))
    loads = [row["load"] for row in rows]
    lines = [
        (
            f"Commits {commits}; {os.cpu_count()} cores, whose load was {median(loads):.0f} (median of the rounds;"
            f" {min(loads):.0f} to {max(loads):.0f}). {kills:,} kills of a running"
            f" command, {faults:,} storage faults, {inputs:,} damaged inputs: **{failures(rows):,} failures**."
        ),
        "",
        "| command | kills | storage faults | runs to the end after | results that differ | tracebacks | hangs | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in commands:
        mine = [row for row in rows if row["name"] == name]
        if mine:
            counts = " | ".join(f"{total(mine, name, count):,}" for count in COUNTS)
            lines.append(f"| {name} | {counts} | {sum(row['seconds'] for row in mine):,.0f} |")
    lines += ["", "| reader | damaged inputs | tracebacks | hangs | slowest, s |", "|---|---|---|---|---|"]
    for name in readers:
        mine = [row for row in rows if row["name"] == name]
        if mine:
            counts = " | ".join(f"{total(mine, name, count):,}" for count in ("inputs", "tracebacks", "hangs"))
            lines.append(f"| {name} | {counts} | {max(row['slowest'] for row in mine):.2f} |")
    return "\n".join(lines)


def write_into(page: Path, text: str) -> None:
    """Put the report between the two comments of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
