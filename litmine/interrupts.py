"""Ctrl-C while the command `litmine` starts: one sentence and exit code 130, as later.

Importing the command line takes a tenth of a second and more. This module is imported before everything else, and
imports only what Python has loaded already. In other programs that import litmine it does nothing.
"""

import os
import sys

# The module `signal` takes long to import, for its enumerations; this part of it is built into Python.
from _signal import SIG_IGN, SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

INTERRUPTED = 130
MESSAGE = "litmine: interrupted; finished work is kept, and the same command continues from there"


def stop(*_: object) -> None:
    """End the process at once: nothing has begun yet."""
    shown = "\n" if os.isatty(2) else ""  # after the ^C of the terminal
    os.write(2, f"{shown}{MESSAGE}\n".encode())
    os._exit(INTERRUPTED)


def _is_command() -> bool:
    name = os.path.basename(sys.argv[0]) if sys.argv else ""  # noqa: PTH119 -- pathlib takes long to import
    return name in ("litmine", "litmine.exe") or sys.orig_argv[1:3] == ["-m", "litmine"]


# A handler that ignores Ctrl-C, and Python's own, which raises KeyboardInterrupt.
IGNORE, RAISE = SIG_IGN, default_int_handler
# Whether this process was started as the command `litmine`, or as `python -m litmine`. A program that calls the command
# line, and changes `sys.argv` for it, stays a program of its own.
IS_COMMAND = _is_command()


def use(handler: object, instead_of: object) -> None:
    """Change what Ctrl-C does, unless somebody else has changed it: a shell ignores it for background commands."""
    if getsignal(SIGINT) is instead_of:
        signal(SIGINT, handler)


def forget_interrupt() -> None:
    """Let Python end with an exit code after Ctrl-C that was handled.

    If Ctrl-C comes while code from a string runs, as in the making of a dataclass, CPython notes that nobody handled
    it, and `python -m` kills its process by SIGINT at the end, whatever the exit code. Other such code clears the note.
    """
    exec("")


if IS_COMMAND:
    use(stop, RAISE)
