"""A lake on an object store is what it is in a folder: against moto, an S3 server on the loopback interface."""

import os
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED, LakeError, LakeLockedError, QueryError, SettingError
from litmine.lake.file_writer import write_bytes, write_whole
from litmine.lake.lock import exclusive
from litmine.lake.object_store import ObjectPath, store
from litmine.lake.parquet import read_footer
from litmine.lake.paths import Place, desk, place
from litmine.lake.views import connect
from litmine.types import SourceRecord

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
Seen = Callable[..., SourceRecord]
SECRET = "a-secret-that-nobody-prints"


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[str]]:
    """A server with the bucket `bucket`, named by the environment, and the methods of the requests that it got."""
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    counted: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        # An answer goes out in two pieces: the second would wait for a word about the first.
        patch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True, raising=False)
        patch.setattr(WSGIRequestHandler, "log_request", lambda handler, *_: counted.update([handler.command]))
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("LITMINE_HOME", str(tmp_path_factory.mktemp("home")))
        store.cache_clear()
        store().mkdir("bucket")
        yield counted
        server.stop()
        store.cache_clear()


@pytest.fixture
def url(requests: Counter[str], request: pytest.FixtureRequest) -> str:
    """Where there is no lake yet, named after the test."""
    requests.clear()
    return f"s3://bucket/{re.sub('[^a-z0-9]+', '-', request.node.name)}"


