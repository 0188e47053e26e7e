"""A file of results: whole under its name, or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from litmine.errors import LitmineError
from litmine.whole import aside


@contextmanager
def whole_file(file: Path) -> Iterator[IO[bytes]]:
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
        with aside(file) as filled, filled.path.open("xb") as out:
            yield out
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror or error}); choose another file") from error
