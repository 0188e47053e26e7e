"""A term list of some branches of a vocabulary's tree, for what no tagger finds: processes, foods, procedures."""

import csv
from collections.abc import Iterator, Sequence
from typing import IO

from litmine.errors import VocabularyError
from litmine.vocabulary.vocabulary import Vocabulary

_COLUMNS = ("name", "type", "identifier", "synonyms")
# Shorter names are mostly abbreviations, which mean other things in other texts.
_SHORTEST = 4


def write_branch_terms(vocabulary: Vocabulary, branches: Sequence[str], other_type: str, out: IO[str]) -> int:
    """Write the concepts at and below these tree numbers as a term list; returns their number.

    other_type: the type of concepts that have none in the vocabulary. Raises VocabularyError if there are no concepts.
    """
    writer = csv.writer(out, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(_COLUMNS)
    count = 0
    for concept in range(len(vocabulary)):
        numbers = vocabulary.tree_numbers(concept)
        if not any(_is_in(number, branch) for number in numbers for branch in branches):
            continue
        names = list(dict.fromkeys(_names(vocabulary, concept)))
        if names:
            types = vocabulary.entity_types(concept)
            kind = types[0] if types else other_type
            writer.writerow((names[0], kind, vocabulary.identifier(concept), "|".join(names[1:])))
            count += 1
    if not count:
        raise VocabularyError(
            f"{vocabulary.reference} has no concept under {', '.join(branches)}; a branch is a tree number of MeSH,"
            " such as G09 or D10.627"
        )
    return count


def _is_in(number: str, branch: str) -> bool:
    return number == branch or number.startswith(branch if len(branch) == 1 else f"{branch}.")


def _names(vocabulary: Vocabulary, concept: int) -> Iterator[str]:
    """The names that a text may have: MeSH inverts some (`Pressure, Blood`)."""
    for name, _ in vocabulary.names_of(concept):
        if len(name) < _SHORTEST or {"|", "\t"} & {*name}:
            continue
        if name.count(", ") == 1:
            yield " ".join(reversed(name.split(", ")))
        yield name
