"""Run a command of litmine in a process of its own, and kill it.

Most of these processes are forks of the soak, which has imported what the command needs: starting Python takes longer
than most of the commands. The others are new Pythons.
"""

import importlib
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
_POLL_SECONDS = 0.01
# Ray's processes must not be forks of a process that has imported it.
_NOT_IMPORTED = ("ray", "__main__", "__mp_main__", "litmine.__main__")


class Command:
    """A running command.

    words: what follows `litmine` on the command line. folder: where it runs. new_python: whether it starts Python.
    largest_file: the most bytes that it can write to a file. modules_to: a file for the names of the modules that it
    has imported at its end.
    """

    def __init__(
        self,
        words: Sequence[object],
        folder: Path,
        environment: Mapping[str, str],
        new_python: bool,
        largest_file: int | None = None,
        modules_to: Path | None = None,
    ) -> None:
        self._pipe, write = os.pipe()
        os.set_blocking(self._pipe, False)
        self._errors = bytearray()
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become([*map(str, words)], folder, environment, write, new_python, largest_file, modules_to)
        os.close(write)

    def wait(self, seconds: float) -> bool:
        """Wait until the command ends, at most so long. Returns whether it has ended."""
        end = time.monotonic() + seconds
        while self.code is None:
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended(status)
            elif time.monotonic() >= end:
                return False
            else:
                time.sleep(max(0.0, min(_POLL_SECONDS, end - time.monotonic())))
        return True

    def kill(self) -> bool:
        """Kill the command and the processes that it started. Returns whether it was still running."""
        if self.code is None:
            # Ray's processes leave the group; once their parent is dead, nothing says whose they were.
            for pid in (self.pid, *_descendants(self.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._ended(os.waitpid(self.pid, 0)[1])
        return self.code == -signal.SIGKILL

    @property
    def errors(self) -> str:
        """What it wrote to stderr."""
        return self._errors.decode(errors="replace")

    def _read(self) -> None:
        while select.select([self._pipe], [], [], 0)[0]:
            got = os.read(self._pipe, 1 << 16)
            if not got:
                return
            self._errors += got

    def _ended(self, status: int) -> None:
        self._read()
        os.close(self._pipe)
        self.code = os.waitstatus_to_exitcode(status)


def import_all(names: Sequence[str]) -> None:
    """Import modules that a command has used, so that its next processes need not."""
    for name in names:
        if name.partition(".")[0] not in _NOT_IMPORTED and name not in _NOT_IMPORTED:
            with suppress(Exception):
                importlib.import_module(name)


def in_fork(work: Callable[[], str]) -> str:
    """The result of a function in a fork, because its threads must not run in the soak. Empty if it fails."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        with suppress(BaseException):
            try:
                os.write(write, work().encode())
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        result = pipe.read()
    os.waitpid(pid, 0)
    return result


def _become(
    words: list[str],
    folder: Path,
    environment: Mapping[str, str],
    errors: int,
    new_python: bool,
    largest_file: int | None,
    modules_to: Path | None,
) -> None:
    """Turn this fork into the command; never returns."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in enumerate((null, null, errors)):
            os.dup2(descriptor, number)
        os.environ.update(environment)
        if largest_file is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        if new_python:
            os.execve(sys.executable, [sys.executable, "-m", "litmine", *words], {**os.environ})
        code = _run_here(words)
        if modules_to:
            modules_to.write_text("\n".join(sys.modules), encoding="utf-8")
    except BaseException:  # noqa: BLE001 -- a traceback is what the soak looks for
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Without Python's own end, which would delete the temporary folders of the soak.
        os._exit(code)


def _run_here(words: list[str]) -> int:
    """Run the command line as `python -m litmine` does; returns its exit code."""
    import runpy

    sys.argv = ["litmine", *words]
    try:
        runpy.run_module("litmine", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _descendants(pid: int) -> list[int]:
    """The processes below a process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name of a program, in brackets, may hold spaces.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found: list[int] = []
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found += new
    return found
