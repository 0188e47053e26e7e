"""Read files and streams that must fit into memory, up to a limit: a device or a pipe may never end."""

from pathlib import Path
from typing import IO

from litmine.errors import SourceError

_CHUNK_BYTES = 1 << 20


def read_file_up_to(file: Path, limit: int, what: str) -> bytes:
    """The content of a file of at most `limit` bytes. Raises as `read_up_to`, and OSError."""
    with file.open("rb") as stream:
        return read_up_to(stream, limit, what)


def read_up_to(stream: IO[bytes], limit: int, what: str) -> bytes:
    """The rest of a stream of at most `limit` bytes. Raises SourceError for a longer one; `what` says what it holds."""
    content = bytearray()
    while chunk := stream.read(min(_CHUNK_BYTES, limit + 1 - len(content))):
        content += chunk
        if len(content) > limit:
            raise SourceError(f"it is larger than {limit >> 20:,} MiB, the most that {what} may have; split it")
    return bytes(content)
