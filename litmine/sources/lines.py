"""The lines of a text format, as bytes: a byte order mark dropped, ends cut off, none so long that it fills memory."""

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from litmine.errors import SourceError

_UTF8_MARK = b"\xef\xbb\xbf"
# What one record may take, in bytes, whatever its format: the largest of PubMed, with 15,000 authors, has 8 MB. What a
# parser makes of it is up to thirty times as large.
LONGEST_RECORD = 1 << 25


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield each line and its number, from 1, without the \n or \r\n that ends it.

    Raises SourceError at a line of more than 32 MiB; errors of the stream itself pass through.
    """
    for number in count(1):
        line = stream.readline(LONGEST_RECORD + 1)
        if not line:
            return
        if len(line) > LONGEST_RECORD:
            raise SourceError(f"Line {number} is longer than {LONGEST_RECORD >> 20} MiB: this is no file of records.")
        if number == 1:
            line = line.removeprefix(_UTF8_MARK)
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")
