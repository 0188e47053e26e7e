"""The log: one small file for each command that wrote to the lake, only ever grown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa

from litmine.lake.file_writer import utf8, write_bytes
from litmine.lake.listing import live
from litmine.lake.parquet import encode, read, reading
from litmine.lake.paths import Place
from litmine.schema import arrow_schema


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a run could not read: `where` is a file, a line, a part or a PMID; both in UTF-8."""

    where: str
    why: str

    def __str__(self) -> str:
        """On one line, whatever its file is called: another would pass for one of litmine's own."""
        return f"{self.where}: {self.why}".replace("\n", "\ufffd")

    def __post_init__(self) -> None:
        for name in ("where", "why"):
            object.__setattr__(self, name, utf8(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Active:
    """A model (name@digest) that the views of its task show.

    `inputs` is what its targets are made of beside articles (`litmine.lake.targets.inputs_key`). `types` are those that
    are shown of it, None for all: a task's active models share types out among themselves.
    """

    task: str
    model: str
    inputs: str = ""
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command, a field a column of `schemas/runs.json`.

    `active` names the models that the views show from this run on, for some tasks; None when nothing changes. `job` and
    `job_run` are the job that the command was a step of, and the id of that job's run.
    """

    run_id: str
    command: str
    started: datetime
    finished: datetime
    outcome: str
    versions: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()
    active: Sequence[Active] | None = None
    precision: str | None = None
    device: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()
    job: str | None = None
    job_run: str | None = None


def new_run_id(started: datetime) -> str:
    """A name for a run: its start in UTC and a random tail."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"


def record_run(lake: Place, run: Run) -> None:
    """Add a run to the log. Raises LakeError when it cannot be written."""
    row = {column.name: getattr(run, column.name) for column in fields(run)}
    row |= {name: list(row[name].items()) for name in ("versions", "counts")}
    row["active"] = run.active and [asdict(one) | {"inputs": one.inputs or None} for one in run.active]
    row["parameters"] = [(name, utf8(value)) for name, value in run.parameters.items()]
    row["gaps"] = [{"where": gap.where, "why": gap.why} for gap in run.gaps]
    write_bytes(
        lake / "runs" / f"{run.run_id}.parquet",
        encode("runs", pa.Table.from_pylist([row], schema=arrow_schema("runs"))),
        exclusive=True,
    )


def known_gaps(lake: Place) -> set[Gap]:
    """The gaps that earlier runs have reported."""
    return {Gap(gap["where"], gap["why"]) for row in run_rows(lake, "gaps") for gap in row["gaps"]}


def run_rows(lake: Place, *columns: str) -> list[dict[str, Any]]:
    """Some columns of the log, a row each; null in a run that is older than the column. Raises LakeError."""
    rows: list[dict[str, Any]] = []
    for path in live(lake, "runs").values():
        table = read(path, columns)
        with reading(path):
            rows += table.to_pylist()
    return rows
