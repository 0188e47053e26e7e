"""Write files atomically: a file exists under its name with all its content, or it does not exist.

The content goes to a temporary file in the same folder, which is synced to disk and then renamed. So a process that is
killed at any moment leaves no partial file. All files of litmine are written this way.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from litmine.errors import LitmineError, SettingError

# Suffix of a file that is not complete yet.
TEMPORARY = ".tmp"
# The file that marks a folder as a lake.
LAKE_MARKER = "lake.json"
# Of a path that is no path, messages show so many characters.
_SHOWN_PATH = 200
# Bytes of a path and of a name on the usual systems.
_MAX_PATH, _MAX_NAME = 4095, 255


@dataclass(slots=True)
class PendingFile:
    """A temporary file at `path`; `named` is True once it has its final name, False if another file has it."""

    path: Path
    named: bool = False


@contextmanager
def pending_file(path: Path, *, exclusive: bool = False, folder: int | None = None) -> Iterator[PendingFile]:
    """Context manager: yields a temporary file beside `path`, which is synced and renamed to `path` at the end.

    With `exclusive`, an existing file at `path` is not replaced. `folder` is a file descriptor of the folder of `path`:
    then nothing is renamed or deleted in another one, even if the folder is replaced meanwhile. Raises OSError. After
    an error in the block, or one of its own, it deletes the temporary file.
    """
    pending = PendingFile(path.with_name(f".{path.name}.{uuid4().hex}{TEMPORARY}"))
    temporary, final = (pending.path, path) if folder is None else (Path(pending.path.name), Path(path.name))
    try:
        yield pending
        fsync_path(temporary, folder)
        name = _link_exclusively if exclusive else _rename
        pending.named = name(temporary, final, folder)
        fsync_path(path.parent)
    finally:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)


def fsync_path(path: Path, folder: int | None = None) -> None:
    """Sync a file, or the entries of a folder, to disk. `folder`: to which a path is relative. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | (0 if folder is None else os.O_NOFOLLOW), dir_fd=folder)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(temporary: Path, path: Path, folder: int | None) -> bool:
    os.replace(temporary, path, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _link_exclusively(temporary: Path, path: Path, folder: int | None) -> bool:
    try:
        os.link(temporary, path, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        # Without hard links, replace the file. That is harmless: in a lake, files of equal names have equal rows.
        return not _exists(path, folder) and _rename(temporary, path, folder)
    return True


def _exists(path: Path, folder: int | None) -> bool:
    try:
        os.stat(path, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def require_outside_lakes(path: Path, lake: object = None) -> None:
    """Check that an output is in no lake, since it could damage it. Raises SettingError if it is, or is no path.

    lake: the folder of a lake that may not exist yet; anything else has no effect.
    """
    require_path(path)
    try:
        resolved = path.resolve()
        new = lake.resolve() if isinstance(lake, Path) else None
    except (OSError, RuntimeError) as error:  # such as links that lead to each other
        raise SettingError(f"{path} cannot be the path of an output ({error}); choose another one") from error
    folders = (resolved, *resolved.parents)
    lakes = [folder for folder in folders if folder == new or os.path.lexists(folder / LAKE_MARKER)]
    if lakes:
        raise SettingError(f"an output file cannot be inside the lake; choose a path outside {lakes[0]}")


def require_path(path: Path) -> None:
    """Raise SettingError for text that can be no path: it has a NUL, or is longer than the system allows."""
    name = str(path)
    problem = "has a NUL character" if "\0" in name else ""
    if len(os.fsencode(name)) > _MAX_PATH or any(len(os.fsencode(part)) > _MAX_NAME for part in path.parts):
        problem = "is too long for the name of a file"
    if problem:
        shown = ascii(name if len(name) < _SHOWN_PATH else f"{name[:_SHOWN_PATH]}...")
        raise SettingError(f"{shown} {problem}; choose another one")


@contextmanager
def open_atomic(file: Path) -> Iterator[IO[bytes]]:
    """Context manager: yields an open file, which gets its name at the end and is deleted after an error.

    A device or a named pipe is written directly. Raises LitmineError when the file cannot be written, or is in a lake.
    """
    require_outside_lakes(file)
    try:
        if file.exists() and not file.is_file():
            # Do not replace a device such as /dev/null.
            with file.open("wb") as out:
                yield out
            return
        file = file.resolve()
        with pending_file(file) as pending, pending.path.open("xb") as out:
            yield out
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror or error}); choose another file") from error
