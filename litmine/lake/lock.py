"""One process at a time for a piece of work. A lock goes with the process that holds it, however that ends."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from litmine.errors import LakeLockedError
from litmine.lake.file_writer import make_folder, unwritable
from litmine.lake.paths import Place, desk


@contextmanager
def exclusive(lake: Place, job: str, *, wait: bool = False, run: str = "") -> Iterator[None]:
    """Hold `.locks/<job>` on the lake's desk, which says who holds it: process, machine, since when, the `run` if any.

    While another process holds it: raises LakeLockedError at once, or with `wait` waits, where Ctrl-C is heard. Raises
    LakeError when it cannot be made.
    """
    path = desk(lake) / ".locks" / job
    try:
        make_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeLockedError(
                f"another litmine {job} is writing to {lake} ({holder(lake, job)}); wait until it is done and run this"
                " again"
            ) from None
        except OSError as error:
            raise unwritable(path, error) from error
        _sign(handle, run)
        yield
    finally:
        os.close(handle)


def holder(lake: Place, job: str) -> str:
    """Who holds a lock, in words. What a process that was killed has left there is only read while a lock is held."""
    try:
        said = json.loads((desk(lake) / ".locks" / job).read_bytes())
        run = f", run {said['run']}" if said["run"] else ""
        return f"process {said['pid']} on {said['host']}, since {said['since']}{run}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has only just begun"


def _sign(handle: int, run: str) -> None:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "run": run}
    with suppress(OSError):  # on a full disk the lock holds, unsigned
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(said).encode(), 0)
