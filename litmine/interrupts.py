"""Ctrl-C while the command `litmine` starts: one sentence and exit code 130, as later.

Importing the command line takes a tenth of a second and more. This module is imported before everything else, and
imports only what Python has loaded already. In other programs that import litmine it does nothing.
"""

import os
import signal
import sys

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


# Whether this process was started as the command `litmine`, or as `python -m litmine`. A program that calls the command
# line, and changes `sys.argv` for it, stays a program of its own.
IS_COMMAND = _is_command()


def use(handler: object, instead_of: object) -> None:
    """Change what Ctrl-C does, unless somebody else has changed it: a shell ignores it for background commands."""
    if signal.getsignal(signal.SIGINT) is instead_of:
        signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]


if IS_COMMAND:
    use(stop, signal.default_int_handler)
