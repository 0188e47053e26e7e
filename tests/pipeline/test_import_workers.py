"""Several processes at one lake: what they import together is what one imports alone."""

import gzip
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from multiprocessing import active_children
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pyarrow as pa
import pytest

from litmine.errors import DONE, INTERRUPTED, NEW_GAPS, LitmineError
from litmine.lake.articles import parts
from litmine.lake.import_log import ImportedFile
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive
from litmine.pipeline.import_files import ingest
from litmine.sources.files import READER_VERSION

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]

# A process group of its own, as a terminal gives.
GROUP = (sys.executable, "-c", "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])")
AS_OF = ("--as-of", "2026-01-01")


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline of four files, and four updates that revise, repeat and delete: each PMID stands in several."""
    folder = tmp_path_factory.mktemp("inbox")
    chance = random.Random(3)
    for number in (1, 2, 3, 4, 1335, 1336, 1337, 1338):
        pmids = (
            range((number - 1) * 60 + 1, number * 60 + 1) if number < 5 else sorted(chance.sample(range(1, 300), 90))
        )
        records = "".join(
            f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Article><ArticleTitle>title {chance.randint(1, 3)}"
            "</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
            for pmid in pmids
        )
        gone = "".join(f"<PMID>{chance.randint(1, 300)}</PMID>" for _ in range(9)) if number > 4 else ""
        whole = f"<PubmedArticleSet>{records}<DeleteCitation>{gone}</DeleteCitation></PubmedArticleSet>"
        (folder / f"pubmed26n{number:04}.xml.gz").write_bytes(gzip.compress(whole.encode()))
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> pa.Table:
    """The articles as one process imports them."""
    lake = tmp_path_factory.mktemp("alone")
    assert ingest(lake, [inbox], part_size=20).files == 8
    return articles(lake)


def articles(lake: Path) -> pa.Table:
    return Lake(lake).sql("select * from articles order by pmid")


def check(lake: Path, alone: pa.Table) -> None:
    """The same view, each version's content once, each text new once."""
    assert articles(lake).equals(alone)
    for what, where in (("(pmid, record_hash)", "not repeated"), ("(pmid, text_hash)", "new_text")):
        query = f"select count(*), count(distinct {what}) from article_versions where {where}"
        ((rows, distinct),) = Lake(lake).rows(query)
        assert rows == distinct > 0
    unmarked = "select pmid, text_hash from article_versions where text_hash is not null group by all"
    assert Lake(lake).rows(f"select count(*) from ({unmarked} having count(*) filter (new_text) = 0)") == [(0,)]


def summed(lake: Path) -> dict[str, int]:
    """The counts of all runs together."""
    total: dict[str, int] = {}
    for (counts,) in Lake(lake).rows("select counts from runs"):
        for name, count in counts:
            total[name] = total.get(name, 0) + count
    return total


def adds_up(counts: dict[str, int]) -> bool:
    became = ("new", "revised", "repeated", "deletions", "unchanged", "superseded")
    return counts["read"] == sum(counts[name] for name in became)


def test_commands_at_once_over_the_same_files(start: Start, tmp_path: Path, inbox: Path, alone: pa.Table) -> None:
    lake = Lake.create(tmp_path / "lake").path
    orders = [sorted(inbox.iterdir()), sorted(inbox.iterdir(), reverse=True), [inbox]]
    processes = [start("import", *paths, "--lake", lake, "--part-size", 7) for paths in orders]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == DONE, said
    check(lake, alone)
    assert Lake(lake).rows("select count(*) from files") == [(8,)]
    counts = summed(lake)
    assert adds_up(counts)
    assert counts["files"] == 8
    assert ingest(lake, [inbox]).skipped == 8


def test_commands_at_once_over_undated_files(start: Start, tmp_path: Path) -> None:
    """Nobody claims these: the same records arrive from everywhere."""
    lake = Lake.create(tmp_path / "lake").path
    lines = [json.dumps({"pmid": pmid, "title": f"title {pmid}"}) for pmid in range(1, 200)]
    (tmp_path / "some.jsonl").write_text("\n".join(lines))
    (tmp_path / "same.jsonl").write_text("\n".join(reversed(lines)))
    paths = (tmp_path / "some.jsonl", tmp_path / "same.jsonl")
    processes = [start("import", *order, "--lake", lake, "--part-size", 5) for order in (paths, paths[::-1], paths)]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == DONE, said
    counts = summed(lake)
    assert adds_up(counts)
    assert (counts["new"], counts["texts"]) == (199, 199)
    assert Lake(lake).rows("select count(*), count(distinct title) from articles") == [(199, 199)]


