"""A fetch gets every record that PubMed counts or reports it as missing, and requests nothing twice."""

import csv
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, NEW_GAPS
from litmine.fake_pubmed.archive import RecordArchive, eastern_today
from litmine.fake_pubmed.faults import FAULT_KINDS, FaultInjector
from litmine.fake_pubmed.server import serve
from litmine.lake.lake import Lake

Fetch = Callable[..., CompletedProcess[str]]

ALL = ("--query", "all[sb]")


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Path:
    """An empty lake, because making one takes longer than most of these fetches."""
    return place_lake()


def articles(lake: Path) -> dict[int, str]:
    """The text of every article by PMID, in order; also checks that no PMID is repeated."""
    rows = Lake(lake).rows("select pmid, text from articles order by pmid")
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def pmids(lake: Path) -> list[int]:
    return list(articles(lake))


def log(lake: Path, *columns: str) -> list[tuple[object, ...]]:
    """These columns of the run log for every fetch, in order."""
    return Lake(lake).rows(f"select {', '.join(columns)} from runs where command = 'fetch' order by started")


def adds_up(lake: Path) -> bool:
    """Whether found = there + fetched + absent + left in every run."""
    counts = ("found", "there", "fetched", "absent", "left")
    rows = log(lake, *(f"counts['{name}']" for name in counts))
    return bool(rows) and all(row[0] == sum(row[1:]) for row in rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("records", [14_000, pytest.param(25_000, marks=pytest.mark.soak)])
def test_a_query_with_more_hits_than_pubmed_lists(
    fetch: Fetch, big_archive: Callable[[int], RecordArchive], lake: Path, records: int
) -> None:
    """12,000 hits are from one day. Each record is fetched once, with at most three requests per second."""
    archive = big_archive(records)
    with serve(archive) as server:
        done = fetch(server, *ALL, NCBI_API_KEY="")
        assert (done.returncode, done.stdout) == (DONE, "")
        assert pmids(lake) == sorted(archive.pmids)
        assert set(server.log.fetch_counts().values()) == {1}
        assert server.log.peak_per_second() <= 3
        assert server.log.rate_limited() == 0
        # At least 3 searches and 3 fetches are needed; docs/measurements.md has the measured numbers.
        assert server.log.by_utility()["esearch"] <= 20
        assert server.log.by_utility()["efetch"] <= 16
        assert f"{records:,} new ({records:,} records found, {records:,} fetched, " in done.stderr
        assert {request.tool for request in server.log.requests} == {"litmine"}
        assert {request.email for request in server.log.requests} == {"someone@example.org"}
    assert adds_up(lake)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 11))])
def test_a_quarter_of_all_requests_fails(
    fetch: Fetch, key: str, big_archive: Callable[[int], RecordArchive], lake: Path, tmp_path: Path, seed: int
) -> None:
    archive = big_archive(25_000 if seed else 14_000)
    withdrawn = sorted(archive.pmids)[100 + seed : 107 + seed]
    gap_file = tmp_path / "gaps.csv"
    archive.withdraw(withdrawn)
    faults = FaultInjector(0.25, script={3: "hang", 9: "cut", 14: "429-retry-after"}, hang_seconds=60, seed=seed)
    with serve(archive, faults) as server:
        done = fetch(server, *ALL, "--timeout", 2, "--gaps", gap_file)
        assert (done.returncode, done.stdout) == (NEW_GAPS, "")
        assert pmids(lake) == sorted(archive.pmids - set(withdrawn))
        lines = done.stderr.splitlines()
        for pmid in withdrawn:
            assert sum(line.startswith(f"not fetched: PMID {pmid}: PubMed has no record") for line in lines) == 1
        assert server.log.by_fault().total() >= 5
        assert server.log.peak_per_second() <= 10
        assert all(request.has_key for request in server.log.requests)
        with gap_file.open(encoding="utf-8", newline="") as rows:
            assert [(int(row["pmid"]), row["new"]) for row in csv.DictReader(rows)] == [(p, "true") for p in withdrawn]
        efetch_requests = server.log.by_utility()["efetch"]
        again = fetch(server, *ALL, "--timeout", 2)
        assert again.returncode == DONE, "gaps that were reported before do not change the exit code"
        assert server.log.by_utility()["efetch"] == efetch_requests
        assert "7 gaps reported before" in again.stderr
    assert "Traceback" not in done.stderr
    assert key not in done.stderr + again.stderr
    assert all(key.encode() not in file.read_bytes() for file in lake.rglob("*") if file.is_file())
    assert adds_up(lake)
    assert [row[0] for row in log(lake, "outcome")] == ["gaps", "done"]


