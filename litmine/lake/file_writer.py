"""Write the files of a lake, in a folder or on an object store. Each file appears whole or not at all."""

import errno
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from litmine.atomic_write import TEMPORARY, pending_file
from litmine.errors import LakeError
from litmine.lake.folders import delete_in, glob_files, open_folder
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import LakePath

# A temporary file older than this belongs to a process that was killed.
_STALE_SECONDS = 24 * 3600

# No space, a full quota, a file that is too large.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: LakePath, write: Callable[[Path], object], *, exclusive: bool = False) -> bool:
    """Let `write` fill a temporary file beside `path`, sync it to disk, and rename it in one step.

    exclusive: keep a file that already has the name. Returns whether `path` is the file just written. Raises LakeError
    if the disk is full, the folder is not writable, or a part of its path is a link; then no partial file is left.
    """
    if isinstance(path, ObjectPath):
        with TemporaryDirectory(prefix="litmine-") as folder:
            write(Path(folder) / path.name)
            return write_bytes(path, (Path(folder) / path.name).read_bytes(), exclusive=exclusive)
    try:
        with open_folder(path.parent, create=True) as folder:
            _delete_stale_temporaries(path.parent)
            with pending_file(path, exclusive=exclusive, folder=folder) as pending:
                write(pending.path)
    except OSError as error:
        raise file_write_error(path, error) from error
    return pending.named


def write_bytes(path: LakePath, data: bytes, *, exclusive: bool = False) -> bool:
    """Write a file as `write_atomically` does, from bytes."""
    if isinstance(path, ObjectPath):
        try:
            return path.create_bytes(data) if exclusive else path.write_bytes(data)
        except OSError as error:
            raise file_write_error(path, error) from error
    return write_atomically(path, lambda temporary: temporary.write_bytes(data), exclusive=exclusive)


def delete_file(path: LakePath) -> int:
    """Delete a file. Returns its size in bytes, 0 if it no longer exists. Raises LakeError if it cannot be deleted."""
    try:
        if isinstance(path, ObjectPath):
            size = path.stat().st_size
            path.unlink()
        else:
            size = path.lstat().st_size
            delete_in(path.parent, path.name)
    except FileNotFoundError:
        return 0
    except OSError as error:
        reason = error.strerror or error
        raise LakeError(f"{path} cannot be deleted ({reason}); check the permissions of its folder") from error
    return size


def file_age(path: LakePath) -> float:
    """Seconds since a file was written; infinite if it no longer exists."""
    try:
        return time.time() - (path.lstat() if isinstance(path, Path) else path.stat()).st_mtime
    except FileNotFoundError:
        return math.inf


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, and sync them to disk. Does nothing if it exists.

    Raises LakeError if a part of its path is a link, OSError if it cannot be created.
    """
    with open_folder(folder, create=True):
        pass


def file_write_error(path: LakePath, error: OSError) -> LakeError:
    """The error for a file that could not be written, with a remedy that fits the cause."""
    reason = error.strerror or str(error)
    # DuckDB gives the reason without its number.
    if error.errno in _FULL or any(os.strerror(number) in reason for number in _FULL):
        remedy = "free some space and run the command again: finished work is kept"
    elif isinstance(path, ObjectPath):
        remedy = "check that the bucket exists, and run the command again"
    else:
        remedy = "check that the folder is writable, and run the command again: finished work is kept"
    return LakeError(f"{path} could not be written ({reason}); {remedy}")


def escape_surrogates(text: str) -> str:
    r"""Replace each surrogate with an escape such as `\udcff`, so that the text can be encoded as UTF-8.

    Python makes surrogates of the bytes of a file name that are not UTF-8.
    """
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _delete_stale_temporaries(folder: Path) -> None:
    """Delete temporary files that killed runs left more than a day ago. Runs once per process and folder."""
    for path in glob_files(folder, f".*{TEMPORARY}*"):
        with suppress(OSError):
            if file_age(path) > _STALE_SECONDS:
                delete_in(folder, path.name)
