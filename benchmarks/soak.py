"""Kill every command, fill its disk, and run commands at once: is any row lost or doubled? Prints one report.

    python -m benchmarks.soak [--kills 1000] [--faults 100] [--rounds 20] [--inputs 100000] [--only NAME]...
        [--seed 0] [--json benchmarks/soak.json] [--report docs/soak.md]

Each scenario is a command on a lake of its own. It runs undisturbed once, which gives its duration and what it leaves.
Then it is killed (SIGKILL) at random times of that duration, again and again; after each fifth kill it runs to its
end, and what it leaves must be equal. Only kills of a process that still ran count. A storage fault is a limit of the
size of its files, so that a write fails; afterwards the command runs to its end in the same way. In a concurrent round
several commands work on one lake at the same time. `soak_inputs.py` gives damaged files to every reader.
"""

import argparse
import json
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from benchmarks.soak_inputs import READERS, check_inputs

CHECKOUT = Path(__file__).parent.parent
LITMINE = [sys.executable, "-m", "litmine"]
# A command that takes longer hangs.
HANG_SECONDS = 600
# After so many kills, a run to the end checks what is left.
KILLS_PER_CHECK = 5
BEGIN, END = "<!-- soak report -->", "<!-- end of soak report -->"
# What the views show; a row that is lost or doubled changes the digest.
QUERIES = (
    "select pmid, text, retracted from articles order by all",
    "select pmid, start_char, end_char, mention, entity_type, identifier from entities order by all",
    "select question, pmid, answer, start_char from answers order by all",
    "select what, why from source_gaps order by all",
)


@dataclass(slots=True)
class Tally:
    """The counts of a scenario."""

    name: str
    kills: int = 0
    faults: int = 0
    checks: int = 0
    different: int = 0
    tracebacks: int = 0
    hangs: int = 0
    seconds: float = 0.0
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command. prepare: makes the folder that it works in. result: a digest of what it leaves."""

    name: str
    words: Callable[[Path], Sequence[object]]
    prepare: Callable[[Path], None]
    result: Callable[[Path], str]


def run(words: Sequence[object], folder: Path, limit: int | None = None) -> subprocess.Popen[str]:
    """Start a command in a folder; `limit` is the largest size of a file that it may write."""

    def set_limit() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [*LITMINE, *map(str, words)],
        cwd=folder,
        env={**os.environ, "LITMINE_HOME": str(folder / "home"), "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=set_limit,  # noqa: PLW1509 -- this process has no other threads
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], tally: Tally) -> int:
    """Wait for a command, and count a traceback or a hang."""
    try:
        _, errors = process.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        tally.hangs += 1
        kill(process)
        _, errors = process.communicate()
    if "Traceback" in errors:
        tally.tracebacks += 1
        tally.messages.append(errors[-2000:])
    return process.returncode


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and the processes that it started."""
    os.killpg(process.pid, signal.SIGKILL)


def lake_digest(folder: Path) -> str:
    """A digest of what the views of the lake show."""
    from litmine.lake.lake import Lake

    digest = sha256()
    for query in QUERIES:
        digest.update(repr(Lake(folder / "lake").rows(query)).encode())
    return digest.hexdigest()