@pytest.fixture(params=["folder", "store"])
def spot(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Place:
    """A place of either kind."""
    return place(tmp_path) if request.param == "folder" else place(url)


def test_a_folder_and_a_store_do_the_same(spot: Place) -> None:
    names = ["articles/a.parquet", "articles/b.parquet", "entities/model=x%2Fy@1/a.parquet"]
    before = time.time()
    assert list(spot.glob("*/*.parquet")) == []
    assert all(write_bytes(spot / name, name.encode()) for name in names)
    a = spot / "articles" / "a.parquet"
    assert (a.name, a.stem, a.parent) == ("a.parquet", "a", spot / "articles")
    assert (a.exists(), a.is_file(), a.parent.is_dir(), a.parent.is_file()) == (True, True, True, False)
    assert sorted(spot.glob("articles/*.parquet")) == [a, spot / "articles" / "b.parquet"]
    assert [str(path) for path in sorted(spot.glob("*/*/*.parquet"))] == [f"{spot}/{names[2]}"]
    assert [str(path) for path in sorted(spot.rglob("a.parquet"))] == [f"{spot}/{names[0]}", f"{spot}/{names[2]}"]
    assert sorted(path.name for path in spot.iterdir()) == ["articles", "entities"]
    assert [path.name for path in (spot / "entities").glob("model=*")] == ["model=x%2Fy@1"]
    assert list((spot / "nothing").glob("*.parquet")) == []
    assert not (spot / "nothing").is_dir()
    assert {path.stat().st_size for path in spot.glob("articles/*")} == {a.stat().st_size} == {len(names[0])}
    assert before - 1 <= a.stat().st_mtime <= time.time() + 1

    assert not write_bytes(a, b"second", exclusive=True)
    assert a.read_bytes() == names[0].encode()
    assert write_whole(a, lambda path: path.write_bytes(b"other"))
    assert a.read_bytes() == b"other"
    a.unlink()
    a.unlink(missing_ok=True)
    assert not a.exists()
    for fails in (a.read_bytes, a.stat):
        with pytest.raises(FileNotFoundError):
            fails()


@pytest.mark.parametrize(
    "wrong",
    [
        "s3://",
        "s3://b",
        "gs://bucket/x",
        "s3://key:word@bucket/x",
        "s3://bucket/a/../b",
        "s3://bucket/*",
        "s3://bucket//x",
    ],
)
def test_a_url_that_is_no_place(run: Run, wrong: str) -> None:
    with pytest.raises(SettingError, match="s3://bucket/prefix"):
        place(wrong)
    ran = run("status", "--lake", wrong)
    assert (ran.returncode, "s3://bucket/prefix" in " ".join(ran.stderr.split())) == (2, True)


@pytest.fixture
def kept(url: str, seen: Seen) -> Lake:
    """Three articles, and objects beside the lake that no query may see."""
    lake = Lake.create(url)
    lake.add([seen(0, pmid, f"title {pmid}", "abstract") for pmid in (1, 2, 3)], source="a", dated=True)
    for beside in ("s3://bucket/secret.csv", f"{url}2/secret.csv"):
        ObjectPath(beside).write_bytes(b"a\n1\n")
    return lake


def state() -> dict[str, bytes]:
    return {path.url: path.read_bytes() for path in ObjectPath("s3://bucket").rglob("*")}


def answered(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    """What a query gives; nothing when it is refused."""
    try:
        return lake.rows(query)
    except QueryError:
        return []


def test_a_query_reads_this_lake_and_writes_nothing(kept: Lake) -> None:
    lake, part = kept.place, next(iter(kept.place.glob("articles/a-*.parquet")))
    before = state()
    assert kept.rows("select count(*), max(title) from articles") == [(3, "title 3")]
    assert kept.rows(f"select count(*) from read_parquet('{part}')") == [(3,)]
    for query in (
        f"copy (select 1 as a) to '{part}' (format parquet)",
        f"with x as (copy (select 1 as a) to '{part}' (format parquet)) select * from x",
        f"with x as (copy (select 1 as a) to '{lake}/new.csv') from x",
        f"attach '{lake}/new.duckdb' as x",
        "from read_text('s3://bucket/secret.csv')",
        "from 's3://bucket/secret.csv'",
        f"from read_text('{lake}2/secret.csv')",
        f"from read_text('{lake}/../secret.csv')",
        f"from read_text('{lake}/articles/../../secret.csv')",
        f"from read_text('{lake}/..%2Fsecret.csv')",
        "from read_text('s3a://bucket/secret.csv')",
        "from read_text('S3://bucket/secret.csv')",
        "from read_text('/etc/passwd')",
        "from glob('s3://bucket/*')",
        f"from glob('{lake}/../*')",
        "from duckdb_secrets()",
    ):
        assert answered(kept, query) == [], query
    assert state() == before


def test_without_the_sandbox_duckdb_has_one_lake_to_read_and_nothing_to_write(kept: Lake) -> None:
    before = state()
    with connect(kept.place) as connection:
        for place_ in (f"{kept.place}/articles/x.parquet", "s3://bucket/x.parquet"):
            with pytest.raises(Exception, match="a query writes nothing"):
                connection.execute(f"copy (select 1 as a) to '{place_}' (format parquet)")
        for place_ in ("s3://bucket/secret.csv", f"{kept.place}/../secret.csv"):
            assert connection.execute(f"select content from read_text('{place_}')").fetchall() == []
        assert connection.execute(f"select count(content) from read_text('{kept.place}/lake.json')").fetchall() == [
            (1,)
        ]
    assert state() == before


def test_a_query_costs_three_listings_and_a_request_a_file(kept: Lake, requests: Counter[str]) -> None:
    requests.clear()
    assert kept.rows("select count(*) from articles join article_versions using (pmid)") == [(3,)]
    files = len(list(kept.place.glob("articles/*.parquet")))
    # What is there, what replaces what, and what DuckDB may see.
    assert requests["GET"] <= 3 + files + 1
    assert set(requests) == {"GET"}
    requests.clear()
    assert read_footer(kept.part(kept.parts()[0]))["rows"] == 3
    assert sum(requests.values()) == 3  # the parts, what replaces them, a footer


def test_damage_is_named(kept: Lake) -> None:
    part = kept.part(kept.parts()[0])
    whole = part.read_bytes()
    assert isinstance(part, ObjectPath)
    part.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LakeError, match=f"{re.escape(str(part))} is damaged"):
        kept.rows("select sum(length(text)) from articles")


def test_locks_are_this_machines(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = place(url)
    here = desk(lake)
    assert here.is_relative_to(os.environ["LITMINE_HOME"])
    with (
        exclusive(lake, "import"),
        pytest.raises(LakeLockedError, match="another litmine import is writing to s3://"),
        exclusive(lake, "import"),
    ):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert desk(lake) != here
    assert desk(place(tmp_path)) == tmp_path


def test_what_cannot_be_reached_is_one_sentence(
    run: Run, url: str, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml"

    def sentence(*words: object) -> str:
        ran = run(*words)
        *notes, last = ran.stderr.splitlines()
        assert (ran.returncode, ran.stdout, last[:9]) == (FAILED, "", "litmine: "), ran.stderr
        assert all(note.startswith("note: ") for note in notes)
        assert SECRET not in ran.stderr
        return last

    assert "is not a litmine lake" in sentence("status", "--lake", url)
    assert "does not exist" in sentence("import", sample, "--lake", "s3://no-such-bucket/lake")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        store.cache_clear()
        assert "cannot be had (Could not connect" in sentence("status", "--lake", url)
    with monkeypatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.delenv(name)
        patch.setenv("HOME", "/nonexistent")
        store.cache_clear()
        assert "Unable to locate credentials" in sentence("import", sample, "--lake", url)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "s3fs", None)
        store.cache_clear()
        assert "pip install 'litmine[s3]'" in sentence("status", "--lake", url)
    store.cache_clear()


def rows(lake: Lake, view: str) -> list[tuple[Any, ...]]:
    """What a view shows; the time of an import of undated files is its own."""
    columns = "* exclude (as_of)" if view == "articles" else "* exclude (score), score"
    return lake.rows(f"select {columns} from {view} order by all")


def same(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> bool:
    """Equal, but for the last digits of a score, which stands last: texts are computed beside other ones."""
    digits = [[row[-1] if isinstance(row[-1], float) else 0.0 for row in rows] for rows in (left, right)]
    rest = [[row[:-1] if isinstance(row[-1], float) else row for row in rows] for rows in (left, right)]
    return rest[0] == rest[1] and digits[0] == pytest.approx(digits[1], abs=1e-5)


def stands(lake: Lake, table: str, least: int, process: Popen[Any]) -> None:
    """Wait until so many files stand, or the run is over."""
    while len(list(lake.place.glob(table))) < least and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.soak)])
