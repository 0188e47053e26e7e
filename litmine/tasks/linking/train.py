"""Train a linker from documents with gold mentions: the names to learn, the rankers, their calibration and thresholds.

The rankers learn from candidates that were found without what their own document teaches, so that they rely on learnt
names no more than is right for a new document. Rankers are calibrated, and thresholds chosen, on a tenth of the
documents that they have not learnt from.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from litmine.tasks.linking.concepts import Concepts
from litmine.tasks.linking.features import FEATURES, Candidates, Cosine
from litmine.tasks.linking.fit_ranker import RankingExample, calibrate, fit_ranker
from litmine.tasks.linking.gene_features import GENE, GENE_FEATURES, add_article_species, gene_words
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.linker import GENE_FIRST, NAME_TYPES, ArticleCandidates, CandidateFinder, Linker
from litmine.tasks.linking.name_table import JoinedConcepts, NameTable, TableName
from litmine.tasks.linking.ranker import Ranker
from litmine.tasks.linking.training_examples import (
    GoldDocument,
    article_candidates,
    examples,
    learned_mentions,
)

CHOICE_FOLD, FOLDS = 1, 10
_FIRST_EPOCHS, _FIRST_UNITS = 12, 16
_GENE_EPOCHS, _NAME_EPOCHS = 20, 40


@dataclass(frozen=True, slots=True)
class VocabularyNames:
    """What the features need of all names of a vocabulary.

    word_weights: see `find_candidates`. gene_words: how many genes have a word in their names. genes: their number.
    """

    word_weights: Mapping[str, float]
    gene_words: Mapping[str, int]
    genes: int


@dataclass(frozen=True, slots=True)
class TrainedLinker:
    """The parts of a linker that are learnt."""

    learned: LearnedNames
    rankers: Mapping[str, Ranker]
    thresholds: Mapping[str, float]

    def linker(self, concepts: Concepts, names: VocabularyNames, cosine: Cosine | None = None) -> Linker:
        """The linker over the concepts of a vocabulary."""
        return Linker(make_finder(concepts, self.learned, names, cosine), self.rankers, self.thresholds)


def fold_of(name: str) -> int:
    """The fold of a document, 0 to 9, by its name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS


def count_gene_words(names_of_genes: Iterable[Sequence[str]]) -> tuple[dict[str, int], int]:
    """How many genes have each word in their names, and the number of genes."""
    counts: Counter[str] = Counter()
    total = 0
    for names in names_of_genes:
        counts.update(gene_words(names))
        total += 1
    return dict(counts), total


def learn_names(documents: Iterable[GoldDocument]) -> LearnedNames:
    """The names that documents teach."""
    return LearnedNames.of(one for document in documents for one in learned_mentions(document))


def make_finder(
    concepts: Concepts, learned: LearnedNames, names: VocabularyNames, cosine: Cosine | None = None
) -> CandidateFinder:
    """A finder over a vocabulary and the learnt names."""
    table = NameTable(
        TableName(identifier, name, kind, learned=True)
        for kind in NAME_TYPES
        for name, identifier in learned.names(kind)
    )
    joined = JoinedConcepts(concepts, table)
    return CandidateFinder(joined, learned, names.word_weights, names.gene_words, names.genes, cosine)


