"""Verify the files of a search index, which tantivy checks only when it is told to, and not from Python.

Each file of a segment ends with its CRC-32 as JSON, the length of that JSON, and a number that marks the format. A file
never changes, so each is verified once.
"""

import json
import re
import zlib
from os import SEEK_END
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.folders import read_plain

_MARK = (1337).to_bytes(4, "little")
_END = 8
_MAX_JSON = 10_000
_CHUNK = 1 << 20
_MANAGED = ".managed.json"
_MAX_MANAGED = 16 << 20
# `meta.json`, and the files of segments, such as `2f6a....idx`.
_NAME = re.compile(r"\.?[0-9a-zA-Z_-][0-9a-zA-Z_.-]*")
# The files of an index without a checksum of their own.
_PLAIN = (".json", ".lock")


def check_managed(folder: Path) -> None:
    """Verify the list of the files of an index, from which tantivy deletes what it does not need.

    Raises LakeError for a name that leads out of the folder, and for a list that is no list of names.
    """
    path = folder / _MANAGED
    if not path.exists():
        return
    try:
        names = json.loads(read_plain(path, _MAX_MANAGED))
    except (ValueError, RecursionError) as error:
        raise LakeError(f"{path} is damaged ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(names, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise LakeError(f"{path} is damaged (it names something else than files of the index)")


def index_files(folder: Path) -> list[Path]:
    """The files of an index that have a checksum."""
    return [path for path in sorted(folder.iterdir()) if path.suffix not in _PLAIN and path.is_file()]


def check_index_file(path: Path) -> None:
    """Verify a file of an index. Raises LakeError if it is damaged or cannot be read."""
    try:
        matches = _matches(path)
    except OSError as error:
        raise LakeError(f"{path} cannot be read ({error.strerror})") from error
    if not matches:
        raise LakeError(f"{path} is damaged (its bytes do not match its checksum)")


def _matches(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(0, size - _END))
        end = file.read(_END)
        length = int.from_bytes(end[:4], "little")
        left = size - _END - length
        if end[4:] != _MARK or length > _MAX_JSON or left < 0:
            return False
        file.seek(left)
        try:
            expected = json.loads(file.read(length))["crc"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        file.seek(0)
        checksum = 0
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            checksum = zlib.crc32(chunk, checksum)
            left -= len(chunk)
        return bool(checksum == expected)
