"""Locks that ensure only one process at a time does a job. The system releases a lock when its process ends."""

import fcntl
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from litmine.errors import LakeError, LakeLockedError
from litmine.lake.file_writer import file_write_error
from litmine.lake.folders import open_folder, read_plain, require_plain
from litmine.lake.paths import LakePath, local_folder

# What is read of a lock file.
_MAX_BYTES = 10_000


@contextmanager
def hold_lock(lake: LakePath, job: str, *, wait: bool = False, run: str = "") -> Iterator[None]:
    """Hold the lock file `.locks/<job>` in the lake's local folder.

    The file records the holder: process, machine, time and, if set, the id of the `run`. If another process holds the
    lock, raises LakeLockedError; with `wait`, waits for it instead, and Ctrl-C ends the wait. Raises LakeError when the
    file cannot be written, or when it is no regular file.
    """
    path = local_folder(lake) / ".locks" / job
    try:
        with open_folder(path.parent, create=True) as folder:
            handle = os.open(job, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666, dir_fd=folder)
    except OSError as error:
        require_plain(path)
        raise file_write_error(path, error) from error
    try:
        _check_own_file(path, os.fstat(handle))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeLockedError(
                f"another litmine {job} is writing to {lake} ({lock_holder(lake, job)}); wait until it is done and run"
                " this again"
            ) from None
        except OSError as error:
            raise file_write_error(path, error) from error
        _write_holder(handle, run)
        yield
    finally:
        os.close(handle)


def lock_holder(lake: LakePath, job: str) -> str:
    """Describe the process that holds a lock.

    Call it only while the lock is held: after a process was killed, the file still names it.
    """
    try:
        holder = json.loads(read_plain(local_folder(lake) / ".locks" / job, _MAX_BYTES))
        run = f", run {holder['run']}" if holder["run"] else ""
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}{run}"
    except (LakeError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return "a process that has just started"


def _check_own_file(path: Path, found: os.stat_result) -> None:
    """Raise LakeError for a pipe or a device, and for a file that also has another name, perhaps outside the lake."""
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise LakeError(f"{path} is not a file of litmine alone, so it is not written; delete it")


def _write_holder(handle: int, run: str) -> None:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "run": run}
    with suppress(OSError):  # The lock also works without the text, for example when the disk is full.
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
