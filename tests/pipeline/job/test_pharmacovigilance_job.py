"""The shipped job `pharmacovigilance`: its files hold what came since the last complete night, with sentences."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from litmine.lake.lake import Lake
from litmine.lake.runs import Run
from litmine.pipeline.job.after import SqlStep
from litmine.pipeline.job.job_file import read_job
from litmine.pipeline.job.step import JobObserver
from litmine.types import Article
from tests.fixtures.written_relations import START, Paper, Said, activate_models, add_papers

WORDS: dict[str, tuple[str, str | None]] = {
    "isoniazid": ("Chemical", "MESH:D007538"),
    "statins": ("Chemical", "MESH:D019161|MESH:D017035"),
    "aspirin": ("Chemical", "MESH:D001241"),
    "hepatotoxicity": ("AdverseEffect", "MESH:D056486"),
    "rash": ("AdverseEffect", "MESH:D005076"),
}
NIGHT = timedelta(days=1)


def paper(pmid: int, title: str, *said: Said, **more: Any) -> Paper:
    return Paper(Article(pmid, title, **more), {word: WORDS[word] for word in title.split() if word in WORDS}, said)


def causes(drug: str, event: str, **more: Any) -> Said:
    return Said("adverse_effect", drug, event, **more)


def record_night(
    lake: Lake, finished: datetime, name: str, *, fetch: str = "done", annotate: str | None = "done"
) -> None:
    """Record the commands of a night of the job that fetched until `finished`."""
    outcomes = [("fetch", fetch, finished), ("annotate", annotate, finished + timedelta(minutes=9))]
    for command, outcome, end in outcomes:
        if outcome:
            run = Run(f"{name}-{command}", command, end - timedelta(minutes=5), end, outcome)
            lake.record_run(replace(run, job="pharmacovigilance", job_run=name))


@pytest.fixture
def write_files(lake: Lake, home: Path) -> Callable[[], list[list[dict[str, str]]]]:
    """`write_files()`: run the steps of the job that write files; the rows of each file."""

    def write() -> list[list[dict[str, str]]]:
        steps = [step for step in read_job("pharmacovigilance").after if isinstance(step, SqlStep)]
        for step in steps:
            step.run(lake.path, JobObserver())
        return [list(csv.DictReader((home / step.to).read_text(encoding="utf-8").splitlines())) for step in steps]

    return write


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Lake:
    return Lake(place_lake())


def pmids(rows: Sequence[dict[str, str]]) -> list[int]:
    return sorted(int(row["pmid"]) for row in rows)


def test_files_hold_what_is_new_since_the_last_complete_night(
    lake: Lake, write_files: Callable[[], list[list[dict[str, str]]]]
) -> None:
    reports = [paper(pmid, "isoniazid hepatotoxicity", causes("isoniazid", "hepatotoxicity")) for pmid in range(1, 21)]
    others = [paper(pmid, "aspirin rash", causes("aspirin", "rash")) for pmid in range(21, 61)]
    add_papers(lake, [*reports, *others])
    activate_models(lake)
    events, signals = write_files()
    # In the first night, all is new.
    assert pmids(events) == pmids(signals) == list(range(1, 61))
    record_night(lake, START + timedelta(hours=3), "first")
    assert write_files() == [[], []]

    night = [
        paper(70, "severe hepatotoxicity with isoniazid", causes("isoniazid", "hepatotoxicity"), year=2024),
        paper(71, "isoniazid without rash", causes("isoniazid", "rash", negated=True)),
        paper(72, "isoniazid hepatotoxicity withdrawn", causes("isoniazid", "hepatotoxicity"), retracted=True),
        # An event that fewer articles report than expected is new, and no signal.
        paper(73, "statins rash", causes("statins", "rash")),
        # A record that PubMed revised, with the text that it had.
        paper(1, "isoniazid hepatotoxicity", causes("isoniazid", "hepatotoxicity"), keywords=("revised",)),
        # A text that has changed.
        paper(2, "isoniazid and hepatotoxicity", causes("isoniazid", "hepatotoxicity")),
    ]
    add_papers(lake, night, day=1)
    events, signals = write_files()
    assert pmids(events) == [2, 70, 73]
    assert [(row["pmid"], row["sentence"], row["year"]) for row in events if row["pmid"] == "70"] == [
        ("70", "severe hepatotoxicity with isoniazid", "2024")
    ]
    assert [(row["drug_id"], row["event_id"], row["a"], row["new_articles"], row["pmid"]) for row in signals] == [
        ("MESH:D007538", "MESH:D056486", "21", "2", pmid) for pmid in ("2", "70")
    ]
    assert signals[1]["sentence"] == "severe hepatotoxicity with isoniazid"
    assert float(signals[0]["ic025"]) > 0
    assert signals[0]["prr"] == ""

    # Nights that failed, or that were killed before the models had read the texts, do not count as seen.
    record_night(lake, START + NIGHT + timedelta(hours=3), "failed", annotate="failed")
    record_night(lake, START + NIGHT + timedelta(hours=4), "killed", annotate=None)
    record_night(lake, START + NIGHT + timedelta(hours=5), "unreachable", fetch="failed")
    # A run of the same night is not the last night.
    record_night(lake, datetime.now(UTC) - timedelta(hours=1), "now")
    assert pmids(write_files()[0]) == [2, 70, 73]
    # A night with new gaps is complete, since each gap is listed.
    record_night(lake, START + NIGHT + timedelta(hours=6), "second", fetch="gaps")
    assert write_files() == [[], []]


def test_both_identifiers_of_a_composite_have_the_new_sentence(
    lake: Lake, write_files: Callable[[], list[list[dict[str, str]]]]
) -> None:
    both = [paper(pmid, "statins rash", causes("statins", "rash")) for pmid in range(1, 21)]
    others = [paper(pmid, "aspirin hepatotoxicity", causes("aspirin", "hepatotoxicity")) for pmid in range(21, 61)]
    add_papers(lake, [*both, *others])
    activate_models(lake)
    _, signals = write_files()
    drugs = {(row["drug_id"], row["sentence"]) for row in signals if row["event_id"] == "MESH:D005076"}
    assert drugs == {("MESH:D019161", "statins rash"), ("MESH:D017035", "statins rash")}
