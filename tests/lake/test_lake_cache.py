"""The cache of a lake gives what the lake has or nothing, whatever happens to the lake, the cache and its folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake import article_counts, file_metadata, lake_cache, listed_files
from litmine.lake.article_counts import count_articles
from litmine.lake.articles import read_new_texts
from litmine.lake.coverage import read_coverage
from litmine.lake.lake_cache import (
    MIN_FILES,
    are_worth_caching,
    cache_folder,
    delete_old_cache,
    files_digest,
    read_cache,
    read_cached_json,
    write_cache,
    write_cached_json,
)
from litmine.lake.object_store import ObjectPath
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.lake.views import write_catalogue
from litmine.pipeline.compact import compact
from litmine.pipeline.fetch_plan import SOURCE
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, SourceRecord

START = datetime(2025, 1, 1, tzinfo=UTC)
NAMES = {"article-counts", "catalogue", "metadata-articles", "metadata-entities", "superseded-texts"}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lakes of any size have a cache, in a folder of the test."""
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(file_metadata, "_MIN_NEW", {True: 1, False: 1})
    for module in (article_counts, listed_files):
        monkeypatch.setattr(module, "are_worth_caching", lambda files: True)  # noqa: ARG005
    return tmp_path / "home"


def add(lake: Lake, day: int, *titles: tuple[int, str]) -> None:
    """Import records, and write a target with the first word of each text."""
    records = [SourceRecord(Article(pmid, title), START + timedelta(days=day)) for pmid, title in titles]
    (part,) = lake.add(records, source=f"day-{day}", dated=True).parts
    texts = read_new_texts(lake.part(part))
    words = [text.split()[0] for text in texts.texts]
    rows = entity_rows(texts, [[Entity(word, "Word", 0, len(word), 1.0)] for word in words])
    footer = TargetFooter("m@1", part, len(texts), (), "cpu", "float32", 0.1, 9, {})
    write_target(lake.path, TargetSet("entities", "m@1"), part, texts, rows, footer)


def marked_folder(folder: Path) -> Path:
    """What the cache takes for a lake."""
    folder.mkdir(exist_ok=True)
    (folder / "lake.json").touch()
    return folder


def answers(lake: Lake) -> list[object]:
    """What every user of the cache says of a lake."""
    return [
        lake.rows("SELECT pmid, mention FROM all_entities ORDER BY ALL"),
        lake.rows("SELECT pmid, title FROM articles ORDER BY ALL"),
        lake.rows("FROM coverage"),
        read_coverage(lake.path),
        count_articles(lake.path, SOURCE),
    ]


