"""A nightly job while PubMed changes: runs that are killed leave the same lake as undisturbed ones."""

import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import DONE, LOCKED, NEW_GAPS
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FaultInjector
from litmine.fake_pubmed.server import FakePubmedServer, serve
from litmine.lake.lake import Lake
from litmine.pipeline.fetch_plan import eastern_day

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
WriteJob = Callable[..., Path]
At = Callable[[FakePubmedServer], None]

DELETION = '<PubmedArticleSet><DeleteCitation><PMID Version="1">{}</PMID></DeleteCitation></PubmedArticleSet>'
# Exit codes of a good night: while PubMed withdraws records, a night may have new gaps.
FINE = (DONE, NEW_GAPS)


def wait_for_lines(log: Path, lines: int, process: Popen[Any]) -> None:
    """Wait until the job's log has `lines` lines or the job has ended."""
    until = time.monotonic() + 300
    while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < lines):
        assert time.monotonic() < until
        time.sleep(0.005)


def shown(lake: Path) -> tuple[list[Any], dict[tuple[Any, ...], float], dict[tuple[Any, ...], float]]:
    """Articles without `as_of`, entities with their scores, and the readings of retrieved articles with theirs."""
    opened = Lake(lake)
    articles = opened.sql("select * exclude (as_of) from articles order by pmid").to_pylist()
    entities = opened.rows("select * exclude (score, identifier), score from entities")
    readings = opened.rows(
        "select question_id, pmid, text_hash, slice_free.* from retrieved join"
        " (select question_digest, pmid, text_hash, answer, start_char, end_char, yes, failed, max(score) as score"
        "  from readings group by all) as slice_free using (question_digest, pmid, text_hash)"
        " join unretracted_texts using (pmid, text_hash)"
    )
    return articles, _by_key(entities), _by_key(readings)


def _by_key(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], float]:
    found = {row[:-1]: row[-1] or 0.0 for row in rows}
    assert len(found) == len(rows), "duplicate row"
    return found


@pytest.mark.parametrize("nights", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_a_month_of_nights_with_kills(
    run: Run,
    start: Start,
    home: Path,
    archive: RecordArchive,
    write_job: WriteJob,
    at: At,
    tiny_model: Path,
    rule_reader: Path,
    nights: int,
) -> None:
    """The month is in the past: deletions have the date of their import, and so are newer than any record."""
    (home / "inbox").mkdir()
    (home / "questions.jsonl").write_text(
        '{"id": "a", "question": "Which strain grows in sediment?"}\n{"id": "b", "question": "Is it a new species?"}\n'
    )
    job = write_job(
        "month",
        f"[resources]\nprecision = 'float32'\n[[questions]]\nfile = 'questions.jsonl'\nreader = '{rule_reader}'\n"
        "[[after]]\ndo = 'compact'\ngrace_hours = 0",
        inbox=["inbox"],
        queries=["all[sb]"],
        models=[str(tiny_model)],
    )
    chance = random.Random(nights)
    compared = gaps = 0

    def clean_run() -> int:
        if nights == 3:  # starting a process costs more than a night
            return run("run", job, "--quiet").returncode
        process = start("run", job, "--quiet")
        process.communicate()
        return int(process.returncode)

    with serve(archive, FaultInjector(0.15, seed=nights)) as server:
        at(server)
        server.clock_offset = timedelta(days=-40)
        for night in range(1, nights + 1):
            server.clock_offset += timedelta(days=1)
            day = eastern_day(datetime.now(UTC) + server.clock_offset)
            _change_pubmed(archive, chance, day, home / "inbox", night)
            if night % 3 == 0:
                log = home / "log"
                log.unlink(missing_ok=True)
                process = start("run", job, "--quiet", "--log", log)
                wait_for_lines(log, chance.randint(2, 14), process)
                time.sleep(chance.random() * 0.3)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            code = clean_run()
            assert code in FINE
            gaps += code == NEW_GAPS
            if night % 3 == 0:
                undisturbed = home / f"undisturbed-{night}"
                server.faults.share, share = 0.0, server.faults.share
                assert run("run", job, "--lake", undisturbed).returncode in FINE
                server.faults.share = share
                articles, entities, readings = shown(home / "lake")
                expected = shown(undisturbed)
                assert articles == expected[0]
                assert entities == pytest.approx(expected[1], abs=1e-4)
                assert readings == pytest.approx(expected[2], abs=1e-4)
                assert len(articles) > 40
                assert min(len(entities), len(readings)) > 10
                compared += 1
    assert compared == nights // 3
    assert gaps > 0


def _change_pubmed(archive: RecordArchive, chance: random.Random, day: Any, inbox: Path, night: int) -> None:
    """A day at PubMed: new records, one of them withdrawn at once; revised records; a deletion in an update file."""
    new = archive.add(chance.randint(1, 5), day)
    archive.withdraw(new[:1])
    there = sorted(archive.pmids - archive.withdrawn)
    archive.revise(chance.sample(there, chance.randint(0, 8)), day)
    gone = chance.choice(there)
    archive.delete([gone])
    (inbox / f"deleted-{night}.xml").write_text(DELETION.format(gone))


def test_a_second_run_of_the_job_is_locked_out(
    run: Run, start: Start, home: Path, archive: RecordArchive, write_job: WriteJob, at: At
) -> None:
    """The second run names the running process and exits; after a kill -9 the next run starts at once."""
    job = write_job("mine", queries=["all[sb]"], models=[])
    hanging = FaultInjector(script=dict.fromkeys(range(1, 99), "hang"), hang_seconds=600)
    with serve(archive, hanging) as silent, serve(archive) as server:
        at(silent)
        began = datetime.now(UTC)
        first = start("run", job, "--log", home / "log")
        until = time.monotonic() + 300
        while len(silent.log.requests) < 2 and first.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        at(server)
        second = run("run", job, "--quiet")
        assert second.returncode == LOCKED
        assert second.stdout == ""
        run_id = (home / "log").read_text().split()[1]
        message = second.stderr
        assert message.startswith(f"litmine: the job mine is already running on lake (process {first.pid} on ")
        assert message.rstrip().endswith("; wait until it ends")
        assert any(f", since {day:%Y-%m-%d }" in message for day in (began, datetime.now(UTC)))
        assert f", run {run_id})" in message
        # Another job can run.
        (home / "other.toml").write_text(job.read_text().replace("all[sb]", "cells"))
        assert run("run", "other.toml", "--quiet").returncode == DONE
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert -first.returncode == signal.SIGKILL
        assert run("run", job, "--quiet").returncode == DONE
        assert Lake(home / "lake").rows("select count(*) from articles") == [(60,)]
