"""Job files: those that come with litmine, every key, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import DONE, WRONG_USAGE, JobFileError, LitmineError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.server import FakePubmedServer, serve
from litmine.pipeline.job.after import SqlStep
from litmine.pipeline.job.job_file import Job, Resources, StandingQuestions, job_names, jobs_folder, read_job

Run = Callable[..., CompletedProcess[str]]


def test_every_key_is_read(write_job: Callable[..., Path]) -> None:
    file = write_job(
        "mine",
        "[resources]\ngpus = 4\nprecision = 'bf16'\nimport_workers = 8",
        "[[questions]]\nfile = 'q.jsonl'\nreader = './r'\ntop_k = 5\nwhere = 'year > 2000'",
        "[[after]]\ndo = 'sql'\nquery = 'from articles'\nto = 'a.csv'",
        about="All of it",
        inbox=["in", "more"],
        queries=["cells"],
        queries_file="queries.txt",
        models=["builtin", "./mine"],
        terms=["watchlist.tsv"],
    )
    assert read_job(str(file)) == Job(
        "mine",
        "All of it",
        (Path("in"), Path("more")),
        ("cells",),
        Path("queries.txt"),
        ("builtin", "./mine"),
        (Path("watchlist.tsv"),),
        Resources(gpus=4, precision="bf16", import_workers=8),
        (StandingQuestions(Path("q.jsonl"), "./r", 5, "year > 2000"),),
        (SqlStep("from articles", Path("a.csv")),),
    )


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("querys = ['a']", r"unknown setting querys \(did you mean queries\?\); the settings of a job are"),
        ("zzz = 1", r"unknown setting zzz; the settings of a job are"),
        ("name = 'x'", "sets name; remove it, because a job has the name of its file"),
        ("queries = 'a'", "queries must be a list of names in quotes"),
        ("queries = [' ']", "a query is empty"),
        ('queries = ["aspirin \\u0000"]', r"the query has the control character U\+0000; remove it"),
        ("inbox = [1]", "inbox must be a list of paths in quotes"),
        ("queries_file = 3", "queries_file must be a path in quotes, not 3"),
        ("models = []", "has nothing to do"),
        ("resources = 4", r"resources must be a table: \[resources\]"),
        ("[resources]\ngpu = 4", r"unknown setting gpu \(did you mean gpus\?\)"),
        ("[resources]\nworkers = -1", "workers and gpus must be at least 0"),
        ("[resources]\nprecision = 'fp8'", "precision must be one of auto, float32, bf16, not 'fp8'"),
        ("[resources]\nprecision = [1]", "precision must be one of"),
        ("[questions]\nfile = 'q'", r"each of questions must be a table: \[\[questions\]\]"),
        ("[[questions]]\nreader = 'r'", "needs file"),
        ("[[questions]]\nfile = 'q'\ntop_k = 0", "top_k must be at least 1"),
        ("after = 1", r"each of after must be a table: \[\[after\]\] and its settings"),
        ("[[after]]\ndo = 'slq'", r"must be one of .*sql.*, not 'slq' \(did you mean sql\?\)"),
        ("[[after]]\nquery = 'x'", "must be one of compact, sql, export, report, not None"),
        ("[[after]]\ndo = 'sql'\nquery = 'x'", "a sql step needs to"),
        ("[[after]]\ndo = 'sql'\nquery = 'x'\nto = 'a.xls'", r"a.xls must end in one of \.csv, \.json"),
        ("x", "cannot be read as TOML"),
    ],
)
def test_an_error_names_the_file_and_the_remedy(write_job: Callable[..., Path], toml: str, sentence: str) -> None:
    file = write_job("mine", toml)
    with pytest.raises(JobFileError, match=sentence) as refused:
        read_job(str(file))
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


@given(st.one_of(st.text(), st.from_regex(r"(\w{1,9} = (\[|\{|\"|'|\d)*\n){1,5}"), st.just("a = " + "[" * 5000)))
def test_any_text_is_a_job_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    message = ""
    try:
        read_job(str(file))
    except LitmineError as error:
        message = str(error)
    assert "\n" not in message


def test_an_unknown_job_is_an_error(run: Run) -> None:
    ran = run("run", "nigthly")
    assert ran.returncode == WRONG_USAGE
    assert ran.stderr.startswith(
        "litmine: no job 'nigthly' (did you mean nightly?); give nightly, pharmacovigilance, sample"
    )


@pytest.mark.parametrize(
    "toml", ["querys = ['a']", "[resources]\nworkers = -1", "x", "name = 'x'", "[[after]]\ndo = 'x'"]
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_mistake_in_a_job_file_is_wrong_usage(
    run: Run, home: Path, write_job: Callable[..., Path], toml: str, dry: tuple[str, ...]
) -> None:
    file = write_job("mine", toml)
    ran = run("run", file, *dry)
    assert (ran.returncode, ran.stdout) == (WRONG_USAGE, "")
    assert ran.stderr.startswith(f"litmine: {file}")
    assert not (home / "lake").exists()


def test_each_job_has_a_description() -> None:
    assert {"nightly", "sample"} <= set(job_names())
    assert all(read_job(name).about for name in job_names())
    crontab = (jobs_folder() / "crontab.example").read_text(encoding="utf-8")
    assert "litmine run nightly --quiet" in crontab


@pytest.mark.parametrize("name", job_names())
def test_each_job_of_litmine_has_a_forecast(
    name: str, run: Run, home: Path, sample_data: Path, archive: RecordArchive, at: Callable[[FakePubmedServer], None]
) -> None:
    (home / "sample_data").symlink_to(sample_data)
    (home / "inbox").mkdir()
    (home / "queries.txt").write_text("# none\n\ncells\n")
    (home / "questions.jsonl").write_text('{"question": "What causes rash?"}\n')
    with serve(archive) as server:
        at(server)
        ran = run("run", name, "--dry-run")
    assert ran.returncode == DONE, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == f"job       {name}: {read_job(name).about}"
    # The sample is the only one with files to import, whose texts nobody has counted.
    assert lines[-1].startswith("total     at least " if name == "sample" else "total     about ")
    assert not (home / "lake").exists()
    assert "cannot be" not in ran.stdout