@pytest.mark.parametrize("kind", sorted(set(FAULT_KINDS) - {"key-refused"}))
def test_every_failure_is_survived(fetch: Fetch, short_records: Path, lake: Path, kind: str) -> None:
    """Each kind of fault affects a search and a fetch."""
    archive = RecordArchive([short_records], 40)
    succeeds = kind in ("fewer-records", "trickle")
    faults = FaultInjector(
        script=dict.fromkeys((0, 1, 2) if succeeds else (0, 2), kind), hang_seconds=60, trickle_seconds=0.5
    )
    with serve(archive, faults, per_second=(100, 100)) as server:
        done = fetch(server, *ALL, "--timeout", 1)
        assert (done.returncode, done.stdout) == (DONE, ""), done.stderr
        assert server.log.by_fault()[kind] >= 2
    assert pmids(lake) == sorted(archive.pmids)
    assert "Traceback" not in done.stderr


def test_only_a_record_that_breaks_its_response_is_missing(
    fetch: Fetch, small_archive: RecordArchive, lake: Path, tmp_path: Path
) -> None:
    some = sorted(small_archive.pmids)[:4]
    poison, cut = some[1:3]
    listed = tmp_path / "some.txt"
    listed.write_text("\n".join(map(str, some)))
    with serve(small_archive, FaultInjector(poison={poison: "500", cut: "cut"})) as server:
        done = fetch(server, "--pmids", listed, "--patience", 4)
        assert done.returncode == NEW_GAPS
    assert pmids(lake) == sorted(set(some) - {poison, cut})
    assert f"not fetched: PMID {poison}: PubMed could not return it: the server answered HTTP 500" in done.stderr
    assert f"not fetched: PMID {cut}: PubMed could not return it: " in done.stderr


