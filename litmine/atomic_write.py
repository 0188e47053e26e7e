"""A file of results: whole under its name, or not there.

The one way to write a file: filled beside its place, made durable and then named, so that it is there whole or not.

At whatever instant the process dies. What it writes for, and the sentence for a failure, is its caller's.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from litmine.errors import LitmineError

# How the name of a file ends that is not whole yet.
TEMPORARY = ".tmp"


@dataclass(slots=True)
class PendingFile:
    """A file to be filled at `path`; `named` says afterwards whether it is the one under the name that it was for."""

    path: Path
    named: bool = False


@contextmanager
def pending_file(path: Path, *, exclusive: bool = False) -> Iterator[PendingFile]:
    """A file to fill beside `path`, which takes that name, made durable, when the block ends well.

    With `exclusive` a file that already has the name stays as it is. Raises OSError; then, and when the block does not
    end well, nothing of the file is left.
    """
    filled = PendingFile(path.with_name(f".{path.name}.{uuid4().hex}{TEMPORARY}"))
    try:
        yield filled
        fsync_path(filled.path)
        filled.named = _name_exclusively(filled.path, path) if exclusive else _name(filled.path, path)
        fsync_path(path.parent)
    finally:
        with suppress(OSError):
            filled.path.unlink()


def fsync_path(path: Path) -> None:
    """Make a file, or what stands in a folder, durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(temporary: Path, path: Path) -> bool:
    temporary.replace(path)
    return True


def _name_exclusively(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: equal names hold equal rows in a lake, so that replacing is harmless too.
        return not path.exists() and _name(temporary, path)
    return True


@contextmanager
def open_atomic(file: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes its name, made durable, when the block ends well and leaves nothing otherwise.

    A device or a named pipe is written to as it is. Raises LitmineError when the file cannot be written.
    """
    try:
        if file.exists() and not file.is_file():
            # /dev/null, say, is not replaced.
            with file.open("wb") as out:
                yield out
            return
        file = file.resolve()
        with pending_file(file) as filled, filled.path.open("xb") as out:
            yield out
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror or error}); choose another file") from error
