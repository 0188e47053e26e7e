"""The run log: one small file per command that wrote to the lake. Rows are added, and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa

from litmine.lake.file_writer import escape_surrogates, write_bytes
from litmine.lake.listing import live_files
from litmine.lake.parquet import encode_parquet, read_table, report_read_errors
from litmine.lake.paths import LakePath
from litmine.schema import arrow_schema


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a run could not read, and the reason. `where` is a file, a line, a part or a PMID."""

    where: str
    why: str

    def __post_init__(self) -> None:
        # A file name may hold bytes that are not UTF-8, which Parquet refuses.
        for name in ("where", "why"):
            object.__setattr__(self, name, escape_surrogates(getattr(self, name)))

    def __str__(self) -> str:
        """The gap on one line. A line break in a file name could otherwise imitate a message of litmine."""
        return f"{self.where}: {self.why}".replace("\n", "\ufffd")


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """A model (name@digest) whose rows the views of its task show.

    inputs: the key of the inputs of its targets (`litmine.lake.targets.inputs_key`), empty if the model reads articles
    only. types: the types that the views show of it, None for all. The views show each type from one model only.
    """

    task: str
    model: str
    inputs: str = ""
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command. Each field is a column of `schemas/runs.json`.

    active: the active models from this run on, of the tasks that it names; None if the run changes none. settled: gaps
    of earlier runs that the view `source_gaps` shows no longer; None if the command reads no sources. job, job_run: the
    job that ran the command as a step, and the run id of that job.
    """

    run_id: str
    command: str
    started: datetime
    finished: datetime
    outcome: str
    versions: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()
    active: Sequence[ActiveModel] | None = None
    precision: str | None = None
    device: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()
    settled: Sequence[Gap] | None = None
    job: str | None = None
    job_run: str | None = None


def new_run_id(started: datetime) -> str:
    """Make a run id from the start time in UTC and a random suffix."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"


def record_run(lake: LakePath, run: Run) -> None:
    """Add a run to the log. Raises LakeError if the log cannot be written."""
    row = {column.name: getattr(run, column.name) for column in fields(run)}
    row |= {name: list(row[name].items()) for name in ("versions", "counts")}
    row["active"] = run.active and [asdict(model) | {"inputs": model.inputs or None} for model in run.active]
    row["parameters"] = [(name, escape_surrogates(value)) for name, value in run.parameters.items()]
    for name in ("gaps", "settled"):
        row[name] = row[name] if row[name] is None else [asdict(gap) for gap in row[name]]
    write_bytes(
        lake / "runs" / f"{run.run_id}.parquet",
        encode_parquet("runs", pa.Table.from_pylist([row], schema=arrow_schema("runs"))),
        exclusive=True,
    )


def known_gaps(lake: LakePath) -> set[Gap]:
    """The gaps that earlier runs reported. Raises LakeError as `read_runs` does."""
    return {Gap(gap["where"], gap["why"]) for row in read_runs(lake, "gaps") for gap in row["gaps"]}


def read_runs(lake: LakePath, *columns: str) -> list[dict[str, Any]]:
    """Read some columns of the log, one dict per run. If a run is older than a column, the key is missing or None.

    Raises LakeError if a file of the log is damaged.
    """
    rows: list[dict[str, Any]] = []
    for path in live_files(lake, "runs").values():
        table = read_table(path, columns)
        with report_read_errors(path):
            rows += table.to_pylist()
    return rows