def test_since_last_fetches_new_and_revised_records(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    with serve(small_archive) as server:
        first = fetch(server, *ALL, "--since", "last")
        assert first.returncode == DONE
        assert "no earlier complete fetch of this query: fetching all of it" in first.stderr
        old = sorted(small_archive.pmids)
        before = articles(lake)
        new, revised = small_archive.add(50, eastern_today()), old[:30]
        small_archive.revise(revised, eastern_today())
        earlier_counts = server.log.fetch_counts()
        second = fetch(server, *ALL, "--since", "last")
        assert second.returncode == DONE
        assert server.log.fetch_counts() - earlier_counts == dict.fromkeys((*new, *revised), 1)
        after = articles(lake)
        assert sorted(after) == sorted(small_archive.pmids)
        assert sorted(pmid for pmid in old if after[pmid] != before[pmid]) == revised
        # A second revision on the same day is found, because records of that day are requested again.
        small_archive.revise(revised[:3], eastern_today())
        earlier_counts = server.log.fetch_counts()
        assert fetch(server, *ALL, "--since", "last").returncode == DONE
        assert set(server.log.fetch_counts() - earlier_counts) <= {*new, *revised}
        before, after = after, articles(lake)
        assert sorted(pmid for pmid in after if after[pmid] != before[pmid]) == revised[:3]
    assert adds_up(lake)


def test_since_last_requests_missing_records_again(fetch: Fetch, sample_data: Path, lake: Path) -> None:
    """A record that was missing once is not new or revised later, but must still be fetched."""
    archive = RecordArchive(
        [sample_data / "pubmed" / "species800_articles.xml.gz"], 4, last=eastern_today() - timedelta(days=30)
    )
    poison = min(archive.pmids)
    with serve(archive, FaultInjector(poison={poison: "503"})) as server:
        assert fetch(server, *ALL, "--patience", 4).returncode == NEW_GAPS
        server.faults.poison = {}
        soon = fetch(server, *ALL, "--since", "last")
        assert soon.returncode == DONE
        assert "1 gap reported before" in soon.stderr
        assert poison not in pmids(lake)
        server.clock_offset = timedelta(days=8)
        assert fetch(server, *ALL, "--since", "last").returncode == DONE
        assert pmids(lake) == sorted(archive.pmids)
    assert adds_up(lake)


def test_since_a_date(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    with serve(small_archive) as server:
        assert fetch(server, *ALL).returncode == DONE
        old = sorted(small_archive.pmids)
        new = small_archive.add(5, eastern_today() - timedelta(days=2))
        small_archive.revise(old[:4], eastern_today() - timedelta(days=3))
        small_archive.revise(old[4:6], eastern_today() - timedelta(days=9))
        earlier_counts = server.log.fetch_counts()
        assert fetch(server, *ALL, "--since", eastern_today() - timedelta(days=5)).returncode == DONE
        # The revisions are dated before the first fetch, which saw them: only records that the lake lacks are fetched.
        assert set(server.log.fetch_counts() - earlier_counts) == set(new)
        small_archive.revise(old[:4], eastern_today())
        earlier_counts = server.log.fetch_counts()
        assert fetch(server, *ALL, "--since", eastern_today() - timedelta(days=5)).returncode == DONE
        assert set(server.log.fetch_counts() - earlier_counts) == set(old[:4])
    assert adds_up(lake)


def test_max_continues_in_the_next_run(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    wanted = sorted(small_archive.pmids)
    with serve(small_archive) as server:
        done = fetch(server, *ALL, "--max", 100)
        assert "200 left by --max" in done.stderr
        assert pmids(lake) == wanted[-100:]
        assert fetch(server, *ALL, "--max", 150).returncode == DONE
        assert pmids(lake) == wanted[-250:]
        last = fetch(server, *ALL, "--since", "last")
        assert "no earlier complete fetch" in last.stderr, "a fetch cut short by --max is not complete"
        assert pmids(lake) == wanted
        assert set(server.log.fetch_counts().values()) == {1}
    assert log(lake, "parameters['complete']") == [("no",), ("no",), ("yes",)]


def test_dry_run_prints_a_forecast_and_writes_nothing(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    shutil.rmtree(lake)
    with serve(small_archive) as server:
        done = fetch(server, *ALL, "--dry-run", NCBI_API_KEY="")
        assert done.returncode == DONE
        assert done.stdout.splitlines() == [
            "found     300 records",
            "read as   all[Filter]",
            "present   0 already in the lake",
            "new       300 to fetch",
            "requests  1 or more, 3 a second allowed: at least 1 s",
        ]
        assert not lake.exists()
        fetch(server, *ALL, "--max", 100)
        files = sorted(lake.rglob("*"))
        done = fetch(server, *ALL, "--dry-run")
        assert (
            "present   100 already in the lake\nnew       200 to fetch\nrequests  1 or more, 10 a second" in done.stdout
        )
        assert sorted(lake.rglob("*")) == files


def test_a_dry_run_prints_the_notes_of_a_real_run(
    fetch: Fetch, small_archive: RecordArchive, lake: Path, tmp_path: Path
) -> None:
    with serve(small_archive) as server:
        dry, real = (fetch(server, "--query", "xyzzy OR allergy", *more).stderr for more in (("--dry-run",), ()))
        assert dry.strip() == real.strip().rpartition("\n")[0]
        assert "xyzzy" in dry
        listed = tmp_path / "included.txt"
        listed.write_text("PMC77\n7\n")
        assert f"not fetched: {listed}, line 1" in fetch(server, "--pmids", listed, "--dry-run").stderr
        assert len(Lake(lake).rows("from runs")) == 1


def test_a_list_of_pmids(fetch: Fetch, small_archive: RecordArchive, lake: Path, tmp_path: Path) -> None:
    some = sorted(small_archive.pmids)[10:20]
    listed = tmp_path / "included.txt"
    listed.write_text(f"PMID: {some[0]}\n{some[1]},{some[2]} {some[1]}\n\nPMC77\n7\n" + "\n".join(map(str, some[3:])))
    with serve(small_archive) as server:
        done = fetch(server, "--pmids", listed, "--gaps", tmp_path / "gaps.jsonl")
        assert done.returncode == NEW_GAPS
        assert pmids(lake) == some
        gaps = [json.loads(line) for line in (tmp_path / "gaps.jsonl").read_text().splitlines()]
        assert [(gap["pmid"], gap["where"]) for gap in gaps] == [(None, f"{listed}, line 4"), (7, "PMID 7")]
        assert f"not fetched: {listed}, line 4: 'PMC77' is not a PMID" in done.stderr
        assert "not fetched: PMID 7: PubMed has no record for it" in done.stderr
        assert f"1 duplicate PMIDs in {listed} ignored" in done.stderr
        again = fetch(server, "--pmids", "-", stdin=f"{some[0]}\n{some[5]}".encode())
        assert again.returncode == DONE
        assert "2 already present (2 records found)" in again.stderr
        assert server.log.by_utility()["esearch"] == 0
        assert Lake(lake).rows("select what, pmid from gaps order by pmid") == [
            ("PMID 7", 7),
            (f"{listed}, line 4", None),
        ]
        listed.write_text(f"{some[0]}\n")
        assert fetch(server, "--pmids", listed).returncode == DONE
        # The list has no bad line any more; PubMed still has no record of PMID 7.
        assert Lake(lake).rows("select what from gaps") == [("PMID 7",)]
    assert adds_up(lake)


def test_refresh_fetches_present_records_again(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    with serve(small_archive) as server:
        fetch(server, *ALL)
        again = fetch(server, *ALL)
        assert "300 already present (300 records found, 1 request)" in again.stderr
        before = articles(lake)
        # Only --refresh finds a revision that PubMed dates a year ago.
        changed = sorted(small_archive.pmids)[5]
        small_archive.revise([changed], eastern_today() - timedelta(days=365))
        done = fetch(server, *ALL, "--refresh")
        assert "1 revised, 299 already present (300 records found, 300 fetched, " in done.stderr
        assert log(lake, "counts['there']", "counts['texts']")[-1] == (0, 1)
        after = articles(lake)
        assert [pmid for pmid in after if after[pmid] != before[pmid]] == [changed]


def test_parts_of_the_query_that_pubmed_ignores_are_reported(
    fetch: Fetch, small_archive: RecordArchive, lake: Path
) -> None:
    with serve(small_archive) as server:
        done = fetch(server, "--query", "xylophonitis")
        assert done.returncode == DONE
        assert "no records found, " in done.stderr
        assert "xylophonitis" in done.stderr
    assert pmids(lake) == []
    assert log(lake, "parameters['query']") == [("xylophonitis",)]


def test_records_that_are_counted_but_not_listed_are_a_gap(
    fetch: Fetch, big_archive: Callable[[int], RecordArchive], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the slices miss records, the difference from PubMed's own count is reported."""
    from litmine.sources.entrez import search

    monkeypatch.setattr(search, "_FIRST_DAY", eastern_today() - timedelta(days=300))
    with serve(big_archive(14_000)) as server:
        done = fetch(server, *ALL, "--max", 10)
        assert done.returncode == NEW_GAPS
        assert "not fetched: search all[Filter]: PubMed counts 14,000 records but lists " in done.stderr
        assert fetch(server, *ALL, "--max", 10).returncode == DONE


def test_records_of_another_query_are_not_fetched_again(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    with serve(small_archive) as server:
        fetch(server, "--query", "health")
        earlier_counts = server.log.fetch_counts()
        assert 0 < len(earlier_counts) < len(small_archive)
        assert fetch(server, *ALL).returncode == DONE
        assert set(server.log.fetch_counts().values()) == {1}
    assert pmids(lake) == sorted(small_archive.pmids)
