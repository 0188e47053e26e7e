"""What is checked of the concepts of a source, and the sentences about what was wrong."""

import re
from dataclasses import dataclass, field

from litmine.vocabulary.concept import Concept

# A name that is longer is damage, or a sequence.
LONGEST_NAME = 1000
# The identifiers of each publisher. Numbers have at most as many digits as their columns hold.
_IDENTIFIER = re.compile(
    r"MESH:[CD][0-9]{1,10}|NCBIGene:[0-9]{1,18}|NCBITaxon:[0-9]{1,9}|HGNC:[0-9]{1,9}|MONDO:[0-9]{7}"
    r"|CVCL_[A-Z0-9]{4}"
)
_TREE_NUMBER = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{3})*")
_SHOWN = 5
_SHOWN_CHARACTERS = 40


@dataclass(slots=True)
class Problems:
    """What was wrong in the files of a build: for each file the identifiers or names that it concerns."""

    duplicates: dict[str, list[str]] = field(default_factory=dict)
    malformed: dict[str, list[str]] = field(default_factory=dict)
    malformed_trees: dict[str, list[str]] = field(default_factory=dict)
    malformed_references: dict[str, list[str]] = field(default_factory=dict)
    long_names: dict[str, list[str]] = field(default_factory=dict)
    nameless: dict[str, list[str]] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """A sentence for each kind of problem and file, with its number and the first few."""
        texts = (
            (self.duplicates, "identifiers that stand more than once", "their records were joined"),
            (self.malformed, "malformed identifiers", "these concepts were left out"),
            (self.malformed_trees, "malformed tree numbers", "these tree numbers were left out"),
            (self.malformed_references, "malformed identifiers of equal concepts", "these concepts were not joined"),
            (self.long_names, f"names of more than {LONGEST_NAME:,} characters", "these names were left out"),
            (self.nameless, "concepts without any other name", "these concepts were left out"),
        )
        return [
            f"{file}: {what}: {len(found):,} ({', '.join(found[:_SHOWN])}{', ...' * (len(found) > _SHOWN)});"
            f" {consequence}"
            for problems, what, consequence in texts
            for file, found in problems.items()
        ]

    def check(self, concept: Concept, file: str) -> bool:
        """Whether a concept has a valid identifier; takes malformed tree numbers and references from it."""
        if not _IDENTIFIER.fullmatch(concept.identifier):
            _note(self.malformed, file, concept.identifier)
            return False
        for number in concept.tree_numbers:
            if not _TREE_NUMBER.fullmatch(number):
                _note(self.malformed_trees, file, f"{number[:_SHOWN_CHARACTERS]} of {concept.identifier}")
        concept.tree_numbers = tuple(one for one in concept.tree_numbers if _TREE_NUMBER.fullmatch(one))
        if concept.same_as and not _IDENTIFIER.fullmatch(concept.same_as):
            _note(self.malformed_references, file, f"{concept.same_as[:_SHOWN_CHARACTERS]} of {concept.identifier}")
            concept.same_as = ""
        return True

    def note_long_name(self, name: str, concept: Concept, file: str) -> None:
        """A name of a concept is left out because it is too long."""
        _note(self.long_names, file, f"{name[:20]}... of {concept.identifier}")

    def note_nameless(self, concept: Concept, file: str) -> None:
        """A concept is left out because it has no name, or too long ones only."""
        _note(self.nameless, file, concept.identifier)

    def note_duplicate(self, concept: Concept, file: str) -> None:
        """A concept with this identifier was read before."""
        _note(self.duplicates, file, concept.identifier)


def _note(problems: dict[str, list[str]], file: str, what: str) -> None:
    problems.setdefault(file, []).append(what[: 2 * _SHOWN_CHARACTERS])
