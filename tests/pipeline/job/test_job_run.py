"""A run of a job: every step runs, the worst exit code is kept, and everything is reported."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import ClassVar

import pytest

from litmine.cli.run import format_duration, format_summary
from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS, LakeError, LakeLockedError, SettingError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FaultInjector
from litmine.fake_pubmed.server import FakePubmedServer, serve
from litmine.lake.lake import Lake
from litmine.lake.paths import LakePath
from litmine.pipeline.job.job_file import Job
from litmine.pipeline.job.run import run as run_job
from litmine.pipeline.job.step import Forecast, JobObserver, Rates, StepOutcome
from litmine.pipeline.job.steps import ImportStep

Run = Callable[..., CompletedProcess[str]]
WriteJob = Callable[..., Path]
At = Callable[[FakePubmedServer], None]


@dataclass(frozen=True)
class ScriptedStep:
    """A step that ends with a given exit code."""

    kind: ClassVar[str] = "scripted"
    writes_file: ClassVar[bool] = False

    code: int

    @property
    def subject(self) -> str:
        return str(self.code)

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        if self.code == FAILED:
            raise LakeError("it failed")
        if self.code == LOCKED:
            raise LakeLockedError("it is held")
        if self.code == INTERRUPTED:
            raise KeyboardInterrupt
        return StepOutcome(self.code)

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        return Forecast("")


def test_an_inbox_that_is_a_pipe_does_not_hold_up_the_night(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SettingError, match="pipe, which is neither a file nor a folder; name one of these"):
        ImportStep((pipe,), 1).run(tmp_path / "lake", JobObserver())
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("codes", "left"),
    [
        ((DONE, DONE), DONE),
        ((NEW_GAPS, DONE), NEW_GAPS),
        ((DONE, NEW_GAPS), NEW_GAPS),
        ((LOCKED, DONE), LOCKED),
        ((LOCKED, NEW_GAPS), LOCKED),
        ((FAILED, NEW_GAPS), FAILED),
        ((NEW_GAPS, LOCKED), LOCKED),
        ((DONE, FAILED, LOCKED), FAILED),
        ((FAILED, INTERRUPTED, DONE), INTERRUPTED),
    ],
)
def test_every_step_runs_and_the_worst_code_is_kept(home: Path, codes: tuple[int, ...], left: int) -> None:
    Lake.create(home / "lake")
    job = Job("mine", models=(), after=tuple(map(ScriptedStep, codes)))
    report = run_job(job, home / "lake", "id", JobObserver())
    done = codes[: codes.index(INTERRUPTED) + 1] if INTERRUPTED in codes else codes
    assert [outcome.code for _, outcome in report.steps] == list(done)
    assert report.code == left
    assert f"(exit {left})" in format_summary(report)
    assert format_summary(report).count("interrupted") == (2 if INTERRUPTED in codes else 0), "the title and the step"


def test_a_broken_file_does_not_stop_the_others(
    run: Run, home: Path, sample_data: Path, write_job: WriteJob, tiny_model: Path
) -> None:
    (home / "inbox").mkdir()
    whole = gzip.compress((sample_data / "pubmed" / "odd" / "biopython_pubmed4.xml").read_bytes(), mtime=0)
    (home / "inbox" / "good.xml.gz").write_bytes(whole)
    (home / "inbox" / "broken.xml.gz").write_bytes(whole[:-2000])
    file = write_job(
        "mine",
        "[[after]]\ndo = 'sql'\nquery = 'select count(*) as n, 1 as n from articles'\nto = 'count.csv'",
        "[[after]]\ndo = 'export'\nformat = 'pubtator'\nto = 'articles.txt'",
        inbox=["inbox"],
        models=[str(tiny_model)],
    )
    ran = run("run", file)
    assert ran.returncode == NEW_GAPS, ran.stderr
    assert ran.stdout.startswith("litmine run mine: done, with new gaps (exit 3)\n")
    assert "could not be read: inbox/broken.xml.gz" in ran.stdout
    assert list((home / "lake").glob("entities/model=*/*.parquet"))
    assert (home / "count.csv").read_text() == "n,n_1\n1,1\n"
    assert (home / "articles.txt").read_text().count("|t|") == 1
    runs = Lake(home / "lake").rows("select command, job, job_run from runs order by started")
    (run_id,) = {run_id for _, _, run_id in runs}
    assert [(command, job) for command, job, _ in runs] == [("import", "mine"), ("annotate", "mine")]
    assert all(run_id in line for line in ran.stderr.splitlines())
    assert f"run {run_id}" in ran.stdout
    # The second night finds nothing new, so cron has nothing to mail.
    quiet = run("run", file, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (DONE, "", "")
    # A command outside a job has no job in the log.
    run("import", "inbox/good.xml.gz", "--lake", "elsewhere")
    assert Lake(home / "elsewhere").rows("select job, job_run from runs") == [(None, None)]


def test_a_failed_step_does_not_stop_the_others(run: Run, home: Path, write_job: WriteJob) -> None:
    """The inbox and the queries file do not exist: all of it is reported, and no file takes the place of an old one."""
    (home / "one.jsonl").write_text("last night's")
    file = write_job(
        "mine",
        "[[after]]\ndo = 'sql'\nquery = 'select 1 as one'\nto = 'one.jsonl'",
        inbox=["nowhere"],
        queries_file="none.txt",
        models=["builtin"],
    )
    ran = run("run", file, "--log", "log.jsonl", "--log-format", "json")
    assert ran.returncode == FAILED
    assert ran.stderr == ""
    assert "nowhere does not exist; check the path" in ran.stdout
    assert "none.txt cannot be read (No such file or directory); write one PubMed query per line into it" in ran.stdout
    assert "the lake has no articles yet" in ran.stdout
    skipped = "skipped, because import and fetch failed: one.jsonl was not written and stays as it was"
    assert skipped in ran.stdout
    assert (home / "one.jsonl").read_text() == "last night's"
    lines = [json.loads(line) for line in (home / "log.jsonl").read_text().splitlines()]
    assert len({line["run"] for line in lines}) == 1
    ended = [(line["step"], line["code"]) for line in lines if line["event"] == "step ended"]
    assert ended == [("import", FAILED), ("fetch", FAILED), ("annotate", DONE), ("sql", DONE)]
    assert (lines[-1]["event"], lines[-1]["code"], lines[-1]["level"]) == ("job ended", FAILED, "error")


def test_no_file_is_written_when_annotation_failed(
    run: Run, home: Path, imported_lake: Path, write_job: WriteJob
) -> None:
    shutil.copytree(imported_lake, home / "lake")
    (home / "n.csv").write_text("last night's")
    after = "[[after]]\ndo = 'sql'\nquery = 'select 1 as one'\nto = 'n.csv'"
    ran = run("run", write_job("mine", after, models=["./no-such-model"]))
    assert ran.returncode == FAILED
    assert "skipped, because annotate failed: n.csv was not written and stays as it was" in ran.stdout
    assert (home / "n.csv").read_text() == "last night's"


def test_an_unknown_type_fails_a_step_and_lists_the_types(
    run: Run, home: Path, imported_lake: Path, write_job: WriteJob
) -> None:
    shutil.copytree(imported_lake, home / "lake")
    after = "[[after]]\ndo = 'export'\nformat = 'jsonl'\nto = 'all.jsonl'"
    typed = "[[after]]\ndo = 'export'\nformat = 'jsonl'\ntypes = ['Remedy']\nto = 'typed.jsonl'"
    ran = run("run", write_job("mine", after, typed, models=[]))
    assert ran.returncode == FAILED
    assert (
        "no model that finds entities has read this lake; run `litmine annotate` to have entities in it" in ran.stdout
    )
    assert "so it has no entity types; run `litmine annotate`" in ran.stdout
    assert (home / "all.jsonl").exists()
    assert not (home / "typed.jsonl").exists()


def test_a_result_does_not_come_to_lie_in_the_lake(run: Run, home: Path, write_job: WriteJob) -> None:
    Lake.create(home / "lake")
    after = "[[after]]\ndo = 'sql'\nquery = 'select 1 as one'\nto = 'lake/n.csv'"
    ran = run("run", write_job("mine", after, models=[]))
    assert (ran.returncode, "an output file cannot be inside the lake" in ran.stdout) == (FAILED, True)
    writes = "[[after]]\ndo = 'sql'\nquery = \"copy articles to 'x'\"\nto = 'n.csv'"
    assert run("run", write_job("mine", writes, models=[])).returncode == FAILED
    assert not (home / "n.csv").exists()


def test_a_job_without_import_or_fetch_needs_a_lake(run: Run, home: Path, write_job: WriteJob) -> None:
    ran = run("run", write_job("mine", models=["builtin"]), "--quiet", "--log", "log")
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    assert ran.stderr.startswith("litmine: there is no lake at lake")
    assert "error: there is no lake at lake" in (home / "log").read_text()
    assert not (home / "lake").exists()


def test_every_query_is_fetched_and_the_key_is_in_no_log(
    run: Run, home: Path, archive: RecordArchive, write_job: WriteJob, at: At, key: str
) -> None:
    (home / "queries.txt").write_text(f"# drugs\n{key}[uid]\n\nall[sb]\n")
    file = write_job("mine", queries_file="queries.txt", models=[])
    with serve(archive, FaultInjector(script=["key-refused"])) as server:
        at(server)
        ran = run("run", file)
    assert ran.returncode == FAILED
    assert "60 new (60 records found, 60 fetched, " in ran.stdout
    assert key not in ran.stdout + ran.stderr
    assert "(NCBI_API_KEY)[uid]" in ran.stderr


def test_a_forecast_uses_earlier_runs(
    run: Run, home: Path, archive: RecordArchive, write_job: WriteJob, at: At
) -> None:
    file = write_job("mine", queries=["all[sb]"], models=["builtin"])
    with serve(archive) as server:
        at(server)
        ahead = run("run", file, "--dry-run")
        assert "60 records to fetch (time by PubMed's rate limit alone); about" in ahead.stdout
        assert "up to 60 new texts to read; time unknown" in ahead.stdout
        assert not (home / "lake").exists()
        assert run("run", write_job("only", queries=["all[sb]"], models=[])).returncode == DONE
        again = run("run", file, "--dry-run")
    assert "no new records; about 0.0 s" in again.stdout
    assert "60 unread texts to read; time unknown" in again.stdout
    assert ", without annotate (no earlier run to estimate from)" in again.stdout


def test_a_forecast_names_the_files_whose_texts_it_cannot_count(run: Run, home: Path, write_job: WriteJob) -> None:
    (home / "inbox").mkdir()
    file = write_job("mine", inbox=["inbox"], models=["builtin"])
    empty = run("run", file, "--dry-run").stdout
    assert "builtin: no texts to read; about 0.0 s" in empty
    (home / "inbox" / "a.jsonl").write_text('{"pmid": 1, "title": "Asthma."}')
    (home / "inbox" / "b.jsonl").write_text('{"pmid": 2, "title": "Gout."}')
    *_, annotate, total = run("run", file, "--dry-run").stdout.splitlines()
    assert annotate.endswith("builtin: no texts to read, and the new texts of 2 files to import; at least 0.0 s")
    assert total.startswith("total     at least ")
    assert not (home / "lake").exists()


def test_rates_of_earlier_runs() -> None:
    rates = Rates([("annotate", {"texts": 10}, 5.0), ("annotate", {"texts": 30}, 5.0), ("fetch", {"fetched": 0}, 9.0)])
    assert rates.seconds("annotate", "texts", 8) == 2.0
    assert rates.seconds("fetch", "fetched", 1) is None
    assert rates.seconds("fetch", "fetched", 0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected


def test_a_long_summary_is_cut(home: Path) -> None:
    Lake.create(home / "lake")
    report = run_job(Job("mine", models=(), after=(ScriptedStep(DONE),)), home / "lake", "id", JobObserver())
    report.steps[0][1].summary_lines = [f"line {number}" for number in range(30)]
    report.finished = datetime.now(UTC)
    text = format_summary(report)
    assert "line 19" in text
    assert "line 20" not in text
    assert "and 10 more, in the log" in text