def train_linker(
    documents: Sequence[GoldDocument],
    concepts: Concepts,
    names: VocabularyNames,
    cosine: Cosine | None = None,
    ranked: Callable[[GoldDocument], bool] = lambda _: True,
    report: Callable[[str], None] = lambda _: None,
) -> TrainedLinker:
    """Learn names, rankers and thresholds from documents. Documents with one name count as one document.

    ranked: which documents the rankers learn from. With an encoder these are documents that it has not learnt from,
    since its vectors fit the mentions of its own documents too well.
    """
    learned = learn_names(documents)
    finder = make_finder(concepts, learned, names, cosine)
    fitted: dict[str, list[RankingExample]] = defaultdict(list)
    choice: dict[str, list[RankingExample]] = defaultdict(list)
    genes: list[tuple[GoldDocument, ArticleCandidates]] = []
    for number, (document, found, of_genes) in enumerate(
        article_candidates(finder, filter(ranked, documents), held_out=False), 1
    ):
        chosen = choice if fold_of(document.name) == CHOICE_FOLD else fitted
        for kind, example in examples(found, document):
            chosen[kind].append(example)
        if of_genes.positions:
            genes.append((document, of_genes))
        if number % 200 == 0:
            report(f"candidates of {number:,} documents")
    rankers = {
        kind: fit_ranker(fitted[kind], FEATURES, epochs=_NAME_EPOCHS)
        for kind in NAME_TYPES
        if any(one.right.any() for one in fitted[kind])
    }
    if genes:
        rankers |= _fit_gene_rankers(genes, finder.concepts, fitted, choice)
    rankers = {kind: calibrate(ranker, choice[kind]) if kind in choice else ranker for kind, ranker in rankers.items()}
    thresholds = {kind: choose_threshold(rankers[kind], found) for kind, found in choice.items() if kind in rankers}
    return TrainedLinker(learned, rankers, thresholds)


def _fit_gene_rankers(
    genes: Sequence[tuple[GoldDocument, ArticleCandidates]],
    concepts: Concepts,
    fitted: dict[str, list[RankingExample]],
    choice: dict[str, list[RankingExample]],
) -> dict[str, Ranker]:
    """The first ranker of genes, and the one that knows the species of the other genes.

    The species of a document come from a first ranker that has not learnt from it; adds the examples of both.
    """
    halves = [[pair for pair in genes if fold_of(f"half {pair[0].name}") % 2 == half] for half in (0, 1)]
    firsts = [_first_ranker(halves[1 - half] or genes) for half in (0, 1)]
    for half, first in zip(halves, firsts, strict=True):
        for document, found in half:
            chosen = choice if fold_of(document.name) == CHOICE_FOLD else fitted
            for kind, example in examples(found, document, _with_species(found, first, concepts)):
                chosen[kind].append(example)
    everything = [pair for pair in genes if fold_of(pair[0].name) != CHOICE_FOLD] or list(genes)
    return {GENE_FIRST: _first_ranker(everything), GENE: fit_ranker(fitted[GENE], GENE_FEATURES, epochs=_GENE_EPOCHS)}


def _first_ranker(genes: Sequence[tuple[GoldDocument, ArticleCandidates]]) -> Ranker:
    found = [example for document, candidates in genes for _, example in examples(candidates, document)]
    return fit_ranker(found, GENE_FEATURES, units=_FIRST_UNITS, epochs=_FIRST_EPOCHS)


def _with_species(found: ArticleCandidates, first: Ranker, concepts: Concepts) -> list[Candidates]:
    shares = [first.shares(one.features) if one.identifiers else np.empty(0) for one in found.candidates]
    return add_article_species(found.candidates, shares, found.names, concepts)


def choose_threshold(ranker: Ranker, found: Sequence[RankingExample]) -> float:
    """The least score of a link that gives the best F1 of the links made against the mentions that have a gold link."""
    scored = []
    for one in found:
        if len(one.right):
            row, score = ranker.best(one.features)
            scored.append((score, bool(one.right[row])))
    scored.sort(reverse=True)
    best, kept, right, linked = 0.0, 0, 0, sum(one.linked for one in found)
    for made, (_, correct) in enumerate(scored, 1):
        right += correct
        f1 = 2 * right / (made + linked)
        if f1 >= best:
            best, kept = f1, made
    if not kept:
        return 0.0
    # Half way from the last link that is kept to the next one.
    following = scored[kept][0] if kept < len(scored) else 0.0
    return round((scored[kept - 1][0] + following) / 2, 4)


def without_thresholds(trained: TrainedLinker) -> TrainedLinker:
    """The linker that links each mention to its best candidate, as accuracy at 1 is judged."""
    return replace(trained, thresholds={})
