"""How well each candidate gene fits a mention: the name, the species of the article, and the words of the article."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from litmine.tasks.linking.concepts import ConceptFacts, Concepts
from litmine.tasks.linking.features import Candidates
from litmine.tasks.linking.gene_names import gene_forms
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.species_evidence import (
    FAR,
    FRUIT_FLY,
    HUMAN,
    MOUSE,
    OTHER,
    YEAST,
    ZEBRAFISH,
    SpeciesEvidence,
)
from litmine.tasks.linking.words import Agreement, agreement, characters, tokens

GENE = "Gene"
GENE_FEATURES = (
    # The name: agreement, whether it is the symbol or a full name, how far the form is from the mention, similarity.
    "exact", "case", "characters", "symbol", "full_name", "form", "similarity", "short",
    # The species of the gene, and how the article speaks of it.
    "human", "mouse", "fly", "zebrafish", "yeast", "share", "share_gap", "any", "none", "first", "in_title",
    "nearest", "nearest_distance", "own_distance", "in_sentence", "own_count", "other_count", "human_count",
    "mouse_count", "human_share", "capitals_fit", "mouse_capitals",
    # The gene: age of its number, number of names, coding, other genes of its species with this name.
    "number", "names", "coding", "ambiguous",
    # Training documents.
    "learned_share", "learned_count", "frequency",
    # The article: words of the gene's names, other mentions with this candidate, the long or short form of the mention.
    "text_words", "text_cover", "support", "other_form", "has_other_form",
    # The species of the other genes of the article, after a first ranking; less the best candidate's.
    "article_species", "article_species_gap",
)  # fmt: skip
_COLUMN = {name: column for column, name in enumerate(GENE_FEATURES)}
_SPECIES = {HUMAN: "human", MOUSE: "mouse", FRUIT_FLY: "fly", ZEBRAFISH: "zebrafish", YEAST: "yeast"}
_WORD_LETTERS, _SHORT_LETTERS, _SHORT_FULL_NAME = 4, 4, 8
_LEARNED_FORM, _FARTHEST_FORM = 9, 4
# A name that more genes share tells little; approximate names below this similarity are other genes.
_MOST_GENES, _LEAST_SIMILAR, _NEAREST = 80, 0.45, 12


@dataclass(frozen=True, slots=True)
class GeneMention:
    """A gene mention. name: as written. other: its long form, or its short form; empty for none. start: its offset."""

    name: str
    start: int
    other: str = ""


@dataclass(slots=True)
class _Found:
    """How a candidate was found: which form of the mention, by which of its names."""

    form: int = _LEARNED_FORM
    agreement: Agreement = Agreement.NONE
    symbol: bool = False
    full_name: bool = False
    similarity: float = 0.0

    @property
    def rank(self) -> tuple[int, int, bool]:
        return self.form, -self.agreement, not self.symbol


@dataclass(slots=True)
class ArticleGenes:
    """The gene mentions of one article with their candidates.

    words: how many genes have each word in their names, which may lack words of one gene. genes: how many genes there
    are.
    """

    text: str
    species: SpeciesEvidence
    mentions: Sequence[GeneMention]
    concepts: Concepts
    learned: LearnedNames
    words: Mapping[str, int]
    genes: int
    _of_name: dict[str, dict[str, _Found]] = field(default_factory=dict)

    def candidates(self) -> list[Candidates]:
        """The candidates of each mention; the features of the article's species are 0."""
        names = {one.name: self._all_candidates(one) for one in self.mentions}
        support = Counter(identifier for found in names.values() for identifier in found)
        text_words = set(tokens(self.text))
        return [self._features(one, names[one.name], support, text_words) for one in self.mentions]

    def _all_candidates(self, mention: GeneMention) -> dict[str, _Found]:
        found = dict(self._candidates(mention.name))
        for identifier, how in self._candidates(mention.other).items() if mention.other else ():
            found.setdefault(identifier, _Found(how.form + 1, how.agreement, how.symbol, how.full_name, how.similarity))
        for identifier, count in self.learned.counts(mention.name, GENE).items():
            if count:
                found.setdefault(identifier, _Found())
        if not any(how.agreement for how in found.values()):
            for match in self.concepts.nearest(mention.other or mention.name, GENE, _NEAREST):
                if match.similarity > _LEAST_SIMILAR and not match.learned:
                    found.setdefault(match.identifier, _Found(similarity=match.similarity))
        return found

    def _candidates(self, name: str) -> dict[str, _Found]:
        """The genes of the name's forms, up to the first form after the name itself that has any."""
        if name not in self._of_name:
            found: dict[str, _Found] = {}
            for place, form in enumerate(gene_forms(name)):
                for match in list(self.concepts.lookup(form, GENE))[:_MOST_GENES]:
                    full = " " in match.name and len(match.name) > _SHORT_FULL_NAME
                    how = _Found(place, agreement(match.name, form), match.preferred, full)
                    before = found.get(match.identifier)
                    if before is None or how.rank < before.rank:
                        found[match.identifier] = how
                if found and place:
                    break
            self._of_name[name] = found
        return self._of_name[name]

    def _features(
        self, mention: GeneMention, found: Mapping[str, _Found], support: Mapping[str, int], text_words: set[str]
    ) -> Candidates:
        table = np.zeros((len(found), len(GENE_FEATURES)), dtype=np.float32)
        facts = {identifier: self.concepts.facts(identifier) for identifier in found}
        taxa = Counter(_taxon(one) for one in facts.values())
        most = max((self.species.share(taxon) for taxon in taxa), default=0.0)
        other = self._candidates(mention.other) if mention.other else {}
        for row, (identifier, how) in zip(table, found.items(), strict=True):
            taxon = _taxon(facts[identifier])
            _name_features(row, mention, how)
            self._species_features(row, mention, taxon, most)
            self._learned_features(row, mention, identifier)
            _put(
                row,
                number=_number(identifier),
                ambiguous=math.log1p(taxa[taxon]),
                support=math.log1p(max(support[identifier] - 1, 0)),
                other_form=identifier in other,
                has_other_form=bool(other),
            )
            known = facts[identifier]
            if known is not None:
                _put(row, names=math.log1p(known.names), coding=known.coding)
                self._word_features(row, mention, identifier, text_words)
        return Candidates(tuple(found), table)

    def _species_features(self, row: np.ndarray, mention: GeneMention, taxon: int, most: float) -> None:
        species = self.species
        nearest = species.nearest(mention.start)
        distance = species.distance(taxon, mention.start)
        _put(
            row,
            share=species.share(taxon),
            share_gap=species.share(taxon) - most,
            any=species.count(taxon) > 0,
            none=species.total == 0,
            first=species.first == taxon,
            in_title=species.in_title(taxon),
            nearest=nearest == taxon,
            nearest_distance=math.log1p(distance) / math.log1p(FAR) if nearest == taxon else 0,
            own_distance=math.log1p(distance) / math.log1p(FAR),
            in_sentence=species.in_sentence(taxon, mention.start),
            own_count=math.log1p(species.count(taxon)),
            other_count=math.log1p(max(len(places) for kind, places in species.places.items() if kind != taxon)),
            human_count=math.log1p(species.count(HUMAN)) if taxon == HUMAN else 0,
            mouse_count=math.log1p(species.count(MOUSE)) if taxon == MOUSE else 0,
            human_share=species.share(HUMAN),
        )
        if taxon in _SPECIES:
            row[_COLUMN[_SPECIES[taxon]]] = 1
        letters = [char for char in mention.name if char.isalpha()]
        upper = bool(letters) and all(char.isupper() for char in letters)
        capital = len(letters) > 1 and letters[0].isupper() and not any(char.isupper() for char in letters[1:])
        _put(row, capitals_fit=(taxon == HUMAN) == upper)
        if taxon == MOUSE:
            _put(row, mouse_capitals=capital - (upper and len(letters) > 2))

    def _learned_features(self, row: np.ndarray, mention: GeneMention, identifier: str) -> None:
        counts = self.learned.counts(mention.name, GENE)
        _put(
            row,
            learned_share=counts.get(identifier, 0) / (sum(counts.values()) + 0.5),
            learned_count=math.log1p(counts.get(identifier, 0)),
            frequency=math.log1p(self.learned.documents_with(identifier)),
        )

    def _word_features(self, row: np.ndarray, mention: GeneMention, identifier: str, text_words: set[str]) -> None:
        """How many words of the gene's names stand in the article, besides those of the mention, rare ones more."""
        words = gene_words(self.concepts.names(identifier))
        own = set(tokens(mention.name))

        def weight(some: set[str]) -> float:
            return sum(math.log(self.genes / self.words.get(one, 1)) for one in some)

        shared = weight((words & text_words) - own)
        _put(row, text_words=math.log1p(shared) / 4, text_cover=shared / (weight(words) + 1e-6) if words else 0)


