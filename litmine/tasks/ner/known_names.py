"""Frequent names that the heads miss, because the corpora they learnt from are older or do not annotate them.

New names count in evaluations too. Drug classes and findings do not, since the corpora leave them out.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from litmine.tasks.ner.drug_classes import find_drug_classes
from litmine.tasks.ner.drug_stems import find_drug_names
from litmine.tasks.ner.findings import find_findings
from litmine.types import Entity

_NAMES = {
    "Disease": (
        r"(?:(?:[Ll]ong|[Pp]ost|[Pp]ost-acute)[ -])?COVID(?:[ -]?(?:20)?19)?(?: (?:pneumonia|infection))?"
        r"|[Cc]oronavirus [Dd]isease (?:20)?19|[Mm]pox|[Ii]nsulin [Rr]esistance"
        r"|QTc?(?:[ -]interval)? prolongation|[Pp]rolong(?:ed|ation of(?: the)?) QTc?(?:[ -]intervals?)?"
    ),
    "Species": r"SARS[ -]CoV[ -]?2|MERS[ -]CoV|2019-nCoV|Clostridioides difficile|C\. difficile",
}
_PATTERNS = {kind: re.compile(rf"(?<![\w-])(?:{names})(?!\w)") for kind, names in _NAMES.items()}
# Each name has one of these parts: most texts have none, and looking is quick.
_PARTS = {"Disease": ("COVID", "oronavirus", "pox", "nsulin", "QT"), "Species": ("CoV", "difficile")}


def find_new_names(text: str) -> Iterator[tuple[int, int, str]]:
    """Offsets and types of names that count in evaluations too."""
    for kind, pattern in _PATTERNS.items():
        if any(part in text for part in _PARTS[kind]):
            for match in pattern.finditer(text):
                yield *match.span(), kind
    for start, end in find_drug_names(text):
        yield start, end, "Chemical"


def find_known_names(text: str) -> Iterator[tuple[int, int, str]]:
    """Offsets and types of all names."""
    yield from find_new_names(text)
    for start, end in find_drug_classes(text):
        yield start, end, "Chemical"
    for start, end in find_findings(text):
        yield start, end, "Disease"


def add_names(
    text: str, entities: Sequence[Entity], types: Collection[str], names: Iterable[tuple[int, int, str]]
) -> list[Entity]:
    """The entities with each name in place of the mentions of its type inside it; a longer mention stays.

    The name has no other type. types: the types that the tagger finds; names: their offsets and types. A name that no
    head found has the score 1.
    """
    found = list(entities)
    for start, end, kind in names:
        if kind not in types:
            continue
        found = [one for one in found if one.entity_type == kind or (one.start_char, one.end_char) != (start, end)]
        of_type = [one for one in found if one.entity_type == kind]
        if any(one.start_char <= start and end <= one.end_char for one in of_type):
            continue
        over = [one for one in of_type if one.start_char < end and start < one.end_char]
        if all(start <= one.start_char and one.end_char <= end for one in over):
            found = [one for one in found if one not in over]
            found.append(Entity(text[start:end], kind, start, end, max((one.score for one in over), default=1.0)))
    return found
