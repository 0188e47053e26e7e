"""The checksum of a whole Parquet file of a lake, which stands in its own metadata.

Parquet has checksums for the pages of columns, which DuckDB does not verify, and none for the metadata at the end of a
file. So litmine adds two CRC-32 under one key: of all bytes before the metadata, and of the metadata itself, in which
the digits count as zeros. The metadata are verified whenever litmine reads them, the rest as `verified_files` says. A
file of an earlier litmine has no such key.
"""

import zlib
from collections.abc import Iterator
from io import BytesIO
from os import SEEK_END
from pathlib import Path
from typing import IO

CHECKSUM_KEY = "litmine-crc32"
_DIGITS = 16
# What a writer puts under the key before the file is sealed.
NO_CHECKSUM = "0" * _DIGITS
# The key and the start of its value as Thrift's compact protocol encodes them. Nothing after the last such place can
# look like it: a footer is JSON, which has no control characters.
_MARK = bytes([0x18, len(CHECKSUM_KEY)]) + CHECKSUM_KEY.encode() + bytes([0x18, _DIGITS])
# The length of the metadata in four bytes, and `PAR1`.
_END = 8
_FIRST_READ = 1 << 16
_CHUNK = 1 << 20
_WRONG = "its bytes do not match its checksum"


def sealed(data: bytes) -> bytes:
    """The bytes of a Parquet file that was written with NO_CHECKSUM, with its checksum."""
    file = BytesIO(data)
    _seal(file)
    return file.getvalue()


def seal_file(path: Path) -> None:
    """Write the checksum into a Parquet file that was written with NO_CHECKSUM."""
    with path.open("r+b") as file:
        _seal(file)


def _seal(file: IO[bytes]) -> None:
    end = read_end(file)
    place = _place(end)
    assert place is not None, "the file was written without NO_CHECKSUM"
    start = file.seek(0, SEEK_END) - len(end)
    digits = f"{_content_checksum(file, start):08x}{_metadata_checksum(end, place):08x}"
    file.seek(start + place)
    file.write(digits.encode())


def read_end(file: IO[bytes]) -> bytes:
    """The metadata of an open Parquet file with what follows them; fewer bytes if the file is cut or damaged."""
    size = file.seek(0, SEEK_END)
    length = min(size, _FIRST_READ)
    file.seek(size - length)
    end = file.read(length)
    wanted = min(size, int.from_bytes(end[-_END:-4], "little") + _END)
    if wanted > len(end):
        file.seek(size - wanted)
        end = file.read(wanted)
    return end[len(end) - wanted :]


def check_metadata(end: bytes) -> None:
    """Verify the checksum of what `read_end` returned. Raises ValueError if it does not match; passes without one."""
    place = _place(end)
    if place is not None and _digits(end, place)[8:] != f"{_metadata_checksum(end, place):08x}":
        raise ValueError(_WRONG)


def check_content(path: Path) -> bool:
    """Verify the checksum of a whole file; False if it has none. Raises ValueError if it does not match, OSError."""
    with path.open("rb") as file:
        end = read_end(file)
        place = _place(end)
        if place is None:
            return False
        check_metadata(end)
        start = file.seek(0, SEEK_END) - len(end)
        if _digits(end, place)[:8] != f"{_content_checksum(file, start):08x}":
            raise ValueError(_WRONG)
    return True


def _place(end: bytes) -> int | None:
    """Where the digits stand in the end of a file; None without a checksum."""
    found = end.rfind(_MARK)
    place = found + len(_MARK)
    return None if found < 0 or place + _DIGITS > len(end) else place


def _digits(end: bytes, place: int) -> str:
    return end[place : place + _DIGITS].decode("ascii", "replace")


def _metadata_checksum(end: bytes, place: int) -> int:
    return zlib.crc32(end[place + _DIGITS :], zlib.crc32(NO_CHECKSUM.encode(), zlib.crc32(end[:place])))


def _content_checksum(file: IO[bytes], size: int) -> int:
    checksum = 0
    for chunk in _chunks(file, size):
        checksum = zlib.crc32(chunk, checksum)
    return checksum


def _chunks(file: IO[bytes], size: int) -> Iterator[bytes]:
    file.seek(0)
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk
