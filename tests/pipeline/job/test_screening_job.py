"""The shipped job `screening`: its file holds new candidates at the classifier's mark, with the deciding sentences."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

from litmine import Lake
from litmine.errors import DONE
from litmine.lake.runs import Run
from litmine.pipeline.import_files import import_files
from litmine.pipeline.job.after import SqlStep
from litmine.pipeline.job.job_file import read_job
from litmine.pipeline.job.step import JobObserver
from tests.fixtures.labelled_texts import labelled_rows


def add(lake: Path, rows: list[dict[str, str]], as_of: datetime) -> None:
    lines = [{"pmid": int(row["pmid"]), "title": row["title"], "abstract": row["abstract"]} for row in rows]
    file = lake.with_name(f"{rows[0]['pmid']}.jsonl")
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_files(lake, [file], as_of=as_of)


def test_only_new_candidates_are_written_with_their_sentences(
    run: Callable[..., CompletedProcess[str]], tiny_classifier: Path, tmp_path: Path, home: Path
) -> None:
    lake, now = tmp_path / "lake", datetime.now(UTC)
    rows = labelled_rows()
    add(lake, rows[:18], now - timedelta(days=3))
    assert run("annotate", "--lake", lake, "--model", tiny_classifier).returncode == DONE
    (step,) = [one for one in read_job("screening").after if isinstance(one, SqlStep)]
    step = replace(step, query=step.query.replace("'include'", "'in'"))

    def write() -> list[dict[str, str]]:
        step.run(Lake(lake).path, JobObserver())
        return list(csv.DictReader((home / step.to).read_text(encoding="utf-8").splitlines()))

    included = {int(row["pmid"]) for row in rows if row["label"] == "in"}
    first = write()
    assert included & set(range(1000, 1018)) <= {int(row["pmid"]) for row in first}
    scores = [float(row["score"]) for row in first]
    assert scores == sorted(scores, reverse=True)
    assert any("patients" in row["sentences"] for row in first)
    for command, end in (("fetch", now - timedelta(days=2)), ("annotate", now - timedelta(days=2))):
        made = Run(f"night-{command}", command, end - timedelta(minutes=5), end, "done")
        Lake(lake).record_run(replace(made, job="screening", job_run="night"))
    assert write() == []
    add(lake, rows[18:], now - timedelta(hours=1))
    assert run("annotate", "--lake", lake, "--model", tiny_classifier).returncode == DONE
    found = {int(row["pmid"]) for row in write()}
    assert found
    assert found <= set(range(1018, 1036))
