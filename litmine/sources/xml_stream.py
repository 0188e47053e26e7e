"""A stream of XML that is checked before a parser reads it, and that can continue after a damaged record."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO
from xml.parsers import expat

from lxml.etree import _Element as Element

from litmine.errors import SourceError
from litmine.sources.encodings import NOT_UTF8
from litmine.sources.lines import MAX_RECORD_BYTES

CHUNK_BYTES = 1 << 15
_MAX_PROLOGUE_BYTES = 1 << 20
# The prologue is read again after each damaged record.
_MAX_REPEATED_PROLOGUE_BYTES = 1 << 16
# Larger than a record, and than what a parser buffers while it waits for the end of a reference.
_MAX_PIECES = 4 * MAX_RECORD_BYTES // CHUNK_BYTES
_START_TAG = re.compile(rb"""<[^\s<>"'/]+(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PMID = re.compile(rb"<PMID[^<>]*>\s*([0-9]{1,19})\s*<")


class ParserError(Exception):
    """A parser found an error in what it read earlier, but did not raise it; the message is the parser's."""


class CheckedXmlStream:
    """An XML stream with a checked prologue: `root` is its first tag, and `read` starts at the beginning.

    The caller calls `count_record` after each record, and sets `find_error` to a function that returns the error of a
    parser that continues after errors; `read` then raises a ParserError. A chunk ends at the end of a record if it has
    one, so that a damaged record can be told from those before and after it. `read` raises SourceError when no record
    ends in 32 MiB, because the parser's tree is many times larger.

    Expat checks the prologue before lxml reads it: libxml2 expands entities while it reads a DTD, and `huge_tree`
    removes its limits.
    """

    def __init__(
        self,
        stream: BinaryIO,
        record_tags: Mapping[str, Sequence[str]],
        start: bytes = b"",
        publisher: str = "PubMed",
    ) -> None:
        """`record_tags` are the tags of records by root tag; `start` are bytes that precede those of the stream.

        publisher: whose files these are, for messages.
        """
        self.root = ""
        self._publisher = publisher
        self._stream = stream
        self._unfinished = 0
        # The bytes given to the parser since it had last processed all of them, and the number of records in them.
        self._pieces: list[bytes] = []
        self._counted = 0
        self._last: Element | None = None
        self._at_end = False
        self._lost = False
        self.find_error: Callable[[], str | None] = lambda: None
        self._head = (start or stream.read(CHUNK_BYTES)).lstrip(b" \t\r\n")
        self._prologue = self._check_prologue()
        self._record_tags = record_tags
        tags = [tag.encode() for tag in record_tags.get(self.root, ())]
        self._record_ends = [b"</" + tag + b">" for tag in tags]
        self._record_start = re.compile(rb"<(?:" + b"|".join(tags) + rb")(?=[\s/>])")
        self._record_end = re.compile(rb"</(?:" + b"|".join(tags) + rb")\s*>")
        self._set_end = re.compile(rb"\s*</" + re.escape(self.root.encode()) + rb"\s*>\s*(?=<)")

    def read(self, size: int) -> bytes:
        if self._unfinished > MAX_RECORD_BYTES:
            raise SourceError(
                f"The XML has no complete record in {MAX_RECORD_BYTES >> 20} MiB; check that this is a"
                f" {self._publisher} file."
            )
        if self._at_end:
            self._check_step()
        elif self._pieces:
            self._raise_error()
        chunk = self._head
        if len(chunk) < size:
            more = self._stream.read(size - len(chunk))
            self._unfinished += len(more)
            chunk += more
        end = self._last_end(chunk)
        self._at_end = end > 0
        chunk, self._head = (chunk[:end], chunk[end:]) if end else (chunk, b"")
        if self._prologue:
            self._pieces.append(chunk)
            if len(self._pieces) > _MAX_PIECES:
                # No borders of records were found, so there is nothing to continue with.
                self._prologue = b""
                self._pieces.clear()
        return chunk

    def _check_step(self) -> None:
        """Forget the given bytes if the parser has processed all of them, up to the end of a record.

        A parser that waits for the end of a reference or a comment has not. Raises ParserError for errors that the
        parser did not raise.
        """
        waits = self._last is not None and self._last.getnext() is not None
        if self._counted and not waits:
            self._pieces.clear()
            self._counted = 0
            return
        # It waits outside of a record, in a reference or comment that may have begun in forgotten bytes.
        self._lost = self._lost or (self._last is not None and not waits)
        self._raise_error()

    def _raise_error(self) -> None:
        if (message := self.find_error()) is not None:
            raise ParserError(message)

    def _last_end(self, chunk: bytes) -> int:
        for tag in self._record_ends:
            end = chunk.rfind(tag)
            # Nearly always the first tag is found. A search takes a hundredth of the parser's time.
            if end >= 0:
                return end + len(tag)
        return 0

    def count_record(self, record: Element) -> None:
        """Count a record that the parser has completed."""
        self._last = record
        self._counted += 1
        self._unfinished = 0

    def next_document(self) -> "CheckedXmlStream | None":
        """The document that follows this one in the same stream, if the parser failed at its start, else None.

        Raises SourceError when that document is refused.
        """
        rest = self._unread()
        if rest is None:
            return None
        if end := self._set_end.match(rest):
            del rest[: end.end()]
        elif not self._prologue.endswith(b"/>") or not rest.lstrip().startswith(b"<"):
            return None
        return CheckedXmlStream(self._stream, self._record_tags, bytes(rest) + self._head, self._publisher)

    def skip_record(self) -> bytes | None:
        """Skip the record in which the parser failed; `read` continues with the prologue and the next record.

        Returns the skipped record, or None if its borders are not certain: then the rest cannot be read.
        """
        rest = self._unread()
        if rest is None or len(self._prologue) > _MAX_REPEATED_PROLOGUE_BYTES:
            return None
        searched = 0
        while (end := self._record_end.search(rest, searched)) is None:
            searched = max(0, len(rest) - 100)
            more = self._head or self._stream.read(CHUNK_BYTES)
            self._head = b""
            if not more or len(rest) > MAX_RECORD_BYTES:
                return None
            rest += more
        record = bytes(rest[: end.end()])
        if len(self._record_start.findall(record)) != 1:
            return None
        self._head = self._prologue + bytes(rest[end.end() :]) + self._head
        self._unfinished = 0
        self._pieces.clear()
        self._counted = 0
        self._last = None
        self._at_end = False
        return record

    def _unread(self) -> bytearray | None:
        """The bytes given to the parser after the end of the last record; None if that end is unknown."""
        if not self._prologue or self._lost:
            return None
        rest = bytearray().join(self._pieces)
        position = len(self._prologue) if rest.startswith(self._prologue) else 0
        for _ in range(self._counted):
            end = self._record_end.search(rest, position)
            if end is None:
                return None
            position = end.end()
        del rest[:position]
        return rest

    def _check_prologue(self) -> bytes:
        """Read to the end of the first tag; returns everything up to there, or nothing if it is not ASCII."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda tag, _: self._at_root(tag, parser.CurrentByteIndex)
        # Sees every token of a DTD; expat's EntityDeclHandler misses declarations after `%name;` and those of `lt`.
        parser.DefaultHandler = self._at_token
        chunk = self._head
        try:
            while True:
                parser.Parse(chunk, not chunk)
                if len(self._head) > _MAX_PROLOGUE_BYTES:
                    raise SourceError(f"The XML has no element in its first {_MAX_PROLOGUE_BYTES >> 20} MiB.")
                chunk = self._stream.read(CHUNK_BYTES)
                self._head += chunk
        except _RootReached as reached:
            tag = _START_TAG.match(self._head, reached.position)
            return self._head[: tag.end()] if tag else b""
        # pyexpat raises ValueError and LookupError for unknown encodings.
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SourceError(f"The XML is damaged: {error}.") from error

    def _at_root(self, tag: str, position: int) -> None:
        self.root = tag
        raise _RootReached(position)

    def _at_token(self, token: str) -> None:
        if token == "<!ENTITY":
            raise SourceError(
                f"The XML declares entities in a DTD and is refused, as {self._publisher} files have none."
            )


class _RootReached(Exception):  # noqa: N818 -- a signal, not an error
    """Stops expat at the first tag, whose position in bytes it has."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


def pmid_of_record(record: bytes) -> str | None:
    """The PMID of a record that no parser can read."""
    match = _PMID.search(record)
    return match[1].decode() if match else None


def describe_damage(record: bytes, message: str) -> str:
    """The rest of a sentence that starts with "The record"; `message` is the parser's."""
    forbidden = _FORBIDDEN.search(record)
    if forbidden:
        return f"has the character U+{forbidden[0][0]:04X}, which XML forbids"
    if "not proper UTF-8" in message or "Invalid bytes" in message:
        return NOT_UTF8
    return f"is damaged: {message}"
