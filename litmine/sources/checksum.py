"""What a file's bytes sum up to, and what the `.md5` beside it says they should."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from litmine.errors import SourceError

CHECKSUM = ".md5"
# NLM's `MD5(pubmed26n0001.xml.gz)= 0123...`, and md5sum's `0123...  pubmed26n0001.xml.gz`; the sum alone will do.
_LINE = re.compile(r"(?:MD5 ?\(.*\) ?= ?)?([0-9a-fA-F]{32})(?: [ *].*)?")
_LONGEST = 1 << 12


@dataclass(frozen=True, slots=True)
class Checksum:
    """The MD5 of a file's bytes in hexadecimal, and how many there are."""

    md5: str
    size: int


def declared_md5(file: Path) -> str | None:
    """What the `.md5` beside a file says, in lower case; None without one. Raises SourceError when it is none."""
    beside = Path(f"{file}{CHECKSUM}")
    try:
        with beside.open("rb") as stream:
            said = _LINE.fullmatch(stream.read(_LONGEST).decode("ascii", "replace").strip())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(
            f"It was not imported, as {beside.name} cannot be read ({error.strerror or error}): make it readable."
        ) from error
    if said is None:
        raise SourceError(
            f"It was not imported, as {beside.name} holds no MD5: download that again, or delete it to do without."
        )
    return said[1].lower()


def checksum(file: Path, declared: str | None) -> Checksum:
    """Read a file to sum it up. Raises SourceError when it cannot be read or its MD5 is not the declared one."""
    try:
        with file.open("rb") as stream:
            # Against damage on the way and not against forgery, so also where MD5 is barred from anything else.
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise SourceError(
            f"It cannot be read ({error.strerror or error}); nothing was read: make it readable and import it again."
        ) from error
    if declared not in (None, md5):
        raise SourceError("It was not imported, as it does not match its .md5: download it again.")
    return Checksum(md5, size)
