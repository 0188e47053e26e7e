"""Inputs that never end, or are too large: one sentence, and memory that the limit bounds."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tokenizers import Tokenizer, models, normalizers

from litmine.cli import fetch
from litmine.errors import DONE, FAILED, NEW_GAPS, WRONG_USAGE, LitmineError, QuestionError, SourceError
from litmine.nn.tokenizer_growth import check_growth
from litmine.sources import bounded, questions
from litmine.sources.pmids import read_pmids
from litmine.sources.questions import MAX_QUESTION_CHARS, parse_question

Run = Callable[..., CompletedProcess[str]]

ENDLESS = {
    "questions": ("run", "{job}"),
    "pmids": ("rehearse", "--", "fetch", "--pmids", "/dev/zero"),
    "query": ("sql", "-"),
    "terms": ("annotate", "--terms", "/dev/zero"),
    "recipe": ("run", "/dev/zero"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_input_without_end_ends_at_its_limit(kind: str, tmp_path: Path, run: Run, sample_data: Path) -> None:
    lake, job = tmp_path / "lake", tmp_path / "j.toml"
    assert run("import", sample_data / "pubmed" / "odd", "--lake", lake).returncode in (DONE, NEW_GAPS)
    job.write_text('models = []\n[[questions]]\nfile = "/dev/zero"\n')
    command = [word.format(job=job) for word in ENDLESS[kind]]
    with Path("/dev/zero").open("rb") as zero:
        ran = subprocess.run(
            [sys.executable, "-m", "litmine", *command, "--lake", str(lake)],
            stdin=zero,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)),
        )
    assert ran.returncode in (FAILED, WRONG_USAGE, NEW_GAPS), ran.stderr[-500:]
    assert "Traceback" not in ran.stderr
    if kind != "recipe":
        assert "the most that" in ran.stderr + ran.stdout


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 100)
    assert bounded.read_file_up_to(file, 100, "a file") == b"x" * 100
    with pytest.raises(SourceError, match="the most that a file may have"):
        bounded.read_file_up_to(file, 99, "a file")


def test_a_question_has_a_largest_length() -> None:
    assert parse_question("x" * MAX_QUESTION_CHARS).text == "x" * MAX_QUESTION_CHARS
    with pytest.raises(QuestionError, match="one may have 10,000"):
        parse_question("x" * (MAX_QUESTION_CHARS + 1))


def test_of_many_words_that_are_no_pmids_the_number_is_kept() -> None:
    pmids, bad = read_pmids(["x\n"] * 5000 + ["7\n"])
    assert (pmids, len(bad)) == ([7], 1001)
    assert bad[-1].why == "4,000 more words are not PMIDs"


def test_a_large_table_is_written_as_it_comes(tmp_path: Path, run: Run) -> None:
    run("import", tmp_path, "--lake", tmp_path / "lake")
    (tmp_path / "a.jsonl").write_text('{"pmid": 1, "title": "a"}\n')
    assert run("import", tmp_path / "a.jsonl", "--lake", tmp_path / "lake").returncode == DONE
    query = "select i, 'text of row ' || i as t from range(100000000) as r(i)"
    with subprocess.Popen(
        [sys.executable, "-m", "litmine", "sql", query, "--lake", str(tmp_path / "lake")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5_000)]
        process.kill()
    assert lines[-1].split()[0] == b"4997"


def test_rows_beyond_the_first_thousand_are_aligned_where_they_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"pmid": 1, "title": "a"}\n')
    run("import", tmp_path / "a.jsonl", "--lake", tmp_path / "lake")
    query = "select i, case when i = 1500 then 'a longer cell' else 'x' end as t from range(2000) as r(i)"
    ran = run("sql", query, "--lake", tmp_path / "lake")
    lines = ran.stdout.splitlines()
    assert len(lines) == 2002
    assert lines[1502] == "1500  a longer cell"
    assert ran.stderr == "(2000 rows)\n"


@pytest.mark.parametrize("steps", [4, 40])
def test_a_tokenizer_that_expands_texts_is_refused(steps: int) -> None:
    tokenizer = Tokenizer(models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase(), normalizers.Strip()])
    check_growth(tokenizer)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("a", "a" * 1000)] * steps)
    with pytest.raises(ValueError, match="times as long"):
        check_growth(tokenizer)


HUGE = ["1e300", "nan", "inf", "9" * 5000, "-1", "1" * 25]


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize(
    "command",
    [
        ("compact", "--grace"),
        ("compact", "--part-rows"),
        ("fetch", "--query", "x", "--patience"),
        ("fetch", "--query", "x", "--timeout"),
        ("fetch", "--query", "x", "--max"),
        ("sql", "select 1", "--threads"),
        ("ask", "x?", "--top-k"),
        ("import", "x", "--workers"),
    ],
)
def test_numbers_of_any_size_are_refused(run: Run, tmp_path: Path, command: tuple[str, ...], value: str) -> None:
    ran = run(*command, value, "--lake", tmp_path / "lake")
    assert ran.returncode == WRONG_USAGE
    assert len(ran.stderr) < 1_000


def test_entries_of_a_folder_that_are_not_read_are_gaps(run: Run, tmp_path: Path) -> None:
    folder, other = tmp_path / "in", tmp_path / "other"
    (folder / "deep").mkdir(parents=True)
    other.mkdir()
    (folder / "a.jsonl").write_text('{"pmid": 1, "title": "a"}\n')
    (other / "b.jsonl").write_text('{"pmid": 2, "title": "b"}\n')
    os.mkfifo(folder / "pipe")
    (folder / "deep" / "nowhere.xml").symlink_to("gone.xml")
    (folder / "link").symlink_to(other)
    (folder / "linked.jsonl").symlink_to(other / "b.jsonl")
    (folder / ".hidden").symlink_to("gone")
    ran = run("import", folder, "--lake", tmp_path / "lake")
    assert ran.returncode == NEW_GAPS
    assert "2 new (2 records from 2 files)" in ran.stderr
    for name in ("pipe", "deep/nowhere.xml", "link"):
        assert f"could not be read: {folder / name}: It is " in ran.stderr
    assert ran.stderr.count("could not be read") == 3
    ran = run("import", folder, "--lake", tmp_path / "lake")
    assert (ran.returncode, ran.stderr.count("(reported before)")) == (DONE, 3)


def test_a_name_of_five_thousand_characters_is_one_sentence(run: Run, tmp_path: Path) -> None:
    name = "n" * 5000
    (tmp_path / "a.jsonl").write_text('{"pmid": 1, "title": "a"}\n')
    (tmp_path / "long.toml").write_text(f'models = ["{name}"]\n')
    assert run("import", tmp_path / "a.jsonl", "--lake", tmp_path / "lake").returncode == DONE
    for command in (
        ("run", name),
        ("import", name),
        ("annotate", "--terms", name),
        ("annotate", "--model", name),
        ("annotate", "--questions", name),
        ("sql", "select 1", "-o", f"{name}.csv"),
        ("export", "--format", "jsonl", "-o", f"{name}.jsonl"),
        ("run", "sample", "--log", name),
        ("run", tmp_path / "long.toml"),
        ("explore", "--host", name),
        ("models", "show", name),
        ("train", "ner", "--recipe", name, "-o", tmp_path / "m"),
    ):
        lake = () if command[0] in ("models", "train") else ("--lake", tmp_path / "lake")
        ran = run(*command, *lake)
        assert ran.returncode in (FAILED, WRONG_USAGE), command
        assert max(map(len, ran.stderr.splitlines())) < 1500, command
    ran = run("sql", "select 1", "--lake", tmp_path / name)
    assert ran.returncode in (FAILED, WRONG_USAGE)


ODD_JOBS = [
    '[[after]]\ndo = "compact"\ngrace_hours = 1e300\n',
    '[[after]]\ndo = "compact"\ngrace_hours = nan\n',
    f'[[after]]\ndo = "compact"\ngrace_hours = {"9" * 400}\n',
    '[[after]]\ndo = "sql"\nquery = "select 1 a"\nto = "nul\\u0000.csv"\n',
    f'[[after]]\ndo = "sql"\nquery = "select 1 a"\nto = "{"n" * 5000}.csv"\n',
    '[[after]]\ndo = "export"\nformat = "jsonl"\nto = "nul\\u0000.jsonl"\n',
    '[[questions]]\nfile = "nul\\u0000"\n',
    f'[[questions]]\nfile = "{"n" * 5000}"\n',
    f'inbox = ["{"n" * 5000}"]\n',
    'inbox = ["nul\\u0000"]\n',
    'queries_file = "nul\\u0000"\n',
    'terms = ["nul\\u0000"]\n',
    f'inbox = ["x"]\n[resources]\nimport_workers = {"9" * 100}\n',
    f'models = ["{"n" * 5000}"]\n',
    'models = ["nul\\u0000"]\n',
]


@pytest.mark.parametrize("job", ODD_JOBS, ids=range(len(ODD_JOBS)))
def test_odd_values_in_a_job_are_no_traceback(run: Run, tmp_path: Path, job: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"pmid": 1, "title": "a"}\n')
    assert run("import", tmp_path / "a.jsonl", "--lake", tmp_path / "lake").returncode == DONE
    file = tmp_path / "job.toml"
    file.write_text(job if "models" in job else f"models = []\n{job}")
    for options in ((), ("--dry-run",)):
        ran = run("run", file, "--lake", tmp_path / "lake", *options)
        assert ran.returncode in (FAILED, WRONG_USAGE, NEW_GAPS)


def test_damaged_json_is_an_error_of_litmine() -> None:
    with pytest.raises(LitmineError):
        parse_question(json.dumps({}))


def test_a_file_has_a_largest_number_of_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f'{{"question": "Is {number} large?"}}\n' for number in range(6)))
    monkeypatch.setattr(questions, "MAX_QUESTIONS", 6)
    assert len(questions.read_questions(file)) == 6
    monkeypatch.setattr(questions, "MAX_QUESTIONS", 5)
    with pytest.raises(QuestionError, match="has more than 5 questions, the most that a file may have; split it"):
        questions.read_questions(file)


@pytest.mark.parametrize("text", ["1\n2\r\n3\r4", "1\r2\r3\r4\r", "1\n\n2\v3\u20284\n", "1 2\n\n3, 4"])
def test_every_line_of_a_list_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pmids.txt"
    file.write_bytes(text.encode())
    pmids, bad, name = fetch._read_pmid_file(file)
    assert (sorted(pmids), bad, name) == ([1, 2, 3, 4], [], str(file))
