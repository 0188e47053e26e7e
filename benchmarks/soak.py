"""Kill every command, fill its disk, and run commands at once: is any row lost or doubled? Writes one report.

    python -m benchmarks.soak [--kills 1000] [--faults 100] [--rounds 20] [--inputs 100000] [--only NAME]...
        [--minutes 60] [--seed 0] [--results build/soak.jsonl] [--report docs/soak.md]

Each scenario is a command on a small lake of its own. It runs undisturbed, which shows how long it takes and what it
leaves. Then, in a round, one lake suffers up to ten kills (SIGKILL) at random moments, and each start goes on from what
the last one left. At last the command runs to its end, and what it leaves must be equal. Only kills of a process that
still ran count. In a round of storage faults, the largest size of a file is limited, so that a write fails. In a
concurrent round several commands work on one lake at the same time. `soak_inputs.py` gives damaged files to readers.

The rounds take turns, so that all counts grow together. Each adds a line to the results. The soak ends when the counts
are reached, when the minutes are over, or with Ctrl-C; it writes the report each time, and goes on from the results
when it is started again. Delete the file of results to begin anew.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.soak_commands import SCENARIOS, SERVED, BrokenCommandError
from benchmarks.soak_inputs import READERS, Reader, check_inputs
from benchmarks.soak_process import CHECKOUT
from benchmarks.soak_report import Row, add_row, failures, read_rows, report, total, write_into
from benchmarks.soak_rounds import Bench, Tally, Together, benches

INPUTS_PER_ROUND = 2_000
TOGETHER = "at once"


@dataclass(frozen=True, slots=True)
class Goal:
    """A count to reach: `number` of `count` in the rounds of `name`."""

    name: str
    count: str
    number: int
    round: Callable[[], Row]


@contextmanager
def fake_pubmed() -> Iterator[str]:
    """A fake PubMed server in a process of its own; gives its address."""
    words = [sys.executable, "-m", "litmine", "rehearse", "--up-to", str(SERVED)]
    with subprocess.Popen(
        words, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def goals(options: argparse.Namespace, folder: Path, server: str, rng: random.Random) -> list[Goal]:
    """What the options ask for."""
    chosen = [one for one in SCENARIOS if not options.only or one.name in options.only]
    shares = sum(one.share for one in chosen)
    found = []
    for scenario, bench in zip(chosen, benches(chosen, folder, {"fetch": server}, rng).values(), strict=True):
        kills, faults = (-(-number * scenario.share // shares) for number in (options.kills, options.faults))
        found.append(Goal(scenario.name, "kills", kills, _rounds(bench, kills=True)))
        found.append(Goal(scenario.name, "faults", faults, _rounds(bench, kills=False)))
    if not options.only or TOGETHER in options.only:
        together: list[Together] = []

        def at_once() -> Row:
            together.extend([] if together else [Together(folder, rng)])
            return asdict(together[0].round())

        found.append(Goal(TOGETHER, "checks", options.rounds, at_once))
    number = min(INPUTS_PER_ROUND, options.inputs)
    found += [
        Goal(reader[0], "inputs", options.inputs, _inputs(reader, number, rng))
        for reader in READERS
        if not options.only or "inputs" in options.only or reader[0] in options.only
    ]
    return found


def _inputs(reader: Reader, number: int, rng: random.Random) -> Callable[[], Row]:
    return lambda: check_inputs(reader, number, rng.randrange(1 << 32))


def _rounds(bench: Callable[[], Bench], kills: bool) -> Callable[[], Row]:
    return lambda: asdict(bench().kill_round() if kills else bench().fault_round())


def soak(chosen: Sequence[Goal], results: Path, minutes: float) -> None:
    """Run rounds until all goals are reached or the time is over: always one of the goal that is farthest behind."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout.strip()
    rows, end = read_rows(results), time.monotonic() + minutes * 60
    done = {id(goal): total(rows, goal.name, goal.count) for goal in chosen}
    while time.monotonic() < end:
        open_goals = [goal for goal in chosen if done[id(goal)] < goal.number]
        if not open_goals:
            break
        goal = min(open_goals, key=lambda goal: done[id(goal)] / goal.number)
        try:
            row = {**goal.round(), "commit": commit}
        except BrokenCommandError as error:
            row = {**asdict(Tally(goal.name, different=1, messages=[str(error)])), "commit": commit}
            chosen = [other for other in chosen if other.name != goal.name]
        done[id(goal)] += row[goal.count]
        add_row(results, row)
        for message in row["messages"]:
            print(f"{goal.name}: {message}", file=sys.stderr, flush=True)


def main() -> None:
    """Run the soak and write its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="kills of all commands together")
    parser.add_argument("--faults", type=int, default=100, help="storage faults of all commands together")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of commands at the same time")
    parser.add_argument("--inputs", type=int, default=100_000, help="damaged inputs for each reader")
    parser.add_argument("--only", action="append", help="a command, `at once`, `inputs` or a reader; several times")
    parser.add_argument("--minutes", type=float, default=60.0, help="the longest time")
    parser.add_argument("--seed", type=int, default=None, help="of the moments of kills; by default a new one")
    parser.add_argument("--results", type=Path, default=CHECKOUT / "build" / "soak.jsonl")
    parser.add_argument("--report", type=Path, help="a page in which the report stands between two comments")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="litmine-soak-"))
    try:
        with fake_pubmed() as server:
            soak(goals(options, folder, server, random.Random(options.seed)), options.results, options.minutes)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = read_rows(options.results)
    if rows:
        commands = [*(scenario.name for scenario in SCENARIOS), TOGETHER]
        text = report(rows, commands, [reader[0] for reader in READERS])
        print(text)
        if options.report:
            write_into(options.report, text)
    sys.exit(1 if failures(rows) else 0)


if __name__ == "__main__":
    main()
