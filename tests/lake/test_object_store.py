"""A lake in an object store works as one in a folder. Tested against moto, an S3 server on the loopback interface."""

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
from litmine.discovery.rules import DiscoveryRules
from litmine.errors import DONE, FAILED, LakeError, LakeLockedError, QueryError, SettingError
from litmine.lake.concept_parts import concept_folder
from litmine.lake.file_writer import write_atomically, write_bytes
from litmine.lake.lock import hold_lock
from litmine.lake.object_store import ObjectPath, s3_filesystem
from litmine.lake.parquet import read_footer
from litmine.lake.paths import LakePath, local_folder, parse_lake_path
from litmine.lake.views import connect
from litmine.types import SourceRecord
from tests.fixtures.written_concepts import CONCEPTS, add_twenty

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
MakeRecord = Callable[..., SourceRecord]
SECRET = "a-secret-that-is-never-printed"


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[str]]:
    """The number of requests by method to an S3 server with the bucket `bucket`, which the environment points to."""
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    counts: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        # The server sends a response in two packets; Nagle's algorithm would delay the second one.
        patch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True, raising=False)
        patch.setattr(WSGIRequestHandler, "log_request", lambda handler, *_: counts.update([handler.command]))
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("LITMINE_HOME", str(tmp_path_factory.mktemp("home")))
        s3_filesystem.cache_clear()
        s3_filesystem().mkdir("bucket")
        yield counts
        server.stop()
        s3_filesystem.cache_clear()


@pytest.fixture
def url(requests: Counter[str], request: pytest.FixtureRequest) -> str:
    """A URL, named after the test, that has no lake yet."""
    requests.clear()
    return f"s3://bucket/{re.sub('[^a-z0-9]+', '-', request.node.name)}"


