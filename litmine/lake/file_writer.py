"""The one place that writes into a lake, in a folder or on an object store: each file whole or not at all."""

import errno
import math
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from litmine.atomic_write import TEMPORARY, fsync_path, pending_file
from litmine.errors import LakeError
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import Place

_STALE_SECONDS = 24 * 3600


def write_whole(path: Place, write: Callable[[Path], object], *, exclusive: bool = False) -> bool:
    """Let `write` fill a temporary file beside `path`, make it durable, and give it its name in one step.

    With `exclusive` a file that already has the name stays as it is. Returns whether `path` is the file just written.
    Raises LakeError when the disk is full or the folder cannot be written; then nothing of the file is left.
    """
    if isinstance(path, ObjectPath):
        with TemporaryDirectory(prefix="litmine-") as folder:
            write(Path(folder) / path.name)
            return write_bytes(path, (Path(folder) / path.name).read_bytes(), exclusive=exclusive)
    try:
        make_folder(path.parent)
        _sweep(path.parent)
        with pending_file(path, exclusive=exclusive) as filled:
            write(filled.path)
    except OSError as error:
        raise unwritable(path, error) from error
    return filled.named


def write_bytes(path: Place, data: bytes, *, exclusive: bool = False) -> bool:
    """`write_whole` for bytes at hand."""
    if isinstance(path, ObjectPath):
        try:
            return path.create_bytes(data) if exclusive else path.write_bytes(data)
        except OSError as error:
            raise unwritable(path, error) from error
    return write_whole(path, lambda temporary: temporary.write_bytes(data), exclusive=exclusive)


def remove(path: Place) -> int:
    """Delete a file that nobody needs; returns its bytes, 0 when it is gone already. Raises LakeError."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise LakeError(
            f"{path} cannot be deleted ({error.strerror or error}); see to the folder's permissions"
        ) from error
    return size


def age(path: Place) -> float:
    """Seconds since a file was written, endless when it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def make_folder(folder: Path) -> None:
    """Make `folder` and the folders above it, durably; one that exists is left alone. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        fsync_path(folder.parent)


def unwritable(path: Place, error: OSError) -> LakeError:
    """The sentence for a file that could not be written."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left" in reason:
        advice = "free some space and run the command again: what was finished stays"
    elif isinstance(path, ObjectPath):
        advice = "see that there is such a bucket, and run the command again"
    else:
        advice = "see that the folder can be written, and run the command again: what was finished stays"
    return LakeError(f"{path} could not be written ({reason}); {advice}")


def utf8(text: str) -> str:
    r"""The text as UTF-8 can hold it: a surrogate, which Python makes of a file name's stray bytes, as `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _sweep(folder: Path) -> None:
    """Remove what runs that were killed more than a day ago left behind; once a process and folder."""
    for left in folder.glob(f".*{TEMPORARY}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()