def add_article_species(
    found: Sequence[Candidates], shares: Sequence[np.ndarray], names: Sequence[str], concepts: Concepts
) -> list[Candidates]:
    """The candidates with the share of their species among the other names of the article.

    shares: how sure a first ranking is of each candidate, summing to 1 for each mention. names: the mentions.
    """
    taxa = [[_taxon(concepts.facts(one)) for one in each.identifiers] for each in found]
    of_name: dict[str, Counter[int]] = {}
    for name, kinds, share in zip(names, taxa, shares, strict=True):
        if kinds and name not in of_name:
            of_name[name] = Counter()
            for taxon, part in zip(kinds, share, strict=True):
                of_name[name][taxon] += float(part)  # type: ignore[assignment]
    total: Counter[int] = Counter()
    for shared in of_name.values():
        total.update(shared)
    filled = []
    for each, name, kinds in zip(found, names, taxa, strict=True):
        table = each.features.copy()
        own = of_name.get(name, Counter())
        rest = sum(total.values()) - sum(own.values()) + 0.5
        if kinds:
            column = np.array([(total[taxon] - own[taxon]) / rest for taxon in kinds])
            table[:, _COLUMN["article_species"]] = column
            table[:, _COLUMN["article_species_gap"]] = column - column.max()
        filled.append(Candidates(each.identifiers, table))
    return filled


def gene_words(names: Sequence[str]) -> set[str]:
    """The words of a gene's names that have at least four letters."""
    return {word for name in names for word in tokens(name) if len(word) >= _WORD_LETTERS and word.isalpha()}


def _name_features(row: np.ndarray, mention: GeneMention, how: _Found) -> None:
    _put(
        row,
        exact=how.agreement == Agreement.EXACT,
        case=how.agreement >= Agreement.CASE,
        characters=how.agreement >= Agreement.CHARACTERS,
        symbol=how.symbol,
        full_name=how.full_name,
        form=min(how.form, _FARTHEST_FORM),
        similarity=how.similarity,
        short=len(characters(mention.name)) < _SHORT_LETTERS,
    )


def _put(row: np.ndarray, **values: float) -> None:
    for name, value in values.items():
        row[_COLUMN[name]] = value


def _taxon(facts: ConceptFacts | None) -> int:
    return OTHER if facts is None else facts.taxon


def _number(identifier: str) -> float:
    """The gene's number on a logarithmic scale, 0 to 1: well-known genes were entered first."""
    digits = identifier.rpartition(":")[2]
    return math.log10(int(digits) + 10) / 9 if digits.isdecimal() else 1.0