@pytest.fixture(params=["folder", "store"])
def root(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> LakePath:
    """An empty local folder, and an empty prefix in the object store."""
    return parse_lake_path(tmp_path) if request.param == "folder" else parse_lake_path(url)


def test_object_paths_behave_like_local_paths(root: LakePath) -> None:
    names = ["articles/a.parquet", "articles/b.parquet", "entities/model=x%2Fy@1/a.parquet"]
    before = time.time()
    assert list(root.glob("*/*.parquet")) == []
    assert all(write_bytes(root / name, name.encode()) for name in names)
    a = root / "articles" / "a.parquet"
    assert (a.name, a.stem, a.parent) == ("a.parquet", "a", root / "articles")
    assert (a.exists(), a.is_file(), a.parent.is_dir(), a.parent.is_file()) == (True, True, True, False)
    assert sorted(root.glob("articles/*.parquet")) == [a, root / "articles" / "b.parquet"]
    assert [str(path) for path in sorted(root.glob("*/*/*.parquet"))] == [f"{root}/{names[2]}"]
    assert [str(path) for path in sorted(root.rglob("a.parquet"))] == [f"{root}/{names[0]}", f"{root}/{names[2]}"]
    assert sorted(path.name for path in root.iterdir()) == ["articles", "entities"]
    assert [path.name for path in (root / "entities").glob("model=*")] == ["model=x%2Fy@1"]
    assert list((root / "nothing").glob("*.parquet")) == []
    assert not (root / "nothing").is_dir()
    assert {path.stat().st_size for path in root.glob("articles/*")} == {a.stat().st_size} == {len(names[0])}
    assert before - 1 <= a.stat().st_mtime <= time.time() + 1

    assert not write_bytes(a, b"second", exclusive=True)
    assert a.read_bytes() == names[0].encode()
    assert write_atomically(a, lambda path: path.write_bytes(b"other"))
    assert a.read_bytes() == b"other"
    a.unlink()
    a.unlink(missing_ok=True)
    assert not a.exists()
    for fails in (a.read_bytes, a.stat):
        with pytest.raises(FileNotFoundError):
            fails()


@pytest.mark.parametrize(
    "url",
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
def test_an_invalid_url_is_refused(run: Run, url: str) -> None:
    with pytest.raises(SettingError, match="s3://bucket/prefix"):
        parse_lake_path(url)
    ran = run("status", "--lake", url)
    assert (ran.returncode, "s3://bucket/prefix" in " ".join(ran.stderr.split())) == (2, True)


@pytest.fixture
def filled_lake(url: str, make_record: MakeRecord) -> Lake:
    """A lake with three articles, and objects outside it that no query may read."""
    lake = Lake.create(url)
    lake.add([make_record(0, pmid, f"title {pmid}", "abstract") for pmid in (1, 2, 3)], source="a", dated=True)
    for beside in ("s3://bucket/secret.csv", f"{url}2/secret.csv"):
        ObjectPath(beside).write_bytes(b"a\n1\n")
    return lake


def bucket_content() -> dict[str, bytes]:
    return {path.url: path.read_bytes() for path in ObjectPath("s3://bucket").rglob("*")}


def query_rows(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; none if it is refused."""
    try:
        return lake.rows(query)
    except QueryError:
        return []


def test_a_query_reads_only_its_lake_and_cannot_write(filled_lake: Lake) -> None:
    lake, part = filled_lake.location, next(iter(filled_lake.location.glob("articles/a-*.parquet")))
    before = bucket_content()
    assert filled_lake.rows("select count(*), max(title) from articles") == [(3, "title 3")]
    assert filled_lake.rows(f"select count(*) from read_parquet('{part}')") == [(3,)]
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
        assert query_rows(filled_lake, query) == [], query
    assert bucket_content() == before


def test_duckdb_can_only_read_the_lake_even_without_the_sandbox(filled_lake: Lake) -> None:
    before = bucket_content()
    with connect(filled_lake.location) as connection:
        for path in (f"{filled_lake.location}/articles/x.parquet", "s3://bucket/x.parquet"):
            with pytest.raises(Exception, match="a query cannot write files"):
                connection.execute(f"copy (select 1 as a) to '{path}' (format parquet)")
        for path in ("s3://bucket/secret.csv", f"{filled_lake.location}/../secret.csv"):
            assert connection.execute(f"select content from read_text('{path}')").fetchall() == []
        query = f"select count(content) from read_text('{filled_lake.location}/lake.json')"
        assert connection.execute(query).fetchall() == [(1,)]
    assert bucket_content() == before


def test_a_query_takes_three_listings_and_one_request_per_file(filled_lake: Lake, requests: Counter[str]) -> None:
    requests.clear()
    assert filled_lake.rows("select count(*) from articles join article_versions using (pmid)") == [(3,)]
    files = len(list(filled_lake.location.glob("articles/*.parquet")))
    # Three listings: live files, merge notes, and the files that DuckDB can read.
    assert requests["GET"] <= 3 + files + 1
    assert set(requests) == {"GET"}
    requests.clear()
    assert read_footer(filled_lake.part(filled_lake.parts()[0]))["rows"] == 3
    assert sum(requests.values()) == 3  # article parts, merge notes, and one footer


def test_a_damaged_object_is_named(filled_lake: Lake) -> None:
    part = filled_lake.part(filled_lake.parts()[0])
    whole = part.read_bytes()
    assert isinstance(part, ObjectPath)
    part.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LakeError, match=f"{re.escape(str(part))} is damaged"):
        filled_lake.rows("select sum(length(text)) from articles")


def test_concepts_are_kept_on_this_machine(url: str) -> None:
    lake = Lake.create(url)
    add_twenty(lake)
    query = "SELECT first_id, second_id, articles FROM concept_pairs ORDER BY articles DESC, first_id LIMIT 1"
    assert lake.rows(query) == [("MESH:D0001", "MESH:D0002", 4)]
    assert len(lake.rows("FROM concepts")) == len(CONCEPTS)
    kept = concept_folder(lake.location)
    assert kept.is_relative_to(local_folder(lake.location))
    assert list(kept.glob("pairs-*.parquet"))
    links = lake.discover("MESH:D0001", "MESH:D0003", rules=DiscoveryRules(1.0, 1, 1)).column("link_id").to_pylist()
    assert sorted(links) == ["MESH:D0002", "MESH:D0005", "MESH:D0007"]
    assert not list(lake.location.glob("concepts/*"))


def test_locks_are_local_to_this_machine(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = parse_lake_path(url)
    lock_folder = local_folder(lake)
    assert lock_folder.is_relative_to(os.environ["LITMINE_HOME"])
    with (
        hold_lock(lake, "import"),
        pytest.raises(LakeLockedError, match="another litmine import is writing to s3://"),
        hold_lock(lake, "import"),
    ):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert local_folder(lake) != lock_folder
    assert local_folder(parse_lake_path(tmp_path)) == tmp_path


def test_an_unreachable_store_is_reported_in_one_sentence(
    run: Run, url: str, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml"

    def error_message(*arguments: object) -> str:
        ran = run(*arguments)
        *notes, last = ran.stderr.splitlines()
        assert (ran.returncode, ran.stdout, last[:9]) == (FAILED, "", "litmine: "), ran.stderr
        assert all(note.startswith("note: ") for note in notes)
        assert SECRET not in ran.stderr
        return last

    assert "there is no lake at " in error_message("status", "--lake", url)
    assert "does not exist" in error_message("import", sample, "--lake", "s3://no-such-bucket/lake")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        s3_filesystem.cache_clear()
        assert "cannot be accessed (Could not connect" in error_message("status", "--lake", url)
    with monkeypatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.delenv(name)
        patch.setenv("HOME", "/nonexistent")
        s3_filesystem.cache_clear()
        assert "Unable to locate credentials" in error_message("import", sample, "--lake", url)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "s3fs", None)
        s3_filesystem.cache_clear()
        assert "pip install 'litmine[s3]'" in error_message("status", "--lake", url)
    s3_filesystem.cache_clear()


def view_rows(lake: Lake, view: str) -> list[tuple[Any, ...]]:
    """The rows of a view, without the import time of undated files, which differs between lakes."""
    columns = "* exclude (as_of)" if view == "articles" else "* exclude (score), score"
    return lake.rows(f"select {columns} from {view} order by all")


def equal_rows(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> bool:
    """Compare rows whose last column may be a score; its last digits depend on how texts were batched."""
    digits = [[row[-1] if isinstance(row[-1], float) else 0.0 for row in rows] for rows in (left, right)]
    rest = [[row[:-1] if isinstance(row[-1], float) else row for row in rows] for rows in (left, right)]
    return rest[0] == rest[1] and digits[0] == pytest.approx(digits[1], abs=1e-5)


def wait_for_files(lake: Lake, pattern: str, count: int, process: Popen[Any]) -> None:
    """Wait until `count` files match the pattern, or the process has ended."""
    while len(list(lake.location.glob(pattern))) < count and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.soak)])
def test_runs_killed_at_any_time_can_be_resumed(
    run: Run,
    start: Start,
    url: str,
    imported_lake: Path,
    annotated_lake: Path,
    sample_data: Path,
    tiny_model: Path,
    kills: int,
) -> None:
    """Import and annotate, killed repeatedly, give the same rows as an undisturbed run in a local folder."""
    files = [sample_data / "pubmed" / "medline16n0902.xml.gz", imported_lake.parent / "invented.jsonl"]
    part_size, max_count = (20, 5) if kills == 1 else (4, 20)
    import_files = ("import", *files, "--part-size", part_size, "--lake", url)
    annotate = ("annotate", "--task", "ner", "--model", tiny_model, "--precision", "float32", "--lake", url)
    rng = random.Random(kills)
    lake = Lake.create(url)
    for command, pattern in ((import_files, "articles/*.parquet"), (annotate, "entities/model=tiny@*/*.parquet")):
        for count in sorted(rng.sample(range(1, max_count), kills)):
            process = start(*command)
            wait_for_files(lake, pattern, count, process)
            process.kill()
            process.communicate()
        ran = run(*command)
        assert ran.returncode == DONE, ran.stderr
    undisturbed = Lake(annotated_lake)
    for view in ("articles", "entities"):
        assert equal_rows(view_rows(lake, view), view_rows(undisturbed, view))
    assert run(*annotate).stderr.startswith("nothing to do")


def test_compaction_keeps_rows_and_deletes_replaced_objects(run: Run, url: str, make_record: MakeRecord) -> None:
    """Compaction changes no row. It deletes replaced objects when the grace period has passed."""
    lake = Lake.create(url)
    for pmid in range(1, 11):
        lake.add([make_record(0, pmid, f"title {pmid}", "abstract")], source=f"source-{pmid}", dated=True)
    before = view_rows(lake, "articles")
    assert len(before) == len(lake.parts()) == 10
    for grace in ("6", "0"):
        ran = run("compact", "--grace", grace, "--lake", url)
        assert ran.returncode == DONE, ran.stderr
        assert view_rows(lake, "articles") == before
    assert len(lake.parts()) == 1
    assert len(list(lake.location.glob("articles/*.parquet"))) == 2


def test_every_command_works_on_an_object_store(
    run: Run, url: str, sample_data: Path, tiny_model: Path, rule_reader: Path
) -> None:
    sample = sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml"
    ran = run("import", sample, "--lake", url)
    assert ran.returncode == DONE
    assert "two machines" in ran.stderr
    assert "two machines" not in run("import", sample, "--lake", url).stderr
    for command in (
        ("annotate", "--model", tiny_model, "--terms", sample_data / "watchlist.tsv"),
        ("annotate", "--model", tiny_model),
        ("models", "use", tiny_model),
        ("ask", "What causes an allergy to penicillin?", "--reader", rule_reader),
        ("status",),
        ("sql", "from coverage"),
        ("export", "--format", "jsonl"),
        ("doctor", "--deep"),
    ):
        ran = run(*command, "--lake", url)
        assert ran.returncode == DONE, ran.stderr
    assert "2 current in 1 part" in run("status", "--lake", url).stdout
    assert not ObjectPath(url).is_file()
    assert {path.name for path in ObjectPath(url).iterdir()} == {
        "lake.json", "abbreviations", "articles", "entities", "files", "labels", "links", "questions", "readings",
        "replaced", "registered_trials", "relations", "retrieved", "runs", "sentences", "terms", "trial_mentions",
        "vocabularies"
    }  # fmt: skip
    assert {path.name for path in local_folder(parse_lake_path(url)).iterdir()} == {".locks", "search"}
    shutil.rmtree(local_folder(parse_lake_path(url)))
