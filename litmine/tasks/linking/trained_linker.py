"""The learnt parts of a linker, and how they become a linker over a vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from litmine.tasks.linking.concepts import Concepts
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.linker import NAME_TYPES, CandidateFinder, Linker
from litmine.tasks.linking.name_table import JoinedConcepts, NameTable, TableName
from litmine.tasks.linking.ranker import Ranker
from litmine.tasks.linking.vocabulary_names import VocabularyNames


@dataclass(frozen=True, slots=True)
class TrainedLinker:
    """The parts of a linker that are learnt."""

    learned: LearnedNames
    rankers: Mapping[str, Ranker]
    thresholds: Mapping[str, float]

    def linker(self, concepts: Concepts, names: VocabularyNames, calibrated: bool = True) -> Linker:
        """The linker over the concepts of a vocabulary; `calibrated` as for `Linker`."""
        return Linker(make_finder(concepts, self.learned, names), self.rankers, self.thresholds, calibrated)


def without_thresholds(trained: TrainedLinker) -> TrainedLinker:
    """The linker that links each mention to its best candidate, as accuracy at 1 is judged."""
    return replace(trained, thresholds={})


def make_finder(concepts: Concepts, learned: LearnedNames, names: VocabularyNames) -> CandidateFinder:
    """A finder over a vocabulary and the learnt names."""
    table = NameTable(
        TableName(identifier, name, kind, learned=True)
        for kind in NAME_TYPES
        for name, identifier in learned.names(kind)
    )
    joined = JoinedConcepts(concepts, table)
    return CandidateFinder(joined, learned, names.word_weights, names.gene_words, names.genes)
