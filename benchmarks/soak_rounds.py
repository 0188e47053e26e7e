"""Rounds of the soak: a lake suffers a series of kills or of full disks, then one run to the end shows what it lost."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_commands import (
    ANNOTATE,
    HANG_SECONDS,
    IMPORT,
    TOGETHER,
    BrokenCommandError,
    Scenario,
    do,
    environment,
    lake_digest,
    with_records,
)
from benchmarks.soak_process import Command, import_all, in_fork

# A round ends after so many kills or faults; then the command runs to its end.
KILLS, FAULTS = 10, 5
# The share of commands that start Python, so that kills hit its start too.
_NEW_PYTHON = 0.1


@dataclass(slots=True)
class Tally:
    """The counts of a round. load: the processes that wanted a core at its end."""

    name: str
    kills: int = 0
    faults: int = 0
    checks: int = 0
    different: int = 0
    tracebacks: int = 0
    hangs: int = 0
    seconds: float = 0.0
    load: float = 0.0
    messages: list[str] = field(default_factory=list)

    def end(self, command: Command) -> int | None:
        """Wait for a command, and count a traceback or a hang. Returns its exit code."""
        if not command.wait(HANG_SECONDS):
            command.kill()
            self.hangs += 1
            self.messages.append(f"hangs: {command.errors[-1000:]}")
        if "Traceback" in command.errors:
            self.tracebacks += 1
            self.messages.append(command.errors[-4000:])
        return command.code

    def stop(self, began: float) -> "Tally":
        """Set the duration (a round that began at this time of the monotonic clock) and the load."""
        self.seconds, self.load = round(time.monotonic() - began, 1), round(os.getloadavg()[0], 1)
        return self


class Bench:
    """A scenario with its undisturbed result, and the folder that each round starts from.

    Raises BrokenCommandError if the command fails, or gives different results, when nothing disturbs it.
    """

    def __init__(self, scenario: Scenario, folder: Path, server: str | None, rng: random.Random) -> None:
        self.scenario, self.rng = scenario, rng
        self._start, self._work = folder / "start", folder / "work"
        self._start.mkdir(parents=True)
        if server:
            (self._start / "server").write_text(server, encoding="utf-8")
        scenario.prepare(self._start)
        self._seconds = {True: 0.0, False: 0.0}
        self._expected = ""
        # A Python of its own, a fork that imports the modules, and a fork that has them.
        for number in range(3 if scenario.forks else 1):
            self._copy()
            began = time.monotonic()
            modules = folder / "modules"
            command = self._command(new_python=number == 0, modules_to=modules)
            if not command.wait(HANG_SECONDS) or command.code not in (0, 3):
                raise BrokenCommandError(f"{scenario.name} ended with {command.code}: {command.errors}")
            self._seconds[number == 0] = time.monotonic() - began
            if number:
                import_all(modules.read_text(encoding="utf-8").splitlines())
            expected = self._result()
            if not expected or (self._expected and expected != self._expected):
                raise BrokenCommandError(f"{scenario.name} gives different results when nothing disturbs it")
            self._expected = expected

    def kill_round(self) -> Tally:
        """Up to ten kills of one lake, at random moments; each start goes on from what the last one left.

        A command that ends before its kill is the run to the end.
        """
        tally, began = Tally(self.scenario.name), time.monotonic()
        self._copy()
        while tally.kills < KILLS:
            new_python = not self.scenario.forks or self.rng.random() < _NEW_PYTHON
            started = time.monotonic()
            command = self._command(new_python)
            if command.wait(self.rng.uniform(0, self._seconds[new_python])):
                # The machine may be busier than before, or less busy.
                self._seconds[new_python] = (self._seconds[new_python] + time.monotonic() - started) / 2
                break
            tally.kills += command.kill()
        else:
            command = self._command(not self.scenario.forks)
        self._check(tally, command)
        return tally.stop(began)

    def fault_round(self) -> Tally:
        """Up to five failed writes in one lake: the system limits the size of files at a random size."""
        tally, began = Tally(self.scenario.name), time.monotonic()
        self._copy()
        for _ in range(FAULTS):
            # Most files are small, so the limit is on a logarithmic scale.
            limit = int(10 ** self.rng.uniform(1, 6))
            tally.faults += tally.end(self._command(not self.scenario.forks, limit)) not in (0, 3)
        self._check(tally, self._command(not self.scenario.forks))
        return tally.stop(began)

    def _copy(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._start, self._work, symlinks=True)

    def _command(self, new_python: bool, largest_file: int | None = None, modules_to: Path | None = None) -> Command:
        variables = environment(self._work)
        return Command(self.scenario.words, self._work, variables, new_python, largest_file, modules_to)

    def _check(self, tally: Tally, last: Command) -> None:
        """Compare what is left when the last command has ended."""
        code = tally.end(last)
        tally.checks += 1
        if code not in (0, 3) or self._result() != self._expected:
            tally.different += 1
            tally.messages.append(f"differs; the run to the end gave {code}: {last.errors[-1000:]}")

    def _result(self) -> str:
        return in_fork(lambda: self.scenario.result(self._work))


class Together:
    """Commands that run at the same time on one lake; one of them is killed."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        whole = self._lake()
        for words in (IMPORT, ANNOTATE):
            do(words, whole)
        self._expected = in_fork(lambda: lake_digest(whole))

    def round(self) -> Tally:
        """One round on a new lake."""
        tally, began = Tally("at once"), time.monotonic()
        folder = self._lake()
        do(IMPORT, folder)
        commands = [Command(words, folder, environment(folder), new_python=False) for words in TOGETHER]
        victim = self._rng.choice(commands)
        if not victim.wait(self._rng.uniform(0, 5)):
            tally.kills += victim.kill()
        # Each writes to stderr little enough for its pipe, so none waits for another one to be read.
        for command in commands:
            tally.end(command)
        codes = [tally.end(Command(words, folder, environment(folder), False)) for words in (IMPORT, ANNOTATE)]
        tally.checks += 1
        if not {*codes} <= {0, 3} or in_fork(lambda: lake_digest(folder)) != self._expected:
            tally.different += 1
            tally.messages.append(f"differs; the runs to the end gave {codes}")
        shutil.rmtree(folder)
        return tally.stop(began)

    def _lake(self) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        with_records(folder)
        return folder


def benches(
    scenarios: Sequence[Scenario], folder: Path, servers: dict[str, str], rng: random.Random
) -> dict[str, Callable[[], Bench]]:
    """For each scenario a function that makes its bench, once: when its first round begins."""
    made: dict[str, Bench] = {}

    def make(scenario: Scenario) -> Callable[[], Bench]:
        def bench() -> Bench:
            if scenario.name not in made:
                place = folder / scenario.name.replace(" ", "-")
                made[scenario.name] = Bench(scenario, place, servers.get(scenario.name), rng)
            return made[scenario.name]

        return bench

    return {scenario.name: make(scenario) for scenario in scenarios}
