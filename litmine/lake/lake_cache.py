"""The cache of a lake: files that save time and can be deleted at any time, in a folder of `caches` in LITMINE_HOME.

    caches/<digest of the lake's path or URL>/<name>

They are outside the lake, because a query writes nothing into a lake. Each has a digest of its content, so that a
damaged one counts as missing, and a key that says for what it holds. What is cached of a file holds as long as the file
has the same path, size, modification time and inode; a file of a lake never changes. So a lake that was copied, moved,
restored or made anew at the same path is read again.

Processes need no lock: each file is written in one step, and the last one to write it wins.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from litmine.errors import LakeError
from litmine.lake.file_writer import write_bytes
from litmine.lake.folders import delete_in, open_folder
from litmine.lake.parquet import report_read_errors
from litmine.lake.paths import LakePath, local_folder, relative_path
from litmine.resources import litmine_home

# With fewer files, or fewer bytes in them, reading them again is quick.
MIN_FILES = 64
MIN_BYTES = 4_000_000
# The caches that were not written for the longest time are deleted when there are more lakes, or more bytes.
MAX_LAKES = 64
MAX_BYTES = 2_000_000_000
# A write of so many bytes counts all caches again.
_LARGE = 1_000_000
# Of the files' form, part of every key.
_FORMAT = 1
_FOLDER_NAME = re.compile("[0-9a-f]{16}")
_DIGEST_BYTES = 16
# What earlier states of litmine kept in the lake itself.
_OLD_FOLDER, _OLD_FILES = ".cache", ("article-counts", "catalogue", "footers")


class FileIdentity(NamedTuple):
    """Size in bytes, modification time in nanoseconds since 1970, and inode, 0 for an object."""

    size: int
    modified_ns: int
    inode: int


def file_identity(path: LakePath) -> FileIdentity:
    """The identity of a file; a path from a listing of an object store needs no request.

    Raises LakeError if the file is gone.
    """
    with report_read_errors(path):
        if isinstance(path, Path):
            stat = path.stat()
            return FileIdentity(stat.st_size, stat.st_mtime_ns, stat.st_ino)
        found = path.stat()
        return FileIdentity(found.st_size, round(found.st_mtime * 1e9), 0)


def files_digest(lake: LakePath, files: Iterable[LakePath]) -> str:
    """A digest of the paths and identities of some files. Raises LakeError if one is gone."""
    identities = sorted((relative_path(lake, path), *file_identity(path)) for path in files)
    return blake2b(repr(identities).encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()


def are_worth_caching(files: Iterable[LakePath]) -> bool:
    """Whether a result of reading all these files is worth keeping. Raises LakeError if one is gone."""
    sizes = [file_identity(path).size for path in files]
    return len(sizes) >= MIN_FILES or sum(sizes) >= MIN_BYTES


def cache_folder(lake: LakePath) -> Path:
    """The folder with the cache of a lake."""
    # Two object stores may have buckets of the same name, which `local_folder` tells apart.
    digest = blake2b(str(local_folder(lake)).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return (litmine_home() / "caches").resolve() / digest


def read_cache(lake: LakePath, name: str, key: str) -> bytes | None:
    """What `write_cache` stored under this name with this key; None if there is nothing or it is damaged."""
    try:
        digest, header, content = (cache_folder(lake) / name).read_bytes().split(b"\n", 2)
    except (OSError, ValueError, RuntimeError):
        return None
    return content if header == _header(lake, name, key) and digest == _digest(header, content) else None


def write_cache(lake: LakePath, name: str, key: str, content: bytes) -> None:
    """Store bytes under a name, in place of those before. Without effect if the folder cannot be written."""
    header = _header(lake, name, key)
    with suppress(LakeError, OSError, RuntimeError):
        folder = cache_folder(lake)
        is_new = not folder.is_dir()
        write_bytes(folder / name, b"\n".join((_digest(header, content), header, content)))
        if is_new or len(content) >= _LARGE:
            _delete_others(folder)


def read_cached_json(lake: LakePath, name: str, key: str) -> Any:
    """The JSON value that `write_cached_json` stored under this name with this key; None if there is none."""
    content = read_cache(lake, name, key)
    return None if content is None else json.loads(content)


def write_cached_json(lake: LakePath, name: str, key: str, value: Any) -> None:
    """Store a JSON value as `write_cache` does."""
    write_cache(lake, name, key, json.dumps(value).encode())


def delete_old_cache(lake: LakePath) -> None:
    """Delete the cache that earlier states of litmine kept in the lake's local folder."""
    folder = local_folder(lake) / _OLD_FOLDER
    with suppress(LakeError, OSError):
        with open_folder(folder):
            for name in _OLD_FILES:
                delete_in(folder, name)
        folder.rmdir()


def _header(lake: LakePath, name: str, key: str) -> bytes:
    return json.dumps([_FORMAT, str(lake), name, key]).encode()


def _digest(header: bytes, content: bytes) -> bytes:
    digest = blake2b(header, digest_size=_DIGEST_BYTES)
    digest.update(content)
    return digest.hexdigest().encode()


def _delete_others(current: Path) -> None:
    """Delete the caches of lakes that are gone, and the oldest ones beyond the limits. Raises OSError."""
    found: list[tuple[float, int, Path]] = []
    for folder in current.parent.iterdir():
        if folder == current or not _FOLDER_NAME.fullmatch(folder.name) or folder.is_symlink():
            continue
        with suppress(OSError):  # another process deletes it
            stats = [file.stat() for file in folder.iterdir()]
            if _is_of_gone_lake(folder):
                shutil.rmtree(folder, ignore_errors=True)
            else:
                written = max((stat.st_mtime for stat in stats), default=folder.stat().st_mtime)
                found.append((written, sum(stat.st_size for stat in stats), folder))
    total = sum(file.stat().st_size for file in current.iterdir())
    for number, (_, size, folder) in enumerate(sorted(found, reverse=True), start=2):
        total += size
        if number > MAX_LAKES or total > MAX_BYTES:
            shutil.rmtree(folder, ignore_errors=True)


def _is_of_gone_lake(folder: Path) -> bool:
    """Whether the files of a cache are of a lake whose folder is gone. A lake in an object store counts as there."""
    for file in folder.iterdir():
        with suppress(ValueError, TypeError, IndexError):
            with file.open("rb") as opened:
                opened.readline(1000)
                lake = json.loads(opened.readline(100_000))[1]
            return "://" not in lake and not os.path.lexists(f"{lake}/lake.json")
    return False
