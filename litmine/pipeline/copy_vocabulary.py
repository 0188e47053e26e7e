"""Copy what linkers link to into the lake: identifiers, names, synonyms and tree numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from litmine.lake.paths import LakePath
from litmine.lake.vocabularies import save_vocabulary
from litmine.nn.references import locate
from litmine.schema import arrow_schema
from litmine.tasks.contract import ModelSpec
from litmine.tasks.linking.folder import learned_concepts
from litmine.vocabulary.catalogue import BUILTIN, open_vocabulary
from litmine.vocabulary.vocabulary import Vocabulary

# The column `vocabulary` of a concept that no vocabulary has.
_FROM_TRAINING = "training documents"


def copy_vocabulary(lake: LakePath, linker: ModelSpec) -> None:
    """Copy what a linker links to into the lake, unless it is there: its vocabulary, and what it learnt beside it.

    Raises VocabularyError when the vocabulary does not exist or is damaged, ModelError when the linker is damaged, and
    LakeError when the copy cannot be written.
    """
    vocabulary = open_vocabulary(linker.vocabulary or BUILTIN)

    def read() -> Iterator[pa.Table]:
        yield from _concepts(vocabulary, linker.model)
        yield _learned_concepts(Path(locate(linker.ref)[0]), vocabulary, linker.model)

    save_vocabulary(lake, linker.model, vocabulary.reference, read)


def _concepts(vocabulary: Vocabulary, linker: str) -> Iterator[pa.Table]:
    """The concepts in the columns of the table `vocabularies`, a table for each section of the vocabulary."""
    schema = arrow_schema("vocabularies")
    for section in vocabulary.sections():
        names = vocabulary.names(section)
        order, of_concept = names.by_concept
        concepts, starts = np.unique(of_concept, return_index=True)
        preferred = np.zeros(len(order), dtype=bool)
        preferred[starts] = True
        # Each concept has one name fewer than in the section, so each list starts earlier by the concepts before it.
        offsets = np.append(starts, len(order)) - np.arange(len(concepts) + 1)
        columns = vocabulary.columns(concepts, "identifier", "entity_types", "tree_numbers", "taxon")
        values = {
            "linker": pa.repeat(linker, len(concepts)),
            "identifier": columns["identifier"],
            "name": names.texts.take(pa.array(order[preferred])),
            "entity_type": columns["entity_types"].cast(pa.string()),
            "vocabulary": pa.repeat(section, len(concepts)),
            "synonyms": pa.ListArray.from_arrays(
                pa.array(offsets, pa.int32()), names.texts.take(pa.array(order[~preferred]))
            ),
            "tree_numbers": columns["tree_numbers"],
            "taxon": columns["taxon"],
        }
        yield pa.Table.from_arrays([_as(values[field.name], field.type) for field in schema], schema=schema)


def _learned_concepts(folder: Path, vocabulary: Vocabulary, linker: str) -> pa.Table:
    learned = learned_concepts(folder, vocabulary)
    rows = [
        {
            "linker": linker,
            "identifier": identifier,
            "name": names[0],
            "entity_type": kind,
            "vocabulary": _FROM_TRAINING,
            "synonyms": names[1:],
            "tree_numbers": [],
            "taxon": None,
        }
        for identifier, (kind, names) in sorted(learned.items())
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("vocabularies"))


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values with the type of a field, whose lists have elements that are never null."""
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(values.offsets, values.values, type=kind)
    return values.cast(kind)
