"""The peak memory of each input that has a largest size, at that size. Prints a table and writes JSON.

    python -m benchmarks.input_limits [--only NAME]... [--json benchmarks/input_limits.json]

Each input is read in a process of its own, by the function or the command that reads it, in the most expensive form
that the limit allows: short lines. `without` is the peak of the same process with an input of a few bytes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.soak_process import CHECKOUT

MIB = 1 << 20
PMIDS = "from pathlib import Path; from litmine.cli.fetch import _read_pmid_file as read; read(Path(sys.argv[1]))"
QUESTIONS = (
    "from pathlib import Path; from litmine.sources.questions import read_questions as read; read(Path(sys.argv[1]))"
)
TERMS = (
    "from pathlib import Path; from litmine.tasks.ner.term_list import read_term_list as read; read(Path(sys.argv[1]))"
)
JOB = "from litmine.pipeline.job.job_file import read_job as read; read(sys.argv[1])"
QUERIES = """
from pathlib import Path
from litmine.pipeline.job.job_file import read_job
from litmine.pipeline.job.steps import _fetch_steps
_fetch_steps(read_job(sys.argv[1]))
"""
BODY = """
import http.server, io, threading
from litmine.sources.entrez import transport
from http.client import HTTPConnection
class Endless(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        piece = b"x" * 65536
        try:
            for _ in range(int(sys.argv[1])):
                self.wfile.write(piece)
        except OSError:
            pass
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Endless)
threading.Thread(target=server.serve_forever, daemon=True).start()
connection = HTTPConnection("127.0.0.1", server.server_port)
connection.request("GET", "/")
transport._read_body(connection.getresponse())
"""
TOKENIZER = """
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from litmine.nn.tokenizer_growth import check_growth
tokenizer = Tokenizer(models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.normalizer = normalizers.Replace("x", "a" * int(sys.argv[1]))
check_growth(tokenizer)
tokenizer.encode("x " * 1250)
"""
LIMIT_SQL = "select i, 'the text of row ' || i as words from range({}) as rows(i)"


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak memory in MiB of a process with the input and without it. end: how the process ended."""

    name: str
    limit: str
    peak: int
    without: int
    end: str


def peak_of(words: list[str], stdin: Path | None) -> tuple[int, str]:
    """The peak memory of a process in MiB, and its last word on stderr or its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    with (stdin or Path(os.devnull)).open("rb") as given:
        process = subprocess.Popen(
            [sys.executable, *words], stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        )
        assert process.stderr is not None
        said = process.stderr.read().decode().strip().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss >> 10, "read" if process.returncode == 0 else (said or [f"exit code {process.returncode}"])[
        -1
    ]


def fill(file: Path, size: int, line: Callable[[int], str], start: str = "") -> Path:
    """Write lines until the file has almost `size` bytes."""
    with file.open("w", encoding="utf-8") as out:
        left, number = size - out.write(start), 0
        while (left := left - len(text := line(number))) >= 0:
            out.write(text)
            number += 1
    return file


def inputs(folder: Path) -> Iterator[tuple[str, str, Callable[[bool], tuple[list[str], Path | None]]]]:
    """Name, limit, and what makes the words and the stdin of the process, with the full input or with a small one."""

    def script(code: str, make: Callable[[bool], object]) -> Callable[[bool], tuple[list[str], Path | None]]:
        return lambda full: (["-c", f"import sys\n{code}", str(make(full))], None)

    def size(full: bool, mib: int) -> int:
        return mib * MIB if full else 400

    file = folder / "input"
    question = '{{"question": "Is gene {} mutated?"}}\n'.format
    yield (
        "questions, JSON lines",
        "128 MiB",
        script(QUESTIONS, lambda full: fill(file, size(full, 128), question)),
    )
    bioasq = '{{"body": "Is gene {} mutated?", "type": "factoid", "id": "{}"}},\n'
    yield (
        "questions, BioASQ",
        "128 MiB",
        script(
            QUESTIONS,
            lambda full: _bioasq(fill(file, size(full, 127), lambda n: bioasq.format(n, n), '{"questions": [')),
        ),
    )
    yield ("list of PMIDs", "64 MiB", script(PMIDS, lambda full: fill(file, size(full, 64), lambda n: f"{n + 1}\n")))
    header = "name\ttype\tidentifier\n"
    names = lambda n: f"name {n}\tGene\tMine:{n}\n"  # noqa: E731
    yield (
        "term list",
        "1,000,000 names",
        script(TERMS, lambda full: _lines(file, 999_000 if full else 10, names, header)),
    )
    wide = lambda n: f"name {n} {'x' * 300}\tGene\tMine:{n}\n"  # noqa: E731
    yield ("term list, long names", "256 MiB", script(TERMS, lambda full: fill(file, size(full, 255), wide, header)))
    job = folder / "job.toml"
    quoted = lambda n: f'"q{n}",\n'  # noqa: E731
    yield ("job", "4 MiB", script(JOB, lambda full: _closed(fill(job, size(full, 4) - 2, quoted, "queries = [\n"))))
    yield (
        "queries of a job",
        "16 MiB",
        script(QUERIES, lambda full: _with_queries(job, fill(folder / "queries", size(full, 16), lambda n: f"q{n}\n"))),
    )
    lake = folder / "lake"
    litmine = ["-m", "litmine"]
    paper = folder / "a.jsonl"
    paper.write_text('{"pmid": 1, "title": "a"}\n')
    subprocess.run(
        [sys.executable, *litmine, "import", str(paper), "--lake", str(lake)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=True,
        capture_output=True,
    )
    sql = [*litmine, "sql", "--lake", str(lake)]
    yield (
        "query on stdin",
        "4 MiB",
        lambda full: ([*sql, "-"], fill(file, size(full, 4), lambda n: f"-- {n}\n", "select 1\n")),
    )
    for form in ("table", "csv", "json", "jsonl"):
        yield (
            f"result of `sql` as {form}",
            "10 million rows",
            lambda full, form=form: ([*sql, "--format", form, LIMIT_SQL.format(10_000_000 if full else 10)], None),  # type: ignore[misc]
        )
    parquet = str(folder / "out.parquet")
    yield (
        "result of `sql` as Parquet",
        "10 million rows",
        lambda full: ([*sql, "-o", parquet, LIMIT_SQL.format(10_000_000 if full else 10)], None),
    )
    yield ("answer of a server without end", "256 MiB", script(BODY, lambda full: 8_000 if full else 1))
    yield ("tokenizer that expands, an abstract", "10,000 times", script(TOKENIZER, lambda full: 10_000 if full else 1))


def _lines(file: Path, number: int, line: Callable[[int], str], start: str) -> Path:
    file.write_text(start + "".join(map(line, range(number))), encoding="utf-8")
    return file


def _bioasq(file: Path) -> Path:
    with file.open("a", encoding="utf-8") as out:
        out.write('{"body": "Is it the last?"}]}')
    return file


def _closed(file: Path) -> Path:
    with file.open("a", encoding="utf-8") as out:
        out.write("]")
    return file


def _with_queries(job: Path, queries: Path) -> Path:
    job.write_text(f'queries_file = "{queries}"\n', encoding="utf-8")
    return job


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="a name; several times")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peaks = []
    print("| input | largest size | peak, MiB | without it, MiB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="litmine-limits-") as folder:
        for name, limit, make in inputs(Path(folder)):
            if options.only and name not in options.only:
                continue
            without, _ = peak_of(*make(False))
            peak, end = peak_of(*make(True))
            peaks.append(Peak(name, limit, peak, without, end))
            print(f"| {name} | {limit} | {peak:,} | {without:,} |", flush=True)
            print(f"{name}: {end[:200]}", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in peaks], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