def test_workers(run: Run, tmp_path: Path, inbox: Path, alone: pa.Table) -> None:
    lake = tmp_path / "lake"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad.xml").write_bytes(b"<nothing/>")
    words = ("import", inbox, tmp_path / "more", "--lake", lake, "--part-size", 7, "--workers", 3)
    first, second = run(*words), run(*words)
    assert (first.returncode, second.returncode) == (NEW_GAPS, DONE), "the second run's gap is known"
    total, gap = first.stderr.splitlines()
    assert total.startswith("636 records read from 9 files: ")
    assert f"could not be read: {tmp_path / 'more' / 'bad.xml'}: The XML holds <nothing>" in gap
    assert "8 files already imported, skipped" in second.stderr
    assert "could not be read (as an earlier import said): " in second.stderr
    check(lake, alone)
    logged = Lake(lake).rows("select outcome, parameters['workers'], counts['files'] from runs order by started")
    assert logged == [("gaps", "3", 9)]
    assert adds_up(summed(lake))


def test_a_worker_that_dies_is_one_sentence(tmp_path: Path, inbox: Path, alone: pa.Table) -> None:
    lake = tmp_path / "lake"

    def kill(_: int) -> None:
        victim = active_children()[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)

    with pytest.raises(LitmineError, match="one of the import's processes was killed by signal 9; what was finished"):
        ingest(lake, [inbox], part_size=7, workers=2, watch=kill)
    assert active_children() == []
    assert Lake(lake).rows("select outcome from runs") == [("failed",)]
    ingest(lake, [inbox], part_size=7, workers=2)
    check(lake, alone)


def test_what_ends_a_worker_ends_the_import(tmp_path: Path, inbox: Path) -> None:
    lake = Lake.create(tmp_path / "lake").path
    (lake / "articles" / "damaged.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(LitmineError, match=r"damaged\.parquet is damaged \("):
        ingest(lake, [inbox], workers=2)
    assert active_children() == []


def test_ctrl_c_on_a_terminal(start: Start, tmp_path: Path, sample_data: Path, hold: Callable[..., Any]) -> None:
    """Every process of the group hears it."""
    lake, sixth = tmp_path / "lake", hold("*/articles/[!_]*.parquet", 5)
    words = ("import", sample_data / "pubmed", "--lake", lake, "--part-size", 2, *AS_OF)
    process = start(*words, "--workers", 2, before=GROUP, **sixth.environment)
    sixth.wait(process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    assert said.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert list(lake.rglob("*.tmp*")) == []
    assert Lake(lake).rows("select command, outcome from runs") == [("import", "interrupted")]


def lock_file(file: Path) -> str:
    return f"file-{md5(file.read_bytes(), usedforsecurity=False).hexdigest()[:3]}"


def wait_for_file(process: Popen[Any], lake: Path, name: str) -> None:
    """Until that file is in."""
    while process.poll() is None and not Lake(lake).rows(f"select 1 from files where name = '{name}'"):
        time.sleep(0.02)


@pytest.mark.parametrize("finished", [True, False])
def test_a_claimed_file_is_come_back_to(start: Start, tmp_path: Path, finished: bool) -> None:
    lake = Lake.create(tmp_path / "lake")
    claimed, free = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    for pmid, path in enumerate((claimed, free), 1):
        path.write_text(json.dumps({"pmid": pmid, "title": "title"}) + "\n")
    with exclusive(lake.path, lock_file(claimed)):
        process = start("import", claimed, free, "--lake", lake.path, *AS_OF)
        wait_for_file(process, lake.path, "2.jsonl")
        assert process.poll() is None
        assert lake.rows("select pmid from articles") == [(2,)]
        if finished:
            digest = md5(claimed.read_bytes(), usedforsecurity=False).hexdigest()
            as_of = datetime(2026, 1, 1, tzinfo=UTC)
            lake.record_file(ImportedFile("1.jsonl", 1, digest, as_of, READER_VERSION, 1, 0, 0, [], as_of))
    _, said = process.communicate(timeout=60)
    assert process.returncode == DONE
    if finished:
        assert said.startswith("1 records read from 1 file: 1 new, ")
        assert said.endswith("\n1 file already imported, skipped\n")
    else:
        assert said.startswith("2 records read from 2 files: 2 new, ")
        assert lake.rows("select pmid from articles order by 1") == [(1,), (2,)]


def test_ctrl_c_while_waiting(start: Start, tmp_path: Path, sample_data: Path) -> None:
    lake = Lake.create(tmp_path / "lake").path
    file = sample_data / "pubmed" / "medline16n0902.xml.gz"
    with exclusive(lake, "import"):
        process = start("import", file, "--lake", lake)
        while process.poll() is None and not (lake / ".locks" / lock_file(file)).exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert said.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert parts(lake) == []