def model_digest(folder: Path) -> str:
    """A digest of the weights that a training leaves."""
    return sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def soak(scenario: Scenario, kills: int, faults: int, rng: random.Random) -> Tally:
    """Disturb a scenario."""
    tally = Tally(scenario.name)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="litmine-soak-") as temporary:
        start = Path(temporary) / "start"
        start.mkdir()
        scenario.prepare(start)

        def copy() -> Path:
            shutil.rmtree(Path(temporary) / "work", ignore_errors=True)
            return Path(shutil.copytree(start, Path(temporary) / "work", symlinks=True))

        work = copy()
        first = time.monotonic()
        assert finish(run(scenario.words(work), work), tally) in (0, 3), scenario.name
        duration = time.monotonic() - first
        expected = scenario.result(work)

        def check() -> None:
            finish(run(scenario.words(work), work), tally)
            tally.checks += 1
            tally.different += scenario.result(work) != expected

        work = copy()
        tried = 0
        while tally.kills < kills and tried < 3 * kills:
            process = run(scenario.words(work), work)
            time.sleep(rng.uniform(0, duration))
            tally.kills += process.poll() is None
            kill(process) if process.poll() is None else None
            process.communicate()
            tried += 1
            if tried % KILLS_PER_CHECK == 0 or tally.kills >= kills:
                check()
                work = copy()
        for _ in range(faults):
            # Most files are small, so the limit is on a logarithmic scale.
            process = run(scenario.words(work), work, int(10 ** rng.uniform(1, 6)))
            tally.faults += finish(process, tally) not in (0, 3)
            check()
            work = copy()
    tally.seconds = time.monotonic() - began
    return tally


def soak_together(rounds: int, rng: random.Random) -> Tally:
    """Run commands on one lake at the same time; some are killed."""
    tally = Tally("together")
    began = time.monotonic()
    commands: list[list[object]] = [
        IMPORT,
        [*IMPORT, "--workers", 2],
        ANNOTATE,
        ["compact", "--grace", 1],
        SQL,
        ["status"],
    ]
    with tempfile.TemporaryDirectory(prefix="litmine-soak-") as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        with_records(whole)
        for words in (IMPORT, ANNOTATE):
            assert finish(run(words, whole), tally) in (0, 3)
        expected = lake_digest(whole)
        for number in range(rounds):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            with_records(folder)
            finish(run(IMPORT, folder), tally)
            processes = [run(words, folder) for words in commands]
            time.sleep(rng.uniform(0, 5))
            victim = rng.choice(processes)
            if victim.poll() is None:
                kill(victim)
                tally.kills += 1
            for process in processes:
                finish(process, tally)
            for words in (IMPORT, ANNOTATE):
                finish(run(words, folder), tally)
            tally.checks += 1
            tally.different += lake_digest(folder) != expected
            shutil.rmtree(folder)
    tally.seconds = time.monotonic() - began
    return tally


def with_records(folder: Path) -> None:
    """Some sample records, a list of terms, questions and a job."""
    shutil.copytree(CHECKOUT / "sample_data" / "pubmed" / "odd", folder / "in")
    for name in ("watchlist.tsv", "questions.jsonl"):
        shutil.copy(CHECKOUT / "sample_data" / name, folder / name)
    (folder / "job.toml").write_text(
        'inbox = ["in"]\nmodels = []\nterms = ["watchlist.tsv"]\n[[after]]\ndo = "compact"\n'
        '[[after]]\ndo = "sql"\nquery = "select pmid from articles"\nto = "out.csv"\n'
    )


def with_lake(folder: Path) -> None:
    """The same in a lake, in many small parts."""
    with_records(folder)
    assert finish(run([*IMPORT, "--part-size", 2], folder), Tally("")) in (0, 3)


def with_terms(folder: Path) -> None:
    """A lake that the list of terms has read."""
    with_lake(folder)
    assert finish(run(ANNOTATE, folder), Tally("")) in (0, 3)


IMPORT: list[object] = ["import", "in", "--part-size", 5]
ANNOTATE: list[object] = ["annotate", "--terms", "watchlist.tsv", "--model", "builtin-abbreviations"]
SQL: list[object] = ["sql", "select count(*) from articles"]
FETCH: list[object] = ["rehearse", "--up-to", 500, "--", "fetch", "--query", "cells"]
TRAIN: list[object] = ["train", "ner", "--corpus", CHECKOUT / "sample_data/ner/BC5CDR", "-o", "model", "--name", "mine"]
TRAIN += ["--epochs", 2, "--batch-tokens", 600, "--seed", 3]

