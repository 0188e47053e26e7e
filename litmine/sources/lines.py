"""Read a text format line by line as bytes, without byte order mark and line ends, and limit the length of a line."""

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from litmine.errors import SourceError

_UTF8_BOM = b"\xef\xbb\xbf"
# Largest record of any format. PubMed's largest, with 15,000 authors, has 8 MB; a parser's tree is up to 30 times that.
MAX_RECORD_BYTES = 1 << 25


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield each line and its number, from 1, without its final \n or \r\n.

    Raises SourceError at a line of more than 32 MiB; errors of the stream itself pass through.
    """
    for number in count(1):
        line = stream.readline(MAX_RECORD_BYTES + 1)
        if not line:
            return
        if len(line) > MAX_RECORD_BYTES:
            raise SourceError(
                f"Line {number} is longer than {MAX_RECORD_BYTES >> 20} MiB; check that this is a file of records."
            )
        if number == 1:
            line = line.removeprefix(_UTF8_BOM)
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")
