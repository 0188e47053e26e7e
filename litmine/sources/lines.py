"""The lines of a text format, as bytes: a byte order mark dropped, ends cut off, none so long that it fills memory."""

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from litmine.errors import SourceError

_UTF8_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 1 << 26


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield each line and its number, from 1, without the \n or \r\n that ends it.

    Raises SourceError at a line of more than 64 MiB; errors of the stream itself pass through.
    """
    for number in count(1):
        line = stream.readline(_LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > _LONGEST_LINE:
            raise SourceError(f"Line {number} is longer than {_LONGEST_LINE >> 20} MiB: this is no file of records.")
        if number == 1:
            line = line.removeprefix(_UTF8_MARK)
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")
