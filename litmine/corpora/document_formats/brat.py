"""brat: `NAME.txt` and `NAME.ann` beside it.

Read are `T` (mentions, with several spans for an interrupted one), `R` (relations), `N` (identifiers), `A` and `M`
(attributes of relations become qualifiers) and `#` (notes, ignored). Other annotations, such as events, are reported.
Source of the form: https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from litmine.corpora.documents import RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

_MENTION = re.compile(r"(T\S+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")
_RELATION = re.compile(r"(R\S+)\t(\S+) \S+?:(\S+) \S+?:(\S+)\s*")
_IDENTIFIER = re.compile(r"N\S+\tReference (\S+) (\S+)(?:\t.*)?")
_ATTRIBUTE = re.compile(r"[AM]\S+\t(\S+) (\S+)(?: (\S+))?\s*")


def is_brat(folder: Path) -> bool:
    """Whether a folder has `.ann` files."""
    return folder.is_dir() and any(folder.glob("*.ann"))


def read_brat(folder: Path) -> Iterator[RawDocument]:
    """Yield each document of a folder, by name. Raises CorpusError for a missing text and for other encodings."""
    for annotations in sorted(folder.glob("*.ann")):
        text_file = annotations.with_suffix(".txt")
        if not text_file.is_file():
            raise CorpusError(f"{annotations} has no text: {text_file} does not exist; add it")
        try:
            # Offsets count every character of the file, so line ends stay as they are.
            text = text_file.read_bytes().decode("utf-8")
            lines = annotations.read_bytes().decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise CorpusError(f"{annotations.with_suffix('')}: not UTF-8 ({error}); save it as UTF-8") from error
        yield _document(annotations.stem, annotations.name, text, lines)


def _document(identifier: str, name: str, text: str, lines: list[str]) -> RawDocument:
    raw = RawDocument(identifier, text, name)
    identifiers: dict[str, list[str]] = {}
    qualifiers: dict[str, list[str]] = {}
    relations: list[tuple[str, RawRelation]] = []
    for number, line in enumerate(lines, 1):
        where = f"{name}, line {number}"
        if (found := _MENTION.fullmatch(line)) is not None:
            parts = [part.split() for part in found[3].split(";")]
            spans = tuple(sorted((int(start), int(end)) for start, end in parts))
            raw.entities.append(RawEntity(found[1], found[2], spans, found[4], "", where))
        elif (found := _RELATION.fullmatch(line)) is not None:
            relations.append((found[1], RawRelation(found[2], found[3], found[4], where)))
        elif (found := _IDENTIFIER.fullmatch(line)) is not None:
            identifiers.setdefault(found[1], []).append(found[2])
        elif (found := _ATTRIBUTE.fullmatch(line)) is not None:
            said = f"{found[1]} {found[3]}" if found[3] else found[1]
            qualifiers.setdefault(found[2], []).append(said.lower())
        elif line.strip() and not line.startswith("#"):
            raw.unread.append((where, line))
    raw.entities = [replace(one, identifier="|".join(identifiers.get(one.entity_id, ()))) for one in raw.entities]
    raw.relations = [replace(one, qualifiers=tuple(qualifiers.get(name, ()))) for name, one in relations]
    return raw
