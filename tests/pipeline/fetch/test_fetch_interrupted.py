"""The same command completes an interrupted fetch, however it ended; downloaded records are kept."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pyarrow.parquet as pq
import pytest

from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FaultInjector
from litmine.fake_pubmed.server import FakePubmedServer, serve
from litmine.lake.articles import list_parts
from litmine.lake.lake import Lake

Fetch = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
Environment = Callable[[FakePubmedServer], dict[str, str]]

ALL = ("--query", "all[sb]")
# Longer than any hang of the server.
LONG_TIMEOUT = ("--timeout", 3600)


@pytest.fixture
def archive(short_records: Path) -> RecordArchive:
    """3,500 records: several requests, several parts."""
    return RecordArchive([short_records], 3_500)


def wait_for(server: FakePubmedServer, requests: int, process: Popen[Any]) -> None:
    """Wait until the server has received this many requests or the process has ended."""
    deadline = time.monotonic() + 300
    while len(server.log.requests) < requests and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def check(lake: Path, archive: RecordArchive) -> None:
    """Check that every record is in the lake once, and every text is marked as new once."""
    rows = Lake(lake).rows("select pmid from articles order by pmid")
    assert [pmid for (pmid,) in rows] == sorted(archive.pmids)
    ((texts, distinct),) = Lake(lake).rows(
        "select count(*), count(distinct (pmid, text_hash)) from article_versions where new_text"
    )
    assert texts == distinct


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_at_any_moment(
    fetch: Fetch, start: Start, environment: Environment, tmp_path: Path, short_records: Path, kills: int
) -> None:
    archive = RecordArchive([short_records], 11_000)  # needs several searches
    rng = random.Random(kills)
    remaining = kills
    while remaining:
        lake = tmp_path / f"lake-{remaining}"
        with serve(archive) as server:
            killed = 0
            while remaining and killed < 4:  # five runs fetch everything
                process = start("fetch", *ALL, "--lake", lake, **environment(server))
                wait_for(server, len(server.log.requests) + rng.randint(0, 4), process)
                time.sleep(rng.random() * 0.6)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed, remaining = killed + 1, remaining - 1
                assert all(pq.read_metadata(part).num_columns for part in list_parts(lake))
            assert fetch(server, *ALL, "--lake", lake).returncode == DONE
            check(lake, archive)
            check_repeated_requests(killed, server)
            assert not list((lake / ".spool").iterdir())


def check_repeated_requests(kills: int, server: FakePubmedServer) -> None:
    """Check that each kill caused at most one repeated request."""
    requested: set[int] = set()
    repeated = 0  # requests with records that were requested again later
    for request in reversed(server.log.requests):
        repeated += not requested.isdisjoint(request.pmids)
        requested.update(request.pmids)
    assert repeated <= kills
    searches = [request.term for request in server.log.requests if request.utility == "esearch"]
    assert len(searches) - len(set(searches)) <= kills, "a search was repeated although its result was saved"


@contextmanager
def hanging(archive: RecordArchive, request: int) -> Iterator[FakePubmedServer]:
    """A server that hangs at the request with this number."""
    with serve(archive, FaultInjector(script={request: "hang"}, hang_seconds=3600)) as server:
        yield server


def test_ctrl_c_keeps_fetched_records(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 3) as server:
        process = start("fetch", *ALL, *LONG_TIMEOUT, "--lake", lake, **environment(server))
        wait_for(server, 4, process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == INTERRUPTED
        assert stderr.strip().endswith("interrupted; finished work is kept, and the same command continues from there")
        fetched = Lake(lake).rows("select count(*) from articles")[0][0]
        assert fetched == server.log.records_sent() > 0
        assert Lake(lake).rows("select outcome, counts['fetched'] from runs") == [("interrupted", fetched)]
        assert fetch(server, *ALL).returncode == DONE
        check(lake, archive)
        assert server.log.records_sent() == len(archive)


def test_the_same_fetch_cannot_run_twice_at_once(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 3) as server:
        process = start("fetch", *ALL, *LONG_TIMEOUT, "--lake", lake, **environment(server))
        wait_for(server, 4, process)
        second = fetch(server, *ALL)
        assert second.returncode == LOCKED
        assert "the same fetch is already writing to" in second.stderr
        # Another query may run at the same time, and finds some of the same records.
        assert fetch(server, "--query", "cells").returncode == DONE
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert fetch(server, *ALL).returncode == DONE
        check(lake, archive)


def test_another_fetch_recovers_what_a_killed_one_downloaded(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 2) as server:
        process = start("fetch", *ALL, *LONG_TIMEOUT, "--lake", lake, **environment(server))
        wait_for(server, 3, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        sent = server.log.records_sent()
        assert sent > 0
        assert not list_parts(lake), "it was killed before it wrote a part"
        done = fetch(server, "--query", "xylophonitis")
        assert f"{sent:,} records recovered from an interrupted fetch" in done.stderr
        assert Lake(lake).rows("select count(*) from articles") == [(sent,)]
        # The saved searches of the killed fetch are valid for half a day.
        (job,) = (lake / ".spool").iterdir()
        for saved_search in job.iterdir():
            os.utime(saved_search, (0, 0))
        fetch(server, "--query", "xylophonitis")
        assert not list((lake / ".spool").iterdir())


def test_a_full_disk(
    fetch: Fetch, small_disk: Any, environment: Environment, archive: RecordArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = small_disk.folder / "lake"
    small_disk.leave(1500)
    with serve(archive) as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        process = small_disk.start("fetch", *ALL, "--lake", lake)
        _, stderr = process.communicate()
        assert process.returncode == FAILED
        assert "could not be written (" in stderr.splitlines()[-1]
        assert "Traceback" not in stderr
        small_disk.grow()
        assert fetch(server, *ALL, "--lake", lake).returncode == DONE
        check(lake, archive)
