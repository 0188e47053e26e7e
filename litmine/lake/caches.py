"""The caches of a lake: files that save time and can be deleted at any time, in `.cache` of the lake's local folder.

A cache is valid for files of a lake as long as they have the same path, size and modification time. That is safe,
because a file of a lake never changes. It also holds for a copied lake and after a file was restored.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from litmine.errors import LakeError
from litmine.lake.file_writer import write_bytes
from litmine.lake.parquet import report_read_errors
from litmine.lake.paths import LakePath, local_folder, relative_path

CACHE_FOLDER = ".cache"


class FileIdentity(NamedTuple):
    """Size in bytes and modification time of a file in nanoseconds since 1970."""

    size: int
    modified_ns: int


def file_identity(path: LakePath) -> FileIdentity:
    """The identity of a file; a path from a listing of an object store needs no request.

    Raises LakeError if the file is gone.
    """
    with report_read_errors(path):
        stat = path.stat()
    modified_ns = getattr(stat, "st_mtime_ns", None)
    return FileIdentity(stat.st_size, round(stat.st_mtime * 1e9) if modified_ns is None else modified_ns)


def files_digest(lake: LakePath, files: Iterable[LakePath]) -> str:
    """A digest of the paths and identities of some files. Raises LakeError if one is gone."""
    identities = sorted((relative_path(lake, path), *file_identity(path)) for path in files)
    return blake2b(repr(identities).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def cache_file(lake: LakePath, name: str) -> Path:
    """The path of a cache. Its name has no ending, so that it is not taken for a file of a table."""
    return local_folder(lake) / CACHE_FOLDER / name


def read_cached(lake: LakePath, name: str, key: str) -> Any:
    """The JSON value that `write_cached` stored under this name with this key; None if there is none."""
    try:
        stored = json.loads(cache_file(lake, name).read_bytes())
        return stored["value"] if stored["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_cached(lake: LakePath, name: str, key: str, value: Any) -> None:
    """Store a JSON value under a name, in place of the one before. Does nothing if the folder cannot be written."""
    write_cache_file(lake, name, json.dumps({"key": key, "value": value}).encode())


def write_cache_file(lake: LakePath, name: str, data: bytes) -> None:
    """Write a cache. Does nothing if the folder cannot be written."""
    with suppress(LakeError):
        write_bytes(cache_file(lake, name), data)
