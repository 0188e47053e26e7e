"""Examples for the rankers, from documents with gold mentions."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from litmine.corpora.annotated_documents import AnnotatedDocument
from litmine.tasks.linking.features import Candidates
from litmine.tasks.linking.fit_ranker import RankingExample
from litmine.tasks.linking.gene_features import GENE
from litmine.tasks.linking.learned_names import LearnedMention
from litmine.tasks.linking.linker import LINKED_TYPES, ArticleCandidates, CandidateFinder
from litmine.tasks.linking.mention_names import Mention, full_names, title_end

FOLDS = 10


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """A document with gold mentions of the linked types. title: where its title ends, in code points.

    name: one name for all corpora that have the document. gold: the identifiers of each mention; empty for a mention
    that refers to no concept, such as one that a tagger finds and the corpus does not have. spans: start and end of
    everything that the corpus annotates.
    """

    name: str
    text: str
    title: int
    mentions: tuple[Mention, ...]
    gold: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(
        cls, document: AnnotatedDocument, name: str = "", equivalents: Mapping[str, str] | None = None
    ) -> "GoldDocument":
        """The mentions of a document that have identifiers; `equivalents` replaces some by those of the vocabulary."""
        known = equivalents or {}
        kept = [one for one in document.entities if one.identifiers and one.entity_type in LINKED_TYPES]
        return cls(
            name or document.identifier,
            document.text,
            title_end(document.text),
            tuple(Mention(one.start, one.end, one.entity_type) for one in kept),
            tuple(tuple(dict.fromkeys(known.get(each, each) for each in one.identifiers)) for one in kept),
            tuple((one.start, one.end) for one in document.entities),
        )


def fold_of(name: str) -> int:
    """The fold of a document, 0 to 9, by its name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS


def learned_mentions(document: GoldDocument) -> list[LearnedMention]:
    """What a document teaches: each mention and its long form with the identifier; not those of composite mentions.

    A mention of a family of genes has several identifiers, of which the first counts.
    """
    found = []
    names = full_names(document.text, document.mentions)
    for mention, name, gold in zip(document.mentions, names, document.gold, strict=True):
        if len(gold) == 1 or (gold and mention.entity_type == GENE):
            written = dict.fromkeys((mention.of(document.text), name))
            found += [LearnedMention(document.name, mention.entity_type, one, gold[0]) for one in written]
    return found


def examples(
    found: ArticleCandidates, document: GoldDocument, candidates: Sequence[Candidates] | None = None
) -> Iterator[tuple[str, RankingExample]]:
    """The type and the example of each mention; `candidates` instead of those that were found, with other features."""
    for place, one in zip(found.positions, candidates or found.candidates, strict=True):
        gold: Collection[str] = document.gold[place]
        right = np.array([identifier in gold for identifier in one.identifiers], dtype=bool)
        yield document.mentions[place].entity_type, RankingExample(one.features, right, bool(gold))


def article_candidates(
    finder: CandidateFinder, documents: Iterable[GoldDocument], held_out: bool
) -> Iterator[tuple[GoldDocument, ArticleCandidates, ArticleCandidates]]:
    """The candidates of each document's names and genes. held_out: the learnt names are from other documents anyway."""
    for document in documents:
        learned = None if held_out else finder.learned.without(learned_mentions(document))
        names = finder.of_names(document.text, document.mentions, learned)
        genes = finder.of_genes(document.text, document.mentions, document.title, learned)
        yield document, names, genes
