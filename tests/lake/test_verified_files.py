"""A flipped bit in any table ends a query with a sentence; nothing is answered from it."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import LakeError
from litmine.lake import verified_files
from litmine.lake.articles import read_new_texts
from litmine.lake.lake import Lake
from litmine.lake.paths import TABLES
from litmine.lake.readings import QuestionLogEntry, RetrievedArticle, record_questions
from litmine.lake.registered_trials import write_registered_trials
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.lake.verified_files import FileVerifier
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, Question, RegisteredTrial, SourceRecord

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Lake:
    """Two parts with entities of an active model and of another one, nine questions, and a registered trial."""
    lake = Lake(place_lake())
    for number in range(2):
        records = [SourceRecord(Article(10 * number + i, f"alpha {i}", "beta " * i), AT) for i in range(1, 9)]
        (part,) = lake.add(records, source=f"s{number}", dated=True).parts
        texts = read_new_texts(lake.part(part))
        for model in ("m@1", "n@1"):
            footer = TargetFooter(model, part, len(texts), (), "cpu", "float32", 0.1, 9, {})
            rows = entity_rows(texts, [[Entity("alpha", "Word", 0, 5, 1.0)] for _ in texts.texts])
            write_target(lake.path, TargetSet("entities", model), part, texts, rows, footer)
    for number in range(9):
        hits = tuple(RetrievedArticle(pmid, pmid, 1.0 / pmid, pmid) for pmid in range(1, 200))
        entry = QuestionLogEntry(Question("q", "What grows?", "factoid"), "r@0123456789ab", 10, None, hits)
        record_questions(lake.location, [entry], f"run-{number}", AT)
        lake.record_run(Run(f"run-{number}", "ask", AT, AT, "done", active=[ActiveModel("ner", "m@1")]))
    write_registered_trials(lake.path, [RegisteredTrial("NCT01234567", "Aspirin")], "studies", AT, dated=False)
    return lake


def flip(file: Path, content: bytes, position: int) -> None:
    file.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])


def require_found(lake: Lake, file: Path, query: str, step: int) -> int:
    """Flip one bit in every `step`th byte. Returns how often the query failed; else its rows were the right ones."""
    expected, content, found = lake.rows(query), file.read_bytes(), 0
    for position in range(0, len(content), step):
        flip(file, content, position)
        try:
            assert lake.rows(query) == expected, position
        except LakeError as error:
            assert f"{file} is damaged" in str(error)  # noqa: PT017 -- some bits change nothing
            assert "\n" not in str(error)  # noqa: PT017
            found += 1
    file.write_bytes(content)
    assert lake.rows(query) == expected
    return found


@pytest.mark.parametrize(
    ("files", "query"),
    [
        ("articles/s1-*", "SELECT * EXCLUDE (sections) FROM articles ORDER BY ALL"),
        ("entities/model=m@1/s1-*", "SELECT * FROM entities ORDER BY ALL"),
        ("entities/model=n@1/s1-*", "SELECT * FROM all_entities ORDER BY ALL"),
        ("retrieved/run-4*", "SELECT * FROM retrieved ORDER BY ALL"),
        ("questions/run-4*", "SELECT * FROM questions ORDER BY ALL"),
        ("runs/run-4*", "SELECT * EXCLUDE (parameters) FROM runs ORDER BY ALL"),
        ("registered_trials/[!_]*", "SELECT * FROM registered_trials"),
    ],
)
def test_a_flipped_bit_is_found_each_time_it_is_read(lake: Lake, files: str, query: str) -> None:
    (file,) = lake.path.glob(files)
    step = file.stat().st_size // 11
    assert require_found(lake, file, query, step) > 8


def test_the_views_of_active_models_do_not_need_the_files_of_others(lake: Lake) -> None:
    (file,) = lake.path.glob("entities/model=n@1/s1-*")
    flip(file, file.read_bytes(), 40)
    assert lake.rows("SELECT count(*) FROM entities") == [(16,)]
    with pytest.raises(LakeError, match="is damaged"):
        lake.rows("SELECT count(*) FROM all_entities")


def test_a_file_that_was_verified_is_not_read_again(lake: Lake) -> None:
    assert lake.rows("SELECT count(*) FROM retrieved")
    files = sorted((lake.path / "retrieved").glob("run-*.parquet"))
    assert len(files) == 9
    before = {file: file.stat().st_atime_ns for file in files}
    lake.rows("SELECT 1")
    assert {file: file.stat().st_atime_ns for file in files} == before


def test_a_large_table_is_verified_by_several_queries(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(verified_files, "_MIN_NEW", 1)
    files = sorted(lake.path.glob("articles/s*.parquet"))
    seen: list[str] = []
    for _ in range(4):
        # Another process would start with what is in the cache.
        monkeypatch.setattr(verified_files, "_verified", {})
        FileVerifier(lake.path, lambda path: seen.append(path.name), max_bytes=1).verify("articles", files)
    assert seen == [file.name for file in files]
    FileVerifier(lake.path, lambda path: seen.append(path.name), max_bytes=0).verify("articles", files)
    assert len(seen) == len(files)
    files[0].write_bytes(files[0].read_bytes())
    FileVerifier(lake.path, lambda path: seen.append(path.name), max_bytes=0).verify("articles", files, files[:1])
    assert seen[len(files) :] == [files[0].name]


# The views that show each kind of file of a lake; `concepts` is kept beside its tables.
VIEWS = {
    "articles": "articles",
    "readings": "answers",
    "links": "entities",
    "labels": "labels",
    "trial_mentions": "trials",
    "relations": "relations",
    "abbreviations": "abbreviations",
    "sentences": "sentences",
    "runs": "gaps",
    "concepts": "concept_pairs",
    "vocabularies": "concepts",
}


@pytest.mark.soak
def test_a_flipped_bit_in_each_kind_of_file(
    run: Callable[..., CompletedProcess[str]], tmp_path: Path, sample_data: Path
) -> None:
    at = ("--lake", tmp_path / "lake")
    assert run("import", sample_data / "pubmed" / "odd", *at).returncode == 0
    assert run("annotate", "--task", "all", *at).returncode == 0
    assert run("annotate", "--terms", sample_data / "watchlist.tsv", *at).returncode == 0
    assert run("ask", "Which cells grow?", *at).returncode == 0
    assert run("sql", "SELECT count(*) FROM concept_pairs", *at).returncode == 0
    lake = Lake(tmp_path / "lake")
    for table, view in VIEWS.items():
        assert table == "concepts" or table in TABLES
        files = [file for file in (lake.path / table).rglob("*.parquet") if not file.name.startswith("_")]
        file = max(files, key=lambda file: file.stat().st_size)
        step = max(7, file.stat().st_size // 300)
        found = require_found(lake, file, f"SELECT * FROM {view} ORDER BY ALL", step)
        assert found > 100, table
    shutil.rmtree(lake.path)
