"""Read a text format line by line as UTF-8 bytes, without byte order mark and line ends, and limit a line's length."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from litmine.errors import SourceError
from litmine.sources.encodings import UTF8_BOM, utf16_lines, wide_encoding

# Largest record of any format: PubMed's largest, with 15,000 authors, has 8 MB. A parser's tree takes up to 30 times as
# much memory as the record.
MAX_RECORD_BYTES = 1 << 25


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield each line and its number, from 1, as UTF-8 without its final \n or \r\n.

    UTF-16 is converted; a line that is neither UTF-8 nor UTF-16 comes as bytes that are not valid UTF-8. Raises
    SourceError at a line of more than 32 MiB and for UTF-32; errors of the stream itself pass through.
    """
    for number, line in enumerate(_lines(stream), 1):
        if len(line) > MAX_RECORD_BYTES:
            raise SourceError(
                f"Line {number} is longer than {MAX_RECORD_BYTES >> 20} MiB; check that this is a file of records."
            )
        if number == 1:
            line = line.removeprefix(UTF8_BOM)
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def numbered_records(
    stream: BinaryIO, starts: Callable[[bytes], bool], kind: str, end: bytes | None = None
) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the lines of each record with their numbers, without blank ones.

    A record begins at a line for which `starts` is true, and ends before the next one or with a line that begins with
    `end`. What precedes the first record is yielded too. Raises SourceError at a line or a record of more than 32 MiB;
    `kind` names the format.
    """
    record: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered_lines(stream):
        if record and starts(line):
            yield record
            record, size = [], 0
        size += len(line)
        if size > MAX_RECORD_BYTES:
            raise SourceError(
                f"The record before line {number} is larger than {MAX_RECORD_BYTES >> 20} MiB: this is not {kind}."
            )
        if line.strip():
            record.append((number, line))
        if record and end is not None and line.startswith(end):
            yield record
            record, size = [], 0
    if record:
        yield record


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    line = stream.readline(MAX_RECORD_BYTES + 1)
    encoding = wide_encoding(line)
    if encoding is not None:
        yield from utf16_lines(line, stream, encoding, MAX_RECORD_BYTES)
        return
    while line:
        yield line
        line = stream.readline(MAX_RECORD_BYTES + 1)
