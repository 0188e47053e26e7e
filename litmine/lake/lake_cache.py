"""Files in LITMINE_HOME that hold what litmine has read from a lake, so that the next command need not read it again.

Each may be deleted at any time. A lake with few files has none, because reading it anew is quick.
"""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.file_writer import write_bytes
from litmine.resources import litmine_home

# With fewer files to read, a cache would not save much time.
MIN_CACHED = 64


def cache_file(lake: Path, name: str) -> Path:
    """The path of a cache file of a lake. A copy of the lake has another one."""
    digest = blake2b(str(lake).encode("utf-8", "replace"), digest_size=8).hexdigest()
    return litmine_home().resolve() / "lakes" / digest / name


def write_cache(file: Path, data: bytes) -> None:
    """Write a cache file; without effect if it cannot be written."""
    with suppress(LakeError):
        write_bytes(file, data)


def files_digest(files: Iterable[Path], more: str) -> str:
    """A digest of the names, sizes and modification times of some files, and of a text. Raises OSError."""
    content = [more]
    for file in files:
        stat = file.stat()
        content.append(f"{file.name} {stat.st_size} {stat.st_mtime_ns}")
    return blake2b("\n".join(content).encode("utf-8", "replace"), digest_size=16).hexdigest()
