"""What the features need of all names of a vocabulary: how rare words are, and how many genes have a word."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from litmine.tasks.linking.gene_features import GENE, gene_words
from litmine.tasks.linking.linker import DISEASE
from litmine.tasks.linking.name_table import word_weights
from litmine.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class VocabularyNames:
    """What the features need of all names of a vocabulary.

    word_weights: see `find_candidates`. gene_words: how many genes have a word in their names. genes: their number.
    """

    word_weights: Mapping[str, float]
    gene_words: Mapping[str, int]
    genes: int


def vocabulary_names(vocabulary: Vocabulary) -> VocabularyNames:
    """Count the words of a vocabulary: those of the sections with diseases, and those of its genes."""
    weights = word_weights(name for names in vocabulary.iter_names(DISEASE) for name in names.texts.to_pylist())
    of_gene: dict[int, list[str]] = defaultdict(list)
    for names in vocabulary.iter_names(GENE):
        for name, concept in zip(names.texts.to_pylist(), names.concepts.tolist(), strict=True):
            of_gene[concept].append(name)
    return VocabularyNames(weights, *count_gene_words(of_gene.values()))


def count_gene_words(names_of_genes: Iterable[Sequence[str]]) -> tuple[dict[str, int], int]:
    """How many genes have each word in their names, and the number of genes."""
    counts: Counter[str] = Counter()
    total = 0
    for names in names_of_genes:
        counts.update(gene_words(names))
        total += 1
    return dict(counts), total