SCENARIOS = (
    Scenario("import", lambda _: IMPORT, with_records, lake_digest),
    Scenario("import, two processes", lambda _: [*IMPORT, "--workers", 2], with_records, lake_digest),
    Scenario("fetch", lambda _: FETCH, lambda _: None, lake_digest),
    Scenario("annotate, term list", lambda _: ANNOTATE, with_lake, lake_digest),
    Scenario("annotate, dependent steps", lambda _: ["annotate", "--model", "builtin"], with_lake, lake_digest),
    Scenario("annotate, two Ray workers", lambda _: [*ANNOTATE, "--workers", 2], with_lake, lake_digest),
    Scenario("compact", lambda _: ["compact", "--grace", 0], with_terms, lake_digest),
    Scenario("ask", lambda _: ["ask", "Which gene is mutated?"], with_lake, lake_digest),
    Scenario("answers", lambda _: ["annotate", "--questions", "questions.jsonl"], with_lake, lake_digest),
    Scenario("run", lambda _: ["run", "./job.toml"], with_records, lake_digest),
    Scenario("train", lambda _: TRAIN, lambda _: None, model_digest),
)


def report(tallies: Sequence[Tally], inputs: Sequence[dict[str, object]], counts: dict[str, object]) -> str:
    """The report as a table in Markdown."""
    kills, faults = sum(tally.kills for tally in tallies), sum(tally.faults for tally in tallies)
    lines = [
        (
            f"Commit {counts['commit']}, {counts['machine']}, seed {counts['seed']}: {kills:,} kills of a running"
            f" command, {faults:,} storage faults."
        ),
        "",
        "| command | kills | storage faults | runs to the end after | results that differ | tracebacks | hangs | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for tally in tallies:
        numbers = (tally.kills, tally.faults, tally.checks, tally.different, tally.tracebacks, tally.hangs)
        lines.append(f"| {tally.name} | {' | '.join(f'{n:,}' for n in numbers)} | {tally.seconds:,.0f} |")
    lines += ["", "| reader | damaged inputs | tracebacks | hangs | slowest, s |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(f'{value}' for value in row.values())} |" for row in inputs]
    return "\n".join(lines)


def main() -> None:
    """Run the soak and write its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="kills of all commands together")
    parser.add_argument("--faults", type=int, default=100, help="storage faults of all commands together")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of commands at the same time")
    parser.add_argument("--inputs", type=int, default=100_000, help="damaged inputs for each reader")
    parser.add_argument("--only", action="append", help="a scenario, `together` or `inputs`; several times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", type=Path, help="a page in which the report stands between two comments")
    options = parser.parse_args()
    chosen = [one for one in SCENARIOS if not options.only or one.name in options.only]
    rng = random.Random(options.seed)
    words = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}, {platform.system()}"
    counts: dict[str, object] = {"commit": commit.stdout.strip(), "machine": machine, "seed": options.seed}
    tallies: list[Tally] = []
    for scenario in chosen:
        tallies.append(soak(scenario, -(-options.kills // len(chosen)), -(-options.faults // len(chosen)), rng))
        print(asdict(tallies[-1]), file=sys.stderr, flush=True)
    if not options.only or "together" in options.only:
        tallies.append(soak_together(options.rounds, rng))
        print(asdict(tallies[-1]), file=sys.stderr, flush=True)
    with_inputs = not options.only or "inputs" in options.only
    inputs = [check_inputs(reader, options.inputs, options.seed) for reader in READERS] if with_inputs else []
    text = report(tallies, inputs, counts)
    print(text)
    if options.json:
        content = {**counts, "scenarios": [asdict(tally) for tally in tallies], "inputs": inputs}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if options.report:
        before, _, rest = options.report.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        options.report.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    bad = sum(tally.different + tally.tracebacks + tally.hangs for tally in tallies)
    sys.exit(1 if bad or any(row["tracebacks"] or row["hangs"] for row in inputs) else 0)


if __name__ == "__main__":
    main()
