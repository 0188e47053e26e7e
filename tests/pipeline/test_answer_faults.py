"""Questions on Ray, and killed runs: the answers are the same, and no pair is read twice."""

import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pyarrow.parquet as pq
import pytest

from litmine.errors import DONE
from litmine.lake.lake import Lake
from litmine.lake.paths import folder_name
from litmine.pipeline.answer import QuestionRun, answer
from litmine.runtime.executor import Executor
from litmine.tasks.registry import identify
from litmine.types import Question

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
Rows = dict[tuple[object, ...], float]

ASKED = [
    "Which diseases are caused by mutations of a gene?",
    "Is penicillin effective in children with infections?",
    "What is the treatment of hypertension in patients?",
    "Which cells express the receptor?",
    "Does the protein bind calcium in vitro?",
    "What causes allergy in mice?",
    "Which drugs inhibit the enzyme activity in the liver?",
    "What is the prevalence of asthma in adults?",
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    lines = [{"id": f"q{i}", "question": text, "type": ("list", "yesno")[i % 2]} for i, text in enumerate(ASKED)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def command(lake: Path, reader: Path, questions: Path) -> tuple[object, ...]:
    words = ("annotate", "--lake", lake, "--questions", questions, "--reader", reader, "--top-k", 40)
    return (*words, "--precision", "float32", "--batch-tokens", 200)


def reading_scores(lake: Path) -> Rows:
    """The scores in the files of readings by the other columns; fails if a row is there twice."""
    rows: Rows = {}
    for path in sorted((lake / "readings").glob("model=random*/*.parquet")):
        for row in pq.read_table(path, partitioning=None).to_pylist():
            key = tuple(
                row[name] for name in ("question_digest", "pmid", "text_hash", "start_char", "end_token", "answer")
            )
            assert key not in rows
            rows[key] = row["score"]
    return rows


@pytest.fixture(scope="session")
def answered_lake(imported_lake: Path, random_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`imported_lake` after one undisturbed run of these questions. To be copied, not changed."""
    folder = Path(shutil.copytree(imported_lake, tmp_path_factory.mktemp("answered") / "lake"))
    questions = [Question(f"q{i}", text, ("list", "yesno")[i % 2]) for i, text in enumerate(ASKED)]
    answer(Lake(folder), QuestionRun(questions, str(random_reader), 40, None, "test", "test"), Executor(), "float32")
    return folder


@pytest.fixture
def expected_readings(answered_lake: Path) -> object:
    rows = reading_scores(answered_lake)
    assert len(rows) > 500
    return pytest.approx(rows, abs=1e-4, nan_ok=True)


@pytest.mark.soak
@pytest.mark.usefixtures("with_ray")
def test_two_workers_on_ray_give_the_same_readings(
    start: Start, lake: Path, random_reader: Path, questions: Path, expected_readings: object
) -> None:
    process = start(*command(lake, random_reader, questions), "--workers", 2)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == DONE, stderr
    assert reading_scores(lake) == expected_readings
    assert Lake(lake).rows("select sum(unread), sum(failed), count(*) from question_coverage") == [(0, 0, len(ASKED))]


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_a_run_killed_at_any_moment_can_be_repeated(
    run: Run,
    start: Start,
    lake: Path,
    answered_lake: Path,
    random_reader: Path,
    questions: Path,
    expected_readings: object,
    kills: int,
) -> None:
    words = command(lake, random_reader, questions)
    folder = lake / folder_name("readings", identify(str(random_reader)))
    chance = random.Random(kills)
    read = 0
    for least in sorted(chance.choices(range(4), k=kills)):
        process = start(*words)
        while process.poll() is None and len(list(folder.glob("*.parquet"))) < least:
            time.sleep(0.001)
        time.sleep(chance.random() * (0.05 if least else 4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows = reading_scores(lake)
        assert len(rows) >= read
        read = len(rows)
        if process.returncode != DONE:
            assert Lake(lake).rows("from answers") == []
    ran = run(*words)
    assert ran.returncode == DONE, ran.stderr
    assert reading_scores(lake) == expected_readings
    columns = "question_id, rank, support, pmid, answer, start_char, evidence_start"
    query = f"select {columns} from answers order by all"
    assert Lake(lake).rows(query) == Lake(answered_lake).rows(query)
