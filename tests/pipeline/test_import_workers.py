"""Several processes that import into one lake give the same result as a single one."""

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
from litmine.lake.articles import list_parts
from litmine.lake.import_log import ImportedFile
from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock
from litmine.pipeline.import_files import import_files
from litmine.types import READER_VERSION

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]

# Starts a command in a new process group, as a terminal does.
NEW_GROUP = (sys.executable, "-c", "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])")
AS_OF = ("--as-of", "2026-01-01")


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four baseline files, and four update files that revise, repeat and delete their PMIDs."""
    folder = tmp_path_factory.mktemp("inbox")
    rng = random.Random(3)
    for number in (1, 2, 3, 4, 1335, 1336, 1337, 1338):
        pmids = range((number - 1) * 60 + 1, number * 60 + 1) if number < 5 else sorted(rng.sample(range(1, 300), 90))
        records = "".join(
            f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Article><ArticleTitle>title {rng.randint(1, 3)}"
            "</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
            for pmid in pmids
        )
        deleted = "".join(f"<PMID>{rng.randint(1, 300)}</PMID>" for _ in range(9)) if number > 4 else ""
        content = f"<PubmedArticleSet>{records}<DeleteCitation>{deleted}</DeleteCitation></PubmedArticleSet>"
        (folder / f"pubmed26n{number:04}.xml.gz").write_bytes(gzip.compress(content.encode()))
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> pa.Table:
    """The articles as one process imports them."""
    lake = tmp_path_factory.mktemp("single")
    assert import_files(lake, [inbox], part_size=20).files == 8
    return articles(lake)


def articles(lake: Path) -> pa.Table:
    return Lake(lake).sql("select * from articles order by pmid")


def check(lake: Path, expected: pa.Table) -> None:
    """Check that the articles are as expected, and that each version is stored and each text marked as new once."""
    assert articles(lake).equals(expected)
    for columns, condition in (("(pmid, record_hash)", "not repeated"), ("(pmid, text_hash)", "new_text")):
        query = f"select count(*), count(distinct {columns}) from article_versions where {condition}"
        ((rows, distinct),) = Lake(lake).rows(query)
        assert rows == distinct > 0
    unmarked = "select pmid, text_hash from article_versions where text_hash is not null group by all"
    assert Lake(lake).rows(f"select count(*) from ({unmarked} having count(*) filter (new_text) = 0)") == [(0,)]


def total_counts(lake: Path) -> dict[str, int]:
    """The sum of the counts of all runs."""
    total: dict[str, int] = {}
    for (counts,) in Lake(lake).rows("select counts from runs"):
        for name, count in counts:
            total[name] = total.get(name, 0) + count
    return total


def adds_up(counts: dict[str, int]) -> bool:
    outcomes = ("new", "revised", "repeated", "deletions", "unchanged", "superseded")
    return counts["read"] == sum(counts[name] for name in outcomes)


def test_commands_may_import_the_same_files_at_once(
    start: Start, tmp_path: Path, inbox: Path, expected: pa.Table
) -> None:
    lake = Lake.create(tmp_path / "lake").path
    orders = [sorted(inbox.iterdir()), sorted(inbox.iterdir(), reverse=True), [inbox]]
    processes = [start("import", *paths, "--lake", lake, "--part-size", 7) for paths in orders]
    for process in processes:
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == DONE, stderr
    check(lake, expected)
    assert Lake(lake).rows("select count(*) from files") == [(8,)]
    counts = total_counts(lake)
    assert adds_up(counts)
    assert counts["files"] == 8
    assert import_files(lake, [inbox]).skipped == 8


def test_commands_may_import_the_same_undated_files_at_once(start: Start, tmp_path: Path) -> None:
    """Undated files are not claimed, so every process reads all records."""
    lake = Lake.create(tmp_path / "lake").path
    lines = [json.dumps({"pmid": pmid, "title": f"title {pmid}"}) for pmid in range(1, 200)]
    (tmp_path / "some.jsonl").write_text("\n".join(lines))
    (tmp_path / "same.jsonl").write_text("\n".join(reversed(lines)))
    paths = (tmp_path / "some.jsonl", tmp_path / "same.jsonl")
    processes = [start("import", *order, "--lake", lake, "--part-size", 5) for order in (paths, paths[::-1], paths)]
    for process in processes:
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == DONE, stderr
    counts = total_counts(lake)
    assert adds_up(counts)
    assert (counts["new"], counts["texts"]) == (199, 199)
    assert Lake(lake).rows("select count(*), count(distinct title) from articles") == [(199, 199)]


def test_workers_import_what_one_process_imports(run: Run, tmp_path: Path, inbox: Path, expected: pa.Table) -> None:
    lake = tmp_path / "lake"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad.xml").write_bytes(b"<nothing/>")
    command = ("import", inbox, tmp_path / "more", "--lake", lake, "--part-size", 7, "--workers", 3)
    first, second = run(*command), run(*command)
    assert (first.returncode, second.returncode) == (NEW_GAPS, DONE), "the second run has no new gap"
    total, gap = first.stderr.splitlines()
    assert total.endswith(" (636 records from 9 files)")
    assert f"could not be read: {tmp_path / 'more' / 'bad.xml'}: The XML has the root element <nothing>" in gap
    assert "8 files skipped: already imported" in second.stderr
    assert "could not be read (reported before): " in second.stderr
    check(lake, expected)
    logged = Lake(lake).rows("select outcome, parameters['workers'], counts['files'] from runs order by started")
    assert logged == [("gaps", "3", 9)]
    assert adds_up(total_counts(lake))


def test_a_killed_worker_gives_one_sentence(tmp_path: Path, inbox: Path, expected: pa.Table) -> None:
    lake = tmp_path / "lake"

    def kill(_: int) -> None:
        victim = active_children()[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)

    with pytest.raises(
        LitmineError, match="one of the import's processes was killed by signal 9; finished work is kept"
    ):
        import_files(lake, [inbox], part_size=7, workers=2, on_progress=kill)
    assert active_children() == []
    assert Lake(lake).rows("select outcome from runs") == [("failed",)]
    import_files(lake, [inbox], part_size=7, workers=2)
    check(lake, expected)


def test_an_error_in_a_worker_ends_the_import(tmp_path: Path, inbox: Path) -> None:
    lake = Lake.create(tmp_path / "lake").path
    (lake / "articles" / "damaged.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(LitmineError, match=r"damaged\.parquet is damaged \("):
        import_files(lake, [inbox], workers=2)
    assert active_children() == []


def test_ctrl_c_in_a_terminal_ends_all_processes(
    start: Start, tmp_path: Path, sample_data: Path, pause_before: Callable[..., Any]
) -> None:
    """Every process of the group receives the signal."""
    lake, sixth_part = tmp_path / "lake", pause_before("*/articles/[!_]*.parquet", 5)
    command = ("import", sample_data / "pubmed", "--lake", lake, "--part-size", 2, *AS_OF)
    process = start(*command, "--workers", 2, before=NEW_GROUP, **sixth_part.environment)
    sixth_part.wait(process)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    assert stderr.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert list(lake.rglob("*.tmp*")) == []
    assert Lake(lake).rows("select command, outcome from runs") == [("import", "interrupted")]


def lock_file(file: Path) -> str:
    return f"file-{md5(file.read_bytes(), usedforsecurity=False).hexdigest()[:3]}"


def wait_for_file(process: Popen[Any], lake: Path, name: str) -> None:
    """Wait until the file is imported or the process has ended."""
    while process.poll() is None and not Lake(lake).rows(f"select 1 from files where name = '{name}'"):
        time.sleep(0.02)


@pytest.mark.parametrize("finished", [True, False])
def test_a_file_claimed_by_another_process_is_tried_again(start: Start, tmp_path: Path, finished: bool) -> None:
    lake = Lake.create(tmp_path / "lake")
    claimed, free = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    for pmid, path in enumerate((claimed, free), 1):
        path.write_text(json.dumps({"pmid": pmid, "title": "title"}) + "\n")
    with hold_lock(lake.path, lock_file(claimed)):
        process = start("import", claimed, free, "--lake", lake.path, *AS_OF)
        wait_for_file(process, lake.path, "2.jsonl")
        assert process.poll() is None
        assert lake.rows("select pmid from articles") == [(2,)]
        if finished:
            digest = md5(claimed.read_bytes(), usedforsecurity=False).hexdigest()
            as_of = datetime(2026, 1, 1, tzinfo=UTC)
            lake.record_imported_file(ImportedFile("1.jsonl", 1, digest, as_of, READER_VERSION, 1, 0, 0, [], as_of))
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == DONE
    if finished:
        assert stderr.startswith("1 new (1 record from 1 file)\n")
        assert stderr.endswith("\n1 file skipped: already imported\n")
    else:
        assert stderr == "2 new (2 records from 2 files)\n"
        assert lake.rows("select pmid from articles order by 1") == [(1,), (2,)]


def test_ctrl_c_while_waiting_for_a_lock(start: Start, tmp_path: Path, sample_data: Path) -> None:
    lake = Lake.create(tmp_path / "lake").path
    file = sample_data / "pubmed" / "medline16n0902.xml.gz"
    with hold_lock(lake, "import"):
        process = start("import", file, "--lake", lake)
        while process.poll() is None and not (lake / ".locks" / lock_file(file)).exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert stderr.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert list_parts(lake) == []
