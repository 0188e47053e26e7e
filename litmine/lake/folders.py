"""Open, list and delete what is in the folders of a lake, without leaving the lake.

Who may write into a lake may put a link, a named pipe or a device there. So litmine follows no link below a lake, and
opens only regular files. The path of a lake has no links when it is opened (`parse_lake_path` resolves it), so each
folder is opened from the root of the file system, one name at a time, without following a link. Files are created,
renamed and deleted relative to the open folder: a folder that another process replaces by a link meanwhile does not
matter. Objects of an object store know no links.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from litmine.atomic_write import fsync_path
from litmine.errors import LakeError
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import LakePath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# To walk through a folder, the permission to search it is enough where the system has O_PATH.
_WALK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Entries that listings passed over since the process started, each with the reason.
passed_over: dict[str, str] = {}

_PARQUET = ".parquet"
FOLDER = "is a folder, but has the name of a file of a table; restore the file"
LINK = "is a link, which litmine does not follow in a lake; put the files themselves there"
SPECIAL = "is neither a file nor a folder, so litmine does not open it; delete it"


@contextmanager
def open_folder(folder: Path, *, create: bool = False) -> Iterator[int]:
    """Context manager: yields a file descriptor of an absolute folder; no part of its path is a link.

    create: make the folder and its parents if they are missing, and sync them to disk. Raises LakeError if a part of
    the path is a link, OSError otherwise.
    """
    handle = _open_without_links(folder, create)
    try:
        yield handle
    finally:
        os.close(handle)


def _open_without_links(folder: Path, create: bool) -> int:
    root, *names = folder.parts
    handle = os.open(root, _WALK)
    for depth, name in enumerate(names, 1):
        flags = _FOLDER if depth == len(names) else _WALK
        try:
            try:
                inner = os.open(name, flags, dir_fd=handle)
            except FileNotFoundError:
                if not create:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=handle)
                inner = os.open(name, flags, dir_fd=handle)
                fsync_path(Path(root, *names[: depth - 1]))
        except OSError as error:
            # Linux reports a link as "not a directory", other systems as "too many levels of links".
            if error.errno in (errno.ENOTDIR, errno.ELOOP) and _mode(name, handle) == stat.S_IFLNK:
                raise LakeError(f"{Path(root, *names[:depth])} {LINK}") from error
            raise
        finally:
            os.close(handle)
        handle = inner
    return handle


def _mode(name: str, folder: int) -> int | None:
    try:
        return stat.S_IFMT(os.lstat(name, dir_fd=folder).st_mode)
    except OSError:
        return None


def why_not_opened(path: Path) -> str | None:
    """Why litmine does not open this entry of a lake; None for a file, a folder, and what does not exist."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        return LINK
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else SPECIAL


def require_plain(path: Path) -> None:
    """Raise LakeError for a link, a named pipe or a device."""
    if (reason := why_not_opened(path)) is not None:
        raise LakeError(f"{path} {reason}")


def read_plain_head(path: Path, size: int) -> bytes:
    """The first bytes of a file of a lake; empty for a link, a pipe, a device, and a file that cannot be read."""
    try:
        with _open_plain(path) as file:
            return file.read(size)
    except (LakeError, OSError):
        return b""


def _open_plain(path: Path) -> IO[bytes]:
    require_plain(path)
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def read_plain(path: Path, max_bytes: int) -> bytes:
    """Read a small file of a lake. Raises LakeError for a link, a pipe, a device or a larger file, else OSError."""
    with _open_plain(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise LakeError(f"{path} is larger than {max_bytes:,} bytes, so it is not litmine's; delete it")
    return data


def glob_files(folder: LakePath, pattern: str) -> list[LakePath]:
    """The files below a folder of a lake that match a pattern such as `*/*.parquet`; no part may be `**`.

    Links, pipes and devices are passed over and noted in `passed_over`. Raises LakeError if `folder` is a link or
    cannot be read.
    """
    if isinstance(folder, ObjectPath):
        return list(folder.glob(pattern))
    above, _, name = pattern.rpartition("/")
    folders = glob_folders(folder, above) if above else [folder]
    return [path for parent in folders for path in _matching(parent, name, stat.S_IFREG)]


def glob_folders(folder: Path, pattern: str) -> list[Path]:
    """The folders below a folder of a lake that match a pattern, as `glob_files` finds files."""
    found = [folder]
    for name in pattern.split("/"):
        found = [path for parent in found for path in _matching(parent, name, stat.S_IFDIR)]
    return found


def _matching(folder: Path, pattern: str, kind: int) -> list[Path]:
    """The files or folders of a folder whose names match."""
    if not os.path.lexists(folder):
        return []
    if (reason := why_not_opened(folder)) is not None:
        raise LakeError(f"{folder} {reason}")
    try:
        with os.scandir(folder) as entries:
            matching = [entry for entry in entries if fnmatchcase(entry.name, pattern)]
    except NotADirectoryError:
        raise LakeError(f"{folder} is a file, but a lake has a folder there; move the file away") from None
    except OSError as error:
        raise LakeError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    names = []
    for entry in matching:
        if entry.is_file(follow_symlinks=False) if kind == stat.S_IFREG else entry.is_dir(follow_symlinks=False):
            names.append(entry.name)
        elif (reason := why_not_opened(folder / entry.name)) is not None:
            passed_over[str(folder / entry.name)] = reason
        elif kind == stat.S_IFREG and pattern.endswith(_PARQUET):
            passed_over[str(folder / entry.name)] = FOLDER
    return [folder / name for name in sorted(names)]


def parquet_files(lake: LakePath) -> list[LakePath]:
    """All Parquet files of a lake that litmine opens, sorted by path."""
    if isinstance(lake, ObjectPath):
        return sorted(lake.rglob("*.parquet"))
    return [path for path in walk(lake) if path.suffix == ".parquet" and is_file(path)]


def is_file(path: LakePath) -> bool:
    """Whether this is an object, or a file and no link."""
    return path.is_file() and (isinstance(path, ObjectPath) or not path.is_symlink())


def walk(folder: Path) -> Iterator[Path]:
    """Every entry below a folder, links included, which are not followed."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in sorted((*folders, *files)))


def delete_in(folder: Path, name: str) -> None:
    """Delete a file or a folder with all that is in it; `name` is a plain name. What is missing is no error.

    Of a link, the link itself is deleted. Raises LakeError if a part of the path of the folder is a link, OSError if
    it cannot be deleted.
    """
    assert is_plain_name(name)
    with suppress(FileNotFoundError), open_folder(folder) as handle:
        if _mode(name, handle) == stat.S_IFDIR:
            shutil.rmtree(name, dir_fd=handle)
        else:
            os.unlink(name, dir_fd=handle)


def is_plain_name(name: str) -> bool:
    """Whether a string is the name of an entry of a folder and no path."""
    return bool(name) and name not in (".", "..") and "/" not in name and "\0" not in name
