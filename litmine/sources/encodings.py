"""Recognise how a text file writes its characters: UTF-8 or UTF-16, with or without a byte order mark.

Other encodings are not guessed: Latin-1, Windows-1252 and their like give every byte a letter, so a wrong guess would
change names without an error. Their lines are refused with a sentence that names them.
"""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from litmine.errors import SourceError

NOT_UTF8 = "is not UTF-8 (perhaps Latin-1 or Windows-1252)"
SAVE_AS_UTF8 = "save the file as UTF-8, for example with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
UTF8_BOM = codecs.BOM_UTF8
_CHUNK_BYTES = 1 << 16
# Replaces an incomplete character at the end of the file: it is not valid UTF-8, so the line is reported.
_HALF_CHARACTER = "\udcff"


def wide_encoding(start: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` if a file with these first bytes is UTF-16, else None.

    Without a byte order mark, a file counts as UTF-16 if its first two characters have their zero bytes in the same
    place. Raises SourceError for UTF-32.
    """
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise SourceError("The file is UTF-32, which is not read; save it as UTF-8.")
    if start.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if start.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    zero = [byte == 0 for byte in start[:4]]
    if zero == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zero == [True, False, True, False] else None


def decode_start(start: bytes) -> str:
    """Decode the start of a file to recognise its format; bytes that cannot be decoded are replaced.

    Raises SourceError for UTF-32.
    """
    return start.decode(wide_encoding(start) or "utf-8", "replace").removeprefix("\ufeff")


def decode_text(content: bytes) -> str:
    """A whole file as text, without its byte order mark.

    Raises UnicodeDecodeError when it is neither UTF-8 nor UTF-16, SourceError for UTF-32.
    """
    return content.decode(wide_encoding(content) or "utf-8").removeprefix("\ufeff")


def undecodable(content: bytes, error: UnicodeDecodeError) -> str:
    """The rest of a sentence that names the file, for an error of `decode_text`."""
    if error.encoding.startswith("utf-16"):
        return "is damaged UTF-16; save the file as UTF-8"
    line = content.count(b"\n", 0, error.start) + 1
    return f"line {line:,}: it {NOT_UTF8}; {SAVE_AS_UTF8}"


def utf16_lines(start: bytes, stream: BinaryIO, encoding: str, longest: int) -> Iterator[bytes]:
    r"""The lines of UTF-16 as UTF-8, each with its final \n; `start` are the bytes already read.

    A damaged line becomes bytes that are not valid UTF-8. A line of more than `longest` characters comes in pieces.
    """
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    pieces: list[str] = []
    size = 0
    chunk = start
    while True:
        text = decoder.decode(chunk) if chunk else _HALF_CHARACTER * bool(decoder.getstate()[0])
        while text:
            line, end, text = text.partition("\n")
            pieces.append(line + end)
            size += len(line)
            if end or size > longest:
                yield "".join(pieces).encode("utf-8", "surrogatepass")
                pieces, size = [], 0
        if not chunk:
            break
        chunk = stream.read(_CHUNK_BYTES)
    if pieces:
        yield "".join(pieces).encode("utf-8", "surrogatepass")
