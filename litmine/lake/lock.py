"""One process at a time for a piece of work. A lock goes with the process that holds it, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litmine.errors import LakeLockedError
from litmine.lake.files import make_folder, unwritable


@contextmanager
def exclusive(lake: Path, job: str, *, wait: bool = False) -> Iterator[None]:
    """Hold `<lake>/.locks/<job>`.

    While another process holds it: raises LakeLockedError at once, or with `wait` waits, where Ctrl-C is heard. Raises
    LakeError when it cannot be made.
    """
    path = lake / ".locks" / job
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
                f"another litmine {job} is writing to {lake}; wait until it is done and run this again"
            ) from None
        except OSError as error:
            raise unwritable(path, error) from error
        yield
    finally:
        os.close(handle)
