"""Link the mentions of a text to concepts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from litmine.tasks.linking.concepts import Concepts
from litmine.tasks.linking.features import FEATURES, Candidates, NameQuery, find_candidates
from litmine.tasks.linking.gene_features import GENE, GENE_FEATURES, ArticleGenes, GeneMention, add_article_species
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.mention_names import Mention, full_names, parts_of_composite
from litmine.tasks.linking.ranker import Ranker
from litmine.tasks.linking.species_evidence import SpeciesEvidence
from litmine.tasks.linking.words import agreement

DISEASE, CHEMICAL, SPECIES, CELL_LINE = "Disease", "Chemical", "Species", "CellLine"
NAME_TYPES = (DISEASE, CHEMICAL, SPECIES, CELL_LINE)
LINKED_TYPES = (*NAME_TYPES, GENE)
# The ranker of genes before the species of the article's other genes are known.
GENE_FIRST = "Gene, first ranking"
# Names of concepts that are nearly always other words; another name of the concept must stand in the article.
COMMON_WORDS = frozenset({"cold", "gas", "lead", "can", "was", "not", "and", "for", "the", "all", "an", "on"})
_LEAST_PART = 0.8
# What a candidate needs where the probability is not calibrated: a name that agrees, or this similarity of one.
_NEAR_NAME = 0.9
# The columns of agreement of a name, and of its similarity, among the features of genes and of other concepts.
_GENE_COLUMNS = slice(GENE_FEATURES.index("characters") + 1), GENE_FEATURES.index("similarity")
_NAME_COLUMNS = slice(FEATURES.index("words") + 1), FEATURES.index("name_similarity")
# Cell lines of MeSH are called `HeLa Cells`; Cellosaurus, which has all of them, calls it HeLa.
_CELLS = re.compile(r"[\s-]+(?:cells?|cell[\s-]+lines?)$", re.IGNORECASE)
_KEPT_NAMES = 8192
_IN_DOCUMENT, _LONG_FORM = FEATURES.index("in_document"), FEATURES.index("long_form")


@dataclass(frozen=True, slots=True)
class Link:
    """What a mention refers to: identifiers, several for a composite mention, and the probability that it is right."""

    identifiers: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class ArticleCandidates:
    """The candidates of an article's mentions of the linked types. positions: of those mentions in the article."""

    positions: tuple[int, ...]
    names: tuple[str, ...]
    candidates: tuple[Candidates, ...]


@dataclass(slots=True)
class CandidateFinder:
    """Finds the candidates of the mentions of articles.

    gene_words: how many genes have a word in their names. genes: number of genes. word_weights: as in
    `find_candidates`.
    """

    concepts: Concepts
    learned: LearnedNames
    word_weights: Mapping[str, float]
    gene_words: Mapping[str, int]
    genes: int
    _kept: dict[tuple[str, str], Candidates] = field(default_factory=dict)

    def of_names(
        self, text: str, mentions: Sequence[Mention], learned: LearnedNames | None = None
    ) -> ArticleCandidates:
        """The candidates of the mentions that are no genes.

        learned: instead of the finder's own, the counts without this article, in training.
        """
        chosen = [place for place, one in enumerate(mentions) if one.entity_type in NAME_TYPES]
        names = full_names(text, mentions)
        same: dict[tuple[str, str], set[str]] = {}
        for place in chosen:
            key = (names[place], mentions[place].entity_type)
            if key not in same:
                same[key] = {
                    match.identifier
                    for match in self.concepts.lookup(*key)
                    if not match.learned and agreement(key[0], match.name)
                }
        found = []
        of_name: dict[tuple[str, str], Candidates] = {}
        for place in chosen:
            key = (names[place], mentions[place].entity_type)
            others: set[str] = set().union(*(ids for other, ids in same.items() if other != key))
            long_form = key[0] != mentions[place].of(text)
            if key not in of_name:
                of_name[key] = self._candidates(NameQuery(*key, long_form, others), learned)
            found.append(_as_long_form(of_name[key], long_form))
        return ArticleCandidates(tuple(chosen), tuple(names[place] for place in chosen), tuple(found))

    def of_genes(
        self, text: str, mentions: Sequence[Mention], title: int, learned: LearnedNames | None = None
    ) -> ArticleCandidates:
        """The candidates of the gene mentions; `title` is where the title ends."""
        chosen = [place for place, one in enumerate(mentions) if one.entity_type == GENE]
        if not chosen:
            return ArticleCandidates((), (), ())
        genes = [mentions[place] for place in chosen]
        long_forms = full_names(text, genes)
        short_forms = {long: one.of(text) for one, long in zip(genes, long_forms, strict=True) if long != one.of(text)}
        named = []
        for one, long in zip(genes, long_forms, strict=True):
            name = one.of(text)
            named.append(GeneMention(name, one.start, long if long != name else short_forms.get(name, "")))
        article = ArticleGenes(
            text,
            SpeciesEvidence(text, title),
            named,
            self.concepts,
            learned or self.learned,
            self.gene_words,
            self.genes,
        )
        return ArticleCandidates(tuple(chosen), tuple(one.name for one in named), tuple(article.candidates()))

    def candidates(self, name: str, entity_type: str) -> Candidates:
        """The candidates of a name out of context."""
        return self._candidates(NameQuery(name, entity_type), None)

    def _candidates(self, query: NameQuery, learned: LearnedNames | None) -> Candidates:
        """The candidates of a name; without counts of its own, those that were found before are used."""
        if learned is not None:
            return find_candidates(query, self.concepts, learned, self.word_weights)
        key = (query.name, query.entity_type)
        if key not in self._kept:
            if len(self._kept) >= _KEPT_NAMES:
                self._kept.clear()
            plain = NameQuery(query.name, query.entity_type)
            self._kept[key] = find_candidates(plain, self.concepts, self.learned, self.word_weights)
        kept = self._kept[key]
        table = kept.features.copy()
        if len(table):
            table[:, _IN_DOCUMENT] = [one in query.others for one in kept.identifiers]
            table[:, _LONG_FORM] = query.long_form
        return Candidates(kept.identifiers, table)


