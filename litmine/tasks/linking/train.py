"""Train a linker from documents with gold mentions: the names to learn, the rankers, their calibration and thresholds.

The rankers learn from candidates that were found without what their own document teaches, so that they rely on learnt
names no more than is right for a new document. Rankers are calibrated, and thresholds chosen, on a tenth of the
documents that they have not learnt from.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from litmine.tasks.linking.concepts import Concepts
from litmine.tasks.linking.features import FEATURES, Candidates
from litmine.tasks.linking.fit_ranker import FitSettings, RankingExample, calibrate, fit_ranker
from litmine.tasks.linking.gene_features import GENE, GENE_FEATURES, add_article_species
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.linker import GENE_FIRST, NAME_TYPES, ArticleCandidates
from litmine.tasks.linking.ranker import Ranker
from litmine.tasks.linking.trained_linker import TrainedLinker, make_finder
from litmine.tasks.linking.training_examples import (
    GoldDocument,
    article_candidates,
    examples,
    fold_of,
    learned_mentions,
)
from litmine.tasks.linking.vocabulary_names import VocabularyNames

CHOICE_FOLD = 1


@dataclass(frozen=True, slots=True)
class RankerSettings:
    """The settings of the rankers' training; `fitting` are those of the names' rankers.

    gene_epochs: passes over the examples of genes. first_gene_units, first_gene_epochs: units of the hidden layer, and
    passes, of the ranker that tells the species of an article's other genes.
    """

    fitting: FitSettings = field(default_factory=FitSettings)
    gene_epochs: int = 20
    first_gene_units: int = 16
    first_gene_epochs: int = 12

    @property
    def gene_fitting(self) -> FitSettings:
        return replace(self.fitting, epochs=self.gene_epochs)

    @property
    def first_gene_fitting(self) -> FitSettings:
        return replace(self.fitting, units=self.first_gene_units, epochs=self.first_gene_epochs)


def learn_names(documents: Iterable[GoldDocument]) -> LearnedNames:
    """The names that documents teach."""
    return LearnedNames.of(one for document in documents for one in learned_mentions(document))


def train_linker(
    documents: Sequence[GoldDocument],
    concepts: Concepts,
    names: VocabularyNames,
    report: Callable[[str], None] = lambda _: None,
    settings: RankerSettings = RankerSettings(),
) -> TrainedLinker:
    """Learn names, rankers and thresholds from documents. Documents with one name count as one document."""
    learned = learn_names(documents)
    finder = make_finder(concepts, learned, names)
    fitted: dict[str, list[RankingExample]] = defaultdict(list)
    choice: dict[str, list[RankingExample]] = defaultdict(list)
    genes: list[tuple[GoldDocument, ArticleCandidates]] = []
    for number, (document, found, of_genes) in enumerate(article_candidates(finder, documents, held_out=False), 1):
        chosen = choice if fold_of(document.name) == CHOICE_FOLD else fitted
        for kind, example in examples(found, document):
            chosen[kind].append(example)
        if of_genes.positions:
            genes.append((document, of_genes))
        if number % 1_000 == 0:
            report(f"candidates of {number:,} documents")
    rankers = {
        kind: fit_ranker(fitted[kind], FEATURES, settings.fitting)
        for kind in NAME_TYPES
        if any(one.right.any() for one in fitted[kind])
    }
    rankers |= _fit_gene_rankers(genes, finder.concepts, fitted, choice, settings)
    rankers = {kind: calibrate(ranker, choice[kind]) if kind in choice else ranker for kind, ranker in rankers.items()}
    thresholds = {kind: choose_threshold(rankers[kind], found) for kind, found in choice.items() if kind in rankers}
    return TrainedLinker(learned, rankers, thresholds)


def _fit_gene_rankers(
    genes: Sequence[tuple[GoldDocument, ArticleCandidates]],
    concepts: Concepts,
    fitted: dict[str, list[RankingExample]],
    choice: dict[str, list[RankingExample]],
    settings: RankerSettings,
) -> dict[str, Ranker]:
    """The first ranker of genes, and the one that knows the species of the other genes; none without genes to learn.

    The species of a document come from a first ranker that has not learnt from it; adds the examples of both.
    """
    everything = [pair for pair in genes if fold_of(pair[0].name) != CHOICE_FOLD] or list(genes)
    if not _learnable(everything):
        return {}
    halves = [[pair for pair in genes if fold_of(f"half {pair[0].name}") % 2 == half] for half in (0, 1)]
    firsts = [
        _first_ranker(halves[1 - half] if _learnable(halves[1 - half]) else everything, settings) for half in (0, 1)
    ]
    for half, first in zip(halves, firsts, strict=True):
        for document, found in half:
            chosen = choice if fold_of(document.name) == CHOICE_FOLD else fitted
            for kind, example in examples(found, document, _with_species(found, first, concepts)):
                chosen[kind].append(example)
    return {
        GENE_FIRST: _first_ranker(everything, settings),
        GENE: fit_ranker(fitted[GENE] or choice[GENE], GENE_FEATURES, settings.gene_fitting),
    }


def _first_ranker(genes: Sequence[tuple[GoldDocument, ArticleCandidates]], settings: RankerSettings) -> Ranker:
    return fit_ranker(_gene_examples(genes), GENE_FEATURES, settings.first_gene_fitting)


def _learnable(genes: Sequence[tuple[GoldDocument, ArticleCandidates]]) -> bool:
    """Whether any gene has its gold concept among its candidates."""
    return any(one.right.any() for one in _gene_examples(genes))


def _gene_examples(genes: Sequence[tuple[GoldDocument, ArticleCandidates]]) -> list[RankingExample]:
    return [example for document, candidates in genes for _, example in examples(candidates, document)]


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
