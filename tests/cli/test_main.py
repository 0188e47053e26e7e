"""The command line as a whole: imports, exit codes, interrupts, and closed or full output streams."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.cli.import_files import import_
from litmine.errors import DONE, FAILED, INTERRUPTED
from litmine.lake.article_writer import PART_SIZE

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]

LOADED = """
import json, sys
from litmine.cli.main import main
sys.argv = ["litmine", *sys.argv[1:]]
try:
    main()
except SystemExit as left:
    heavy = {
        "torch", "ray", "transformers", "tokenizers", "safetensors", "duckdb", "Bio", "tantivy", "fsspec", "s3fs",
        "botocore", "pandas", "pyarrow.compute", "pyarrow.dataset", "rich", "starlette", "uvicorn", "jinja2",
    }
    loaded = sorted(heavy & set(sys.modules))
    print(json.dumps([left.code, loaded]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (("--help",), []),
        (("annotate", "--help"), []),
        (("status", "--help"), []),
        (("train", "ner", "--help"), []),
        (("train", "ner", "--recipe", "builtin", "--help"), []),
        (("train", "qa", "--help"), []),
        (("train", "mlm", "--help"), []),
        (("evaluate", "ner", "--help"), []),
        (("evaluate", "qa", "--help"), []),
        (("explore", "--help"), []),
        (("report", "--help"), []),
        (("schema",), []),
        (("models", "show", "builtin"), []),
        (("sql", "select 1"), ["duckdb"]),
        (("status",), ["duckdb"]),
        (("import", "{sample}"), ["duckdb"]),
    ],
    ids=" ".join,
)
def test_a_command_imports_only_what_it_needs(
    tmp_path: Path, sample_data: Path, run: Run, words: tuple[str, ...], loaded: list[str]
) -> None:
    sample = str(sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml")
    words = tuple(word.format(sample=sample) for word in words)
    at: tuple[str, ...] = ()
    if not {"--help", "schema", "show"}.intersection(words):
        at = ("--lake", str(tmp_path / "lake"))
        assert run("import", sample, *at).returncode == DONE
    ran = subprocess.run([sys.executable, "-c", LOADED, *words, *at], capture_output=True, text=True, check=False)
    assert json.loads(ran.stderr.splitlines()[-1]) == [DONE, loaded], ran.stderr


def test_annotate_without_work_does_not_import_torch(
    annotated_lake: Path, tiny_model: Path, tmp_path: Path, run: Run
) -> None:
    lake = str(shutil.copytree(annotated_lake, tmp_path / "lake"))
    words = ("annotate", "--model", str(tiny_model), "--lake", lake)
    assert run(*words).returncode == DONE
    ran = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    *_, message, loaded = ran.stderr.splitlines()
    assert message.startswith("nothing to do: ")
    assert json.loads(loaded) == [DONE, []]


def test_a_command_imports_no_other_command() -> None:
    script = (
        "import sys\nfrom litmine.cli.main import cli\ncli.main(['status', '--help'], standalone_mode=False)\n"
        "print(sorted(name for name in sys.modules if name.startswith('litmine.cli.')), 'pyarrow' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    used = [f"litmine.cli.{name}" for name in ("console", "main", "number_types", "options", "status")]
    assert ran.stdout.splitlines()[-1] == f"{used} False"


def test_a_hugging_face_folder_is_identified_without_transformers(
    short_annotated_lake: Path, bert_classifier: Path, tmp_path: Path, run: Run
) -> None:
    lake = str(shutil.copytree(short_annotated_lake, tmp_path / "lake"))
    words = ("annotate", "--model", str(bert_classifier), "--lake", lake)
    assert run(*words).returncode == DONE
    ran = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    *_, message, loaded = ran.stderr.splitlines()
    assert message.startswith("nothing to do: ")
    assert json.loads(loaded) == [DONE, []]


def test_annotate_with_workers_does_not_import_torch_in_the_driver(
    imported_lake: Path, tiny_model: Path, tmp_path: Path
) -> None:
    lake = str(shutil.copytree(imported_lake, tmp_path / "lake"))
    words = ("annotate", "--model", str(tiny_model), "--lake", lake, "--address", "127.0.0.1:9")
    ran = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    *_, message, loaded = ran.stderr.splitlines()
    assert message.startswith("litmine: no Ray cluster can be joined at 127.0.0.1:9 (")
    # The first annotate of a lake copies the vocabulary into it, by Arrow's functions.
    assert json.loads(loaded) == [FAILED, ["duckdb", "pyarrow.compute", "ray"]]


def test_schema_parts_each_column_from_its_type(run: Run) -> None:
    (line,) = [one for one in run("schema", "articles").stdout.splitlines() if "NLM's title abbreviation" in one]
    assert line.split()[:2] == ["journal_abbreviation", "string"]


def test_import_makes_parts_of_the_usual_size() -> None:
    (option,) = [one for one in import_.params if one.name == "part_size"]
    assert option.default == PART_SIZE == 1_000


def test_version_and_help_are_printed(run: Run) -> None:
    assert run("--version").stdout.startswith("litmine, version ")
    assert "litmine annotate" in run("-h").stdout


def test_a_program_that_calls_the_command_line_keeps_its_ctrl_c(run: Run) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    run("schema")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("form", ["table", "csv", "jsonl", "parquet"])
def test_a_closed_pipe_ends_the_command_quietly(start: Start, annotated_lake: Path, form: str) -> None:
    many = "select a.*, range from articles a, range(40)"
    process = start("sql", many, "--lake", annotated_lake, "--format", form, text=False)
    assert process.stdout is not None
    assert process.stdout.read(10)
    process.stdout.close()
    assert process.wait(300) == FAILED
    assert process.stderr is not None
    assert [line for line in process.stderr.read().splitlines() if b"rows)" not in line] == []


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("sql", "from articles", "--format", "csv"), ("sql", "select 1"), ("status",)])
def test_a_full_disk_behind_stdout_is_an_error(annotated_lake: Path, words: tuple[str, ...]) -> None:
    program = Path(sys.executable).with_name("litmine")
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [program, *words, "--lake", annotated_lake], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    (line,) = [line for line in ran.stderr.splitlines() if "row" not in line]
    assert (ran.returncode, line.startswith("litmine: cannot write to stdout (No space left")) == (FAILED, True)


def test_a_closed_stdout_is_an_error(start: Start, annotated_lake: Path) -> None:
    process = start("sql", "select 1", "--lake", annotated_lake, before=("sh", "-c", 'exec "$@" >&-', "sh"))
    _, message = process.communicate()
    assert (process.returncode, message) == (FAILED, "litmine: stdout is closed; write to a file with -o FILE\n")


def seconds_computed(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_interrupts_a_query(start: Start, annotated_lake: Path) -> None:
    forever = "select count(*) from range(1000000000) a, range(1000000000) b where a.range + b.range < 0"
    process = start("sql", forever, "--lake", annotated_lake)
    # What comes before the query takes half a second of computing.
    while seconds_computed(process.pid) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    assert message.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