def _as_long_form(candidates: Candidates, long_form: bool) -> Candidates:
    table = candidates.features.copy()
    table[:, _LONG_FORM] = long_form
    return Candidates(candidates.identifiers, table)


class Linker:
    """Links mentions: finds candidates, ranks them, and leaves out links that are too uncertain."""

    def __init__(
        self,
        finder: CandidateFinder,
        rankers: Mapping[str, Ranker],
        thresholds: Mapping[str, float] | None = None,
        calibrated: bool = True,
    ) -> None:
        """rankers: by type, and GENE_FIRST. thresholds: by type, the least score of a link (0 for no threshold).

        calibrated: whether the concepts are those that the rankers learnt with. Of other concepts, which may be few,
        the best one is often wrong, so that only those with a name near the mention's are linked to.
        """
        self._finder, self._rankers, self._calibrated = finder, rankers, calibrated
        self._thresholds = dict(thresholds or {})

    def link(self, text: str, mentions: Sequence[Mention], title: int = 0) -> list[Link | None]:
        """The link of each mention; None where there is none, or where the type is not linked.

        title: where the title ends, in code points.
        """
        links: list[Link | None] = [None] * len(mentions)
        found = self._finder.of_names(text, mentions)
        for place, name, candidates in zip(found.positions, found.names, found.candidates, strict=True):
            mention = mentions[place]
            links[place] = self._name_link(mention, mention.of(text), name, candidates)
        genes = self._finder.of_genes(text, mentions, title)
        for place, link in zip(genes.positions, self._gene_links(genes), strict=True):
            links[place] = link
        return links

    def _name_link(self, mention: Mention, written: str, name: str, candidates: Candidates) -> Link | None:
        parts = self._part_links(name, mention.entity_type, candidates)
        if parts is not None:
            return parts
        best = self._best(mention.entity_type, candidates)
        if best is None:
            return None
        row, score = best
        if not self._is_near(candidates.features[row], _NAME_COLUMNS):
            return None
        if written.lower() in COMMON_WORDS and name == written and not candidates.features[row, _IN_DOCUMENT]:
            return None
        identifier = candidates.identifiers[row]
        if mention.entity_type == CELL_LINE:
            identifier = self._cell_line(name, identifier)
        return self._accepted(mention.entity_type, Link((identifier,), score))

    def _cell_line(self, name: str, identifier: str) -> str:
        """The concept of Cellosaurus for a cell line whose mention is the name of a heading of MeSH, if it has one."""
        bare = _CELLS.sub("", name)
        if bare == name or not identifier.startswith("MESH:"):
            return identifier
        named = [
            one.identifier
            for one in self._finder.concepts.lookup(bare, CELL_LINE)
            if one.identifier.startswith("CVCL_") and not one.learned and agreement(bare, one.name)
        ]
        return named[0] if named else identifier

    def _is_near(self, features: np.ndarray, columns: tuple[slice, int]) -> bool:
        """Whether a candidate may be linked to. Without calibration, it needs a name near the mention's."""
        agreements, similarity = columns
        return self._calibrated or bool(features[agreements].any() or features[similarity] >= _NEAR_NAME)

    def _part_links(self, name: str, entity_type: str, candidates: Candidates) -> Link | None:
        """The link of a composite mention if each of its parts has a certain one, and the whole is no name itself."""
        if entity_type != DISEASE or (len(candidates.features) and candidates.features[:, :4].any()):
            return None
        found: list[tuple[str, float]] = []
        for part in parts_of_composite(name):
            of_part = self._finder.candidates(part, entity_type)
            best = self._best(entity_type, of_part)
            if best is None or best[1] < _LEAST_PART or not self._is_near(of_part.features[best[0]], _NAME_COLUMNS):
                return None
            found.append((of_part.identifiers[best[0]], best[1]))
        identifiers = tuple(dict.fromkeys(identifier for identifier, _ in found))
        if len(identifiers) < 2:
            return None
        return self._accepted(entity_type, Link(identifiers, min(score for _, score in found)))

    def _gene_links(self, genes: ArticleCandidates) -> list[Link | None]:
        filled = rank_twice(genes, self._rankers[GENE_FIRST], self._finder.concepts) if genes.positions else []
        links: list[Link | None] = []
        for candidates in filled:
            best = self._best(GENE, candidates)
            if best is None or not self._is_near(candidates.features[best[0]], _GENE_COLUMNS):
                links.append(None)
            else:
                links.append(self._accepted(GENE, Link((candidates.identifiers[best[0]],), best[1])))
        return links

    def _best(self, entity_type: str, candidates: Candidates) -> tuple[int, float] | None:
        """The row of the best candidate, and the probability that it is right."""
        ranker = self._rankers.get(entity_type)
        if ranker is None or not candidates.identifiers:
            return None
        return ranker.best(candidates.features)

    def _accepted(self, entity_type: str, link: Link) -> Link | None:
        return link if link.score >= self._thresholds.get(entity_type, 0.0) else None


def rank_twice(genes: ArticleCandidates, first: Ranker, concepts: Concepts) -> list[Candidates]:
    """The candidates of an article's genes with the species of its other genes, by a first ranking."""
    shares = [first.shares(one.features) if one.identifiers else np.empty(0) for one in genes.candidates]
    return add_article_species(genes.candidates, shares, genes.names, concepts)