def without_cache(lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    with monkeypatch.context() as patch:
        patch.setenv("LITMINE_HOME", str(tmp_path / "no home" / lake.path.name))
        return answers(lake)


@pytest.fixture
def revised(lake: Lake, home: Path) -> Lake:
    """A lake with a superseded text, and a cache of everything."""
    add(lake, 0, (1, "alpha"), (2, "beta"))
    add(lake, 1, (1, "gamma"))
    lake_cache.write_cached_json(lake.path, "catalogue", "another catalogue", [0, 0, 0])
    assert answers(lake)[0] == [(1, "gamma"), (2, "beta")]
    assert {file.name for file in cache_folder(lake.path).iterdir()} >= NAMES
    assert cache_folder(lake.path).is_relative_to(home)
    return lake


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[:-1],
    "one bit in the middle": lambda data: flip(data, len(data) // 2),
    "one bit at the end": lambda data: flip(data, len(data) - 1),
    "more": lambda data: data + b"\n",
    "another form": lambda _: b'{"key": "", "value": {}}',
    "no newlines": lambda data: data.replace(b"\n", b""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_read_as_none(revised: Lake, damage: Callable[[bytes], bytes]) -> None:
    expected = answers(revised)
    for file in cache_folder(revised.path).iterdir():
        file.write_bytes(damage(file.read_bytes()))
    assert answers(revised) == expected


def test_a_file_of_another_name_or_lake_is_read_as_none(revised: Lake) -> None:
    expected = answers(revised)
    folder = cache_folder(revised.path)
    contents = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    for name, content in zip(contents, [*list(contents.values())[1:], b""], strict=True):
        (folder / name).write_bytes(content)
    assert answers(revised) == expected
    for file in folder.iterdir():
        file.unlink()
        file.mkdir()
    assert answers(revised) == expected
    copied = Lake(shutil.copytree(revised.path, revised.path.with_name("copied")))
    for name, content in contents.items():
        cache_folder(copied.path).mkdir(parents=True, exist_ok=True)
        (cache_folder(copied.path) / name).write_bytes(content)
    assert answers(copied) == expected


@given(content=st.binary(), key=st.text(), other=st.text())
def test_what_was_written_is_read_with_the_same_key_only(content: bytes, key: str, other: str) -> None:
    lake = Path("/lakes/one")
    write_cache(lake, "name", key, content)
    assert read_cache(lake, "name", key) == content
    assert (read_cache(lake, "name", other) is None) == (key != other)
    assert read_cache(lake, "another name", key) is None
    assert read_cache(Path("/lakes/two"), "name", key) is None


def test_the_cache_follows_a_lake_that_is_replaced(
    revised: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Moved, copied with its times, made anew at the same path, and put back."""
    expected, aside = answers(revised), tmp_path / "aside"
    shutil.copytree(revised.path, tmp_path / "copied")
    assert answers(Lake(tmp_path / "copied")) == expected
    revised.path.rename(aside)
    assert answers(Lake(aside)) == expected
    new = Lake.create(revised.path)
    add(new, 0, (1, "alpha"), (2, "beta"))
    assert answers(new) == without_cache(new, monkeypatch, tmp_path)
    add(new, 2, (2, "delta"))
    assert answers(new) == without_cache(new, monkeypatch, tmp_path)
    shutil.rmtree(new.path)
    aside.rename(revised.path)
    assert answers(revised) == expected
    compact(revised, grace=timedelta(0))
    assert answers(revised)[:2] == expected[:2]


def test_another_file_with_the_size_and_time_of_a_known_one_is_read_again(revised: Lake) -> None:
    target = max((revised.path / "entities").glob("*/*.parquet"), key=lambda path: path.stat().st_size)
    stat, before = target.stat(), files_digest(revised.path, [target])
    data = target.read_bytes()
    target.rename(revised.path.parent / "aside")
    target.write_bytes(data)
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (target.stat().st_size, target.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert files_digest(revised.path, [target]) != before


def test_caches_of_lakes_that_are_gone_are_deleted(home: Path, tmp_path: Path) -> None:
    lakes = [marked_folder(tmp_path / f"lake-{number}") for number in range(3)]
    for lake in lakes:
        write_cache(lake, "name", "key", b"content")
    store = ObjectPath.parse("s3://bucket/lake")
    write_cache(store, "name", "key", b"content")
    other = home / "caches" / "something else"
    other.mkdir()
    assert read_cache(store, "name", "key") == b"content"
    shutil.rmtree(lakes[0])
    (lakes[1] / "lake.json").unlink()
    write_cache(marked_folder(tmp_path / "new"), "name", "key", b"content")
    assert not cache_folder(lakes[0]).exists()
    assert not cache_folder(lakes[1]).exists()
    assert read_cache(lakes[2], "name", "key") == b"content"
    assert read_cache(store, "name", "key") == b"content"
    assert other.exists()
    # A link is not followed.
    kept = tmp_path / "kept"
    cache_folder(lakes[2]).rename(kept)
    cache_folder(lakes[2]).symlink_to(kept)
    shutil.rmtree(lakes[2])
    write_cache(marked_folder(tmp_path / "newer"), "name", "key", b"content")
    assert (kept / "name").exists()


def test_the_number_of_caches_and_their_size_are_limited(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_cache, "MAX_LAKES", 3)
    lakes = [marked_folder(tmp_path / f"lake-{number}") for number in range(6)]
    for number, lake in enumerate(lakes):
        write_cache(lake, "name", "key", b"content")
        os.utime(cache_folder(lake) / "name", (number, number))
    assert [read_cache(lake, "name", "key") is not None for lake in lakes] == [False] * 3 + [True] * 3
    monkeypatch.setattr(lake_cache, "MAX_BYTES", 3000)
    monkeypatch.setattr(lake_cache, "_LARGE", 2000)
    write_cache(lakes[3], "more", "key", b"x" * 1999)
    assert len(list((home / "caches").iterdir())) == 3
    write_cache(lakes[3], "more", "key", b"x" * 2950)
    assert [folder.name for folder in (home / "caches").iterdir()] == [cache_folder(lakes[3]).name]


def test_a_home_that_cannot_be_written_or_read_costs_nothing_but_time(
    revised: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = answers(revised)
    file = tmp_path / "a file"
    file.touch()
    for home in (file, file / "below", Path("/proc/litmine")):
        monkeypatch.setenv("LITMINE_HOME", str(home))
        write_cached_json(revised.path, "name", "key", 1)
        assert read_cached_json(revised.path, "name", "key") is None
        assert answers(revised) == expected
        assert write_catalogue(revised.path) is False


def test_small_lakes_have_no_cache_of_their_articles(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(MIN_FILES)]
    for file in files:
        file.write_bytes(b"x")
    assert are_worth_caching(files)
    assert not are_worth_caching(files[1:])
    files[1].write_bytes(b"x" * 4_000_000)
    assert are_worth_caching(files[1:])


WRITER = """
import sys
from pathlib import Path
from litmine.lake.lake_cache import read_cache, write_cache
lakes = [Path(name) for name in sys.argv[1:]]
print("started", flush=True)
for number in range(40):
    for lake in lakes:
        content = read_cache(lake, "name", "key")
        assert content is None or len(set(content)) == 1, content
        write_cache(lake, "name", "key", bytes([65 + number % 26]) * 1_200_000)
"""


def test_processes_share_a_cache_and_may_be_killed(tmp_path: Path) -> None:
    """Two processes write and read the same files, one of them is killed, and lakes come and go meanwhile."""
    lakes = [marked_folder(tmp_path / f"lake-{number}") for number in range(2)]
    command = [sys.executable, "-c", WRITER, *map(str, lakes)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
    for number in range(20):
        temporary = marked_folder(tmp_path / f"temporary-{number % 2}")
        write_cache(temporary, "name", "key", b"content")
        shutil.rmtree(temporary)
        shutil.rmtree(cache_folder(lakes[0]), ignore_errors=True)
    processes[0].kill()
    processes[0].communicate()
    processes[1].communicate()
    assert processes[1].returncode == 0
    for lake in lakes:
        content = read_cache(lake, "name", "key")
        assert content is None or len(set(content)) == 1


def test_the_cache_in_a_lake_of_earlier_states_is_deleted_by_compact(lake: Lake) -> None:
    folder = lake.path / ".cache"
    folder.mkdir()
    for name in ("article-counts", "catalogue", "footers"):
        (folder / name).write_text(json.dumps(name), encoding="utf-8")
    compact(lake)
    assert not folder.exists()
    # What is not of litmine stays.
    folder.mkdir()
    (folder / "mine").touch()
    delete_old_cache(lake.path)
    assert (folder / "mine").exists()
