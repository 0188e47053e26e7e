"""Read the terms of an OBO file (OBO flat file format 1.2 and 1.4), one in memory at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from litmine.errors import SourceError
from litmine.vocabulary.sources.source_file import open_source, refuse, text_lines

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*([A-Z]*)')
_TERM = "[Term]"
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": " ", "t": " ", "W": " "}


@dataclass(slots=True)
class Term:
    """A term of an OBO file.

    synonyms: texts with their scope (EXACT, RELATED, NARROW, BROAD). xrefs: identifiers with their qualifiers, the text
    in braces.
    """

    identifier: str = ""
    name: str = ""
    definition: str = ""
    synonyms: list[tuple[str, str]] = field(default_factory=list)
    xrefs: list[tuple[str, str]] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    obsolete: bool = False


def read_obo(path: Path, expected: str) -> Iterator[Term | dict[str, str]]:
    """Yield the header's tags, then each term that is not obsolete.

    Raises VocabularyError when the file is not OBO or damaged; `expected` is what it should be.
    """
    with open_source(path) as stream:
        lines = text_lines(stream)
        header, stanza = _read_header(lines)
        if not stanza:
            raise refuse(path, expected)
        yield header
        term = Term()
        number = 0
        for number, line in lines:
            if line.startswith("["):
                if stanza == _TERM:
                    yield from _complete(term, number)
                stanza, term = line.strip(), Term()
            elif stanza == _TERM:
                _add(term, line.strip(), number)
        if stanza == _TERM:
            yield from _complete(term, number)


def _read_header(lines: Iterator[tuple[int, str]]) -> tuple[dict[str, str], str]:
    """The tags before the first stanza, and the line that begins it; empty for a file of another form."""
    header: dict[str, str] = {}
    for _, line in lines:
        tag, colon, value = line.partition(":")
        if line.startswith("[") and line.strip().endswith("]"):
            return header, line.strip()
        if line.strip() and not line.startswith("!"):
            if not colon:
                break
            header.setdefault(tag, value.strip())
    return header, ""


def _complete(term: Term, number: int) -> Iterator[Term]:
    if not term.identifier:
        raise SourceError(f"the term that ends at line {number:,} has no id; take a complete file")
    if term.name and not term.obsolete:
        yield term


def _add(term: Term, line: str, number: int) -> None:
    if not line or line.startswith("!"):
        return
    tag, colon, value = line.partition(":")
    if not colon:
        raise SourceError(f"line {number:,} is not of the form `tag: value`; take a complete file")
    value = value.strip()
    match tag:
        case "id":
            term.identifier = value.partition(" ")[0]
        case "name":
            term.name = value
        case "def" if quoted := _QUOTED.match(value):
            term.definition = _unescape(quoted[1])
        case "synonym" if quoted := _QUOTED.match(value):
            term.synonyms.append((_unescape(quoted[1]), quoted[2]))
        case "xref":
            identifier, _, rest = value.partition(" ")
            term.xrefs.append((identifier, rest.partition("{")[2].partition("}")[0]))
        case "is_a":
            term.parents.append(value.partition("!")[0].partition("{")[0].strip())
        case "is_obsolete":
            term.obsolete = value == "true"


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