def test_kill_at_any_moment(
    run: Run,
    start: Start,
    url: str,
    imported_lake: Path,
    annotated_lake: Path,
    sample_data: Path,
    tiny_model: Path,
    kills: int,
) -> None:
    """Import and annotate, killed again and again, leave what an undisturbed run in a folder leaves."""
    files = [sample_data / "pubmed" / "medline16n0902.xml.gz", imported_lake.parent / "made.jsonl"]
    part_size, fewest = (20, 5) if kills == 1 else (4, 20)
    bring = ("import", *files, "--part-size", part_size, "--lake", url)
    read = ("annotate", "--model", tiny_model, "--precision", "float32", "--lake", url)
    chance = random.Random(kills)
    lake = Lake.create(url)
    for words, table in ((bring, "articles/*.parquet"), (read, "entities/model=tiny@*/*.parquet")):
        for least in sorted(chance.sample(range(1, fewest), kills)):
            process = start(*words)
            stands(lake, table, least, process)
            process.kill()
            process.communicate()
        ran = run(*words)
        assert ran.returncode == DONE, ran.stderr
    undisturbed = Lake(annotated_lake)
    for view in ("articles", "entities"):
        assert same(rows(lake, view), rows(undisturbed, view))
    assert run("annotate", "--model", tiny_model, "--lake", url).stderr.startswith("nothing to do")


def test_merged_parts(run: Run, url: str, seen: Seen) -> None:
    """Compaction changes no row, deletes what it replaced, and leaves a lake in order."""
    lake = Lake.create(url)
    for pmid in range(1, 11):
        lake.add([seen(0, pmid, f"title {pmid}", "abstract")], source=f"source-{pmid}", dated=True)
    before = rows(lake, "articles")
    assert len(before) == len(lake.parts()) == 10
    for grace in ("6", "0"):
        ran = run("compact", "--grace", grace, "--lake", url)
        assert ran.returncode == DONE, ran.stderr
        assert rows(lake, "articles") == before
    assert len(lake.parts()) == 1
    assert len(list(lake.place.glob("articles/*.parquet"))) == 2


def test_a_working_day(run: Run, url: str, sample_data: Path, tiny_model: Path, rule_reader: Path) -> None:
    sample = sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml"
    ran = run("import", sample, "--lake", url)
    assert ran.returncode == DONE
    assert "two machines" in ran.stderr
    assert "two machines" not in run("import", sample, "--lake", url).stderr
    for words in (
        ("annotate", "--model", tiny_model),
        ("models", "use", tiny_model),
        ("ask", "What causes an allergy to penicillin?", "--reader", rule_reader),
        ("status",),
        ("sql", "from coverage"),
        ("export", "--format", "jsonl"),
        ("doctor", "--deep"),
    ):
        ran = run(*words, "--lake", url)
        assert ran.returncode == DONE, ran.stderr
    assert "1 of 1 parts" in run("status", "--lake", url).stdout
    assert not ObjectPath(url).is_file()
    assert {path.name for path in ObjectPath(url).iterdir()} == {
        "lake.json", "articles", "entities", "files", "questions", "readings", "replaced", "retrieved", "runs"
    }  # fmt: skip
    assert {path.name for path in desk(place(url)).iterdir()} == {".locks", "search"}
    shutil.rmtree(desk(place(url)))
