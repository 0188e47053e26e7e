"""`litmine run --dry-run` says what would fail, and exits as the run would."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, FAILED, QueryError
from litmine.lake.lake import Lake
from litmine.lake.query import check_select

Run = Callable[..., CompletedProcess[str]]
WriteJob = Callable[..., Path]


def after(do: str, **settings: str) -> str:
    lines = [f"{name} = '''{value}'''" for name, value in {"do": do, **settings}.items()]
    return "\n".join(["[[after]]", *lines])


@pytest.fixture
def inbox(home: Path) -> Path:
    folder = home / "inbox"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"pmid": 1, "title": "Asthma."}\n')
    return folder


PROBLEMS = [
    (["inbox = ['gone']", "models = []"], "import    gone: would fail: gone does not exist; check the path"),
    (
        ["inbox = ['inbox']", "models = ['./none']"],
        "annotate  ./none: would fail: no model './none' here; give builtin",
    ),
    (["queries_file = 'none.txt'", "models = []"], "fetch     none.txt: would fail: none.txt cannot be read"),
    (
        ["inbox = ['inbox']", "models = []", after("sql", query="select wrong from entities", to="a.csv")],
        'sql       a.csv: would fail: the query failed: Referenced column "wrong" not found',
    ),
    (
        ["inbox = ['inbox']", "models = []", after("sql", query="select 1", to="nowhere/a.csv")],
        "sql       nowhere/a.csv: would fail: nowhere/a.csv cannot be written (its folder does not exist)",
    ),
    (
        ["inbox = ['inbox']", "models = []", after("export", format="jsonl", to="a.jsonl", where="yeer > 2000")],
        'export    a.jsonl: would fail: the query failed: Referenced column "yeer" not found',
    ),
    (
        ["inbox = ['inbox']", "models = []", "[[questions]]", "file = 'none.jsonl'"],
        "answers   none.jsonl by builtin-reader: would fail: none.jsonl",
    ),
]


@pytest.mark.parametrize(("lines", "problem"), PROBLEMS, ids=[str(number) for number in range(len(PROBLEMS))])
@pytest.mark.parametrize("exists", [False, True])
def test_a_step_that_would_fail_is_named(
    run: Run, home: Path, inbox: Path, write_job: WriteJob, lines: list[str], problem: str, exists: bool
) -> None:
    if exists:
        assert run("import", inbox).returncode == DONE
    file = write_job("mine", *lines)
    ahead = run("run", file, "--dry-run")
    makes_lake = lines[0].startswith("inbox")
    if not (makes_lake or exists):
        problem = "litmine: there is no lake at lake"
    assert ahead.returncode == FAILED
    assert (ahead.stderr == "") == (makes_lake or exists)
    assert any(line.startswith(problem) for line in (ahead.stdout + ahead.stderr).splitlines()), ahead.stdout
    assert (home / "lake").exists() == exists


def test_each_problem_is_named_and_the_run_fails_for_the_same(
    run: Run, home: Path, inbox: Path, write_job: WriteJob
) -> None:
    wrong = after("sql", query="select wrong from articles", to="a.csv")
    file = write_job("mine", f"inbox = ['{inbox}', 'gone']", "models = []", wrong)
    ahead = run("run", file, "--dry-run")
    assert ahead.returncode == FAILED
    assert ahead.stdout.count("would fail: ") == 2
    assert not (home / "lake").exists()
    assert run("run", file).returncode == FAILED


def test_without_a_lake_a_job_that_makes_none_fails(run: Run, write_job: WriteJob) -> None:
    file = write_job("mine", "models = []", after("compact"))
    ahead, real = run("run", file, "--dry-run"), run("run", file)
    assert (ahead.returncode, ahead.stdout, real.returncode) == (FAILED, "", FAILED)
    assert "there is no lake at lake" in ahead.stderr
    assert ahead.stderr in real.stderr


def test_a_job_without_problems_exits_with_0(run: Run, inbox: Path, write_job: WriteJob) -> None:
    right = after("sql", query="select pmid, mention from entities", to="a.csv")
    file = write_job("mine", f"inbox = ['{inbox}']", "models = ['builtin']", right, after("compact"))
    ahead = run("run", file, "--dry-run")
    assert (ahead.returncode, ahead.stderr) == (DONE, "")
    assert "would fail" not in ahead.stdout


def test_a_query_is_checked_without_running_it(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake").location
    check_select(lake, "select error('runs') from articles")
    for query in ("select x from articles", "drop view articles", "selec 1", "from nowhere", "select 1; select 2"):
        with pytest.raises(QueryError):
            check_select(lake, query)
