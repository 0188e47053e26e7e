"""A fetch that ends early, however it ends, is completed by the same command; what was received stays."""

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
from litmine.lake.articles import parts
from litmine.lake.lake import Lake

Fetch = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
Environment = Callable[[FakePubmedServer], dict[str, str]]

ALL = ("--query", "all[sb]")
# Longer than any server is silent here.
PATIENT = ("--timeout", 3600)


@pytest.fixture
def archive(short_records: Path) -> RecordArchive:
    """3,500 records: several requests, several parts."""
    return RecordArchive([short_records], 3_500)


def wait_for(server: FakePubmedServer, requests: int, process: Popen[Any]) -> None:
    """Until the server has had so many requests, or the process is done."""
    until = time.monotonic() + 300
    while len(server.log.requests) < requests and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)


def check(lake: Path, archive: RecordArchive) -> None:
    """Every record once, every text new once."""
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
    archive = RecordArchive([short_records], 11_000)  # several searches too
    chance = random.Random(kills)
    left = kills
    while left:
        lake = tmp_path / f"lake-{left}"
        with serve(archive) as server:
            killed = 0
            while left and killed < 4:  # five runs bring everything in
                process = start("fetch", *ALL, "--lake", lake, **environment(server))
                wait_for(server, len(server.log.requests) + chance.randint(0, 4), process)
                time.sleep(chance.random() * 0.6)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed, left = killed + 1, left - 1
                assert all(pq.read_metadata(part).num_columns for part in parts(lake))
            assert fetch(server, *ALL, "--lake", lake).returncode == DONE
            check(lake, archive)
            lost_at_most(killed, server)
            assert not list((lake / ".spool").iterdir())


def lost_at_most(kills: int, server: FakePubmedServer) -> None:
    """No more requests were lost than there were kills."""
    asked: set[int] = set()
    lost = 0  # requests whose records were asked for again later
    for request in reversed(server.log.requests):
        lost += not asked.isdisjoint(request.pmids)
        asked.update(request.pmids)
    assert lost <= kills
    searches = [request.term for request in server.log.requests if request.utility == "esearch"]
    assert len(searches) - len(set(searches)) <= kills, "a search was asked again that had been answered"


@contextmanager
def hanging(archive: RecordArchive, request: int) -> Iterator[FakePubmedServer]:
    """A server that falls silent at a request."""
    with serve(archive, FaultInjector(script={request: "hang"}, hang_seconds=3600)) as server:
        yield server


def test_ctrl_c_keeps_what_came(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 3) as server:
        process = start("fetch", *ALL, *PATIENT, "--lake", lake, **environment(server))
        wait_for(server, 4, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        assert process.returncode == INTERRUPTED
        assert said.strip().endswith("interrupted; finished work is kept, and the same command continues from there")
        had = Lake(lake).rows("select count(*) from articles")[0][0]
        assert had == server.log.records_sent() > 0
        assert Lake(lake).rows("select outcome, counts['fetched'] from runs") == [("interrupted", had)]
        assert fetch(server, *ALL).returncode == DONE
        check(lake, archive)
        assert server.log.records_sent() == len(archive)


def test_the_same_fetch_twice_at_once(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 3) as server:
        process = start("fetch", *ALL, *PATIENT, "--lake", lake, **environment(server))
        wait_for(server, 4, process)
        second = fetch(server, *ALL)
        assert second.returncode == LOCKED
        assert "the same fetch is writing to" in second.stderr
        # Another query is another matter, and finds some of what the first one brings.
        assert fetch(server, "--query", "cells").returncode == DONE
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert fetch(server, *ALL).returncode == DONE
        check(lake, archive)


def test_what_a_killed_fetch_received_another_puts_into_the_lake(
    fetch: Fetch, start: Start, environment: Environment, lake: Path, archive: RecordArchive
) -> None:
    with hanging(archive, 2) as server:
        process = start("fetch", *ALL, *PATIENT, "--lake", lake, **environment(server))
        wait_for(server, 3, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        given = server.log.records_sent()
        assert given > 0
        assert not parts(lake), "it was killed before it wrote a part"
        done = fetch(server, "--query", "xylophonitis")
        assert f"{given:,} records that an interrupted fetch had received are in the lake now" in done.stderr
        assert Lake(lake).rows("select count(*) from articles") == [(given,)]
        # The searches of the killed one are good for half a day.
        (job,) = (lake / ".spool").iterdir()
        for noted in job.iterdir():
            os.utime(noted, (0, 0))
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
        _, said = process.communicate()
        assert process.returncode == FAILED
        assert "could not be written (" in said.splitlines()[-1]
        assert "Traceback" not in said
        small_disk.grow()
        assert fetch(server, *ALL, "--lake", lake).returncode == DONE
        check(lake, archive)
