"""How well each candidate fits a mention of a disease, chemical, species or cell line: a row of numbers for each.

`litmine.tasks.linking.gene_features` has those of genes, whose names are ambiguous between species.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from litmine.tasks.linking.concepts import Concepts, NameMatch
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.words import Agreement, agreement, numbers, stem, tokens, word_classes

# Names that an approximate search returns; 40 find the right one for 87.2 % of BC5CDR's diseases, 20 for 87.0 %.
NEAREST = 40
# As many where the vocabulary has a name with the same words. Diseases have names in common with special forms of them.
_NEAREST_BESIDE = {"Disease": 12}
FEATURES = (
    # The best agreement of a name with the mention, and whether such a name is the preferred one.
    "exact", "case", "characters", "words", "preferred_match",
    # Character n-grams: with names and learned mentions, with names only, with the preferred name; whether it is best.
    "similarity", "name_similarity", "preferred_similarity", "most_similar",
    # Training documents: share and number of those with this link, whether there is any link, frequency of the concept.
    "learned_share", "learned_count", "learned", "frequency",
    # Words, rare ones counting more: of the mention in the name, of the name in the mention, both, the last word.
    "recall", "precision", "f1", "last_word", "numbers_missing", "numbers_added",
    # The article and the concept.
    "in_document", "heading", "supplementary", "depth", "long_form", "names_found", "short",
)  # fmt: skip
_COLUMN = {name: column for column, name in enumerate(FEATURES)}
_CHEMICAL, _SPECIES = "Chemical", "Species"
_SHORT = 5
_DEEPEST = 8
# The depth of a concept without a place in the tree.
_NO_DEPTH = 0.5
_UNKNOWN_WORD = 12.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """The concepts that a mention may refer to. features: float32, a row for each identifier."""

    identifiers: tuple[str, ...]
    features: np.ndarray


@dataclass(frozen=True, slots=True)
class NameQuery:
    """A name to look up. name: the mention or its long form. others: concepts of other mentions of the article."""

    name: str
    entity_type: str
    long_form: bool = False
    others: Collection[str] = ()


def find_candidates(
    query: NameQuery,
    concepts: Concepts,
    learned: LearnedNames,
    word_weights: Mapping[str, float],
) -> Candidates:
    """The candidates of a name with their `FEATURES`, in the order in which they were found.

    word_weights: how rare a word is among all names (`log(1 + names / names with it)`).
    """
    counts = learned.counts(query.name, query.entity_type)
    matches = _without_narrower(query, _matches(query, concepts, learned), concepts)
    if query.entity_type == _SPECIES and not counts:
        matches = _without_other_spellings(query.name, matches, concepts)
    table = np.zeros((len(matches), len(FEATURES)), dtype=np.float32)
    for row, (identifier, found) in zip(table, matches.items(), strict=True):
        _name_features(row, query.name, found)
        _word_features(row, query.name, found, word_weights)
        _learned_features(row, identifier, counts, learned)
        _concept_features(row, identifier, query, concepts)
    if query.entity_type == _SPECIES and not counts:
        _headings_as_taxa(table)
    if len(table):
        similarity = table[:, _COLUMN["similarity"]]
        table[:, _COLUMN["most_similar"]] = similarity == similarity.max()
    return Candidates(tuple(matches), table)


def _matches(query: NameQuery, concepts: Concepts, learned: LearnedNames) -> dict[str, list[NameMatch]]:
    """The names that were found, by concept."""
    found: dict[str, list[NameMatch]] = defaultdict(list)
    matches = concepts.lookup(query.name, query.entity_type)
    certain = any(not one.learned and agreement(query.name, one.name) for one in matches)
    number = _NEAREST_BESIDE.get(query.entity_type, 0) if certain else NEAREST
    if number:
        nearest = concepts.nearest(query.name, query.entity_type, number)
        known = {(one.identifier, one.name) for one in nearest}
        matches = [*nearest, *(one for one in matches if (one.identifier, one.name) not in known)]
    for match in matches:
        # In training, the names that only the document itself has are left out of `learned`.
        if not match.learned or learned.counts(match.name, query.entity_type).get(match.identifier):
            found[match.identifier].append(match)
    for identifier, count in learned.counts(query.name, query.entity_type).items():
        if count and identifier not in found:
            facts = concepts.facts(identifier)
            found[identifier].append(NameMatch(identifier, facts.name if facts else query.name, 0.0, learned=True))
    return found


def _without_narrower(
    query: NameQuery, found: dict[str, list[NameMatch]], concepts: Concepts
) -> dict[str, list[NameMatch]]:
    """The candidates without those below a heading of MeSH whose preferred name is the name, if it is a plural.

    A chemical's heading in the plural is a class. So `alcohols` is the class, whatever `alcohol` means in the documents
    that the linker learnt from.
    """
    words = tokens(query.name)
    if query.entity_type != _CHEMICAL or not words or stem(words[-1]) == words[-1]:
        return found
    facts = {identifier: concepts.facts(identifier) for identifier in found}
    classes = [
        known
        for identifier, known in facts.items()
        if known is not None
        and known.heading
        and any(one.preferred and agreement(query.name, one.name) >= Agreement.CASE for one in found[identifier])
    ]
    return {
        identifier: matches
        for identifier, matches in found.items()
        if (known := facts[identifier]) is None or not any(known.is_below(one) for one in classes)
    }


def _without_other_spellings(
    name: str, found: dict[str, list[NameMatch]], concepts: Concepts
) -> dict[str, list[NameMatch]]:
    """The candidates without those whose names agree less well, if a taxon has the name, in any capitals.

    *Ebola virus* is that species, and not the genus *Ebolavirus*.
    """
    best = {identifier: max(agreement(name, one.name) for one in matches) for identifier, matches in found.items()}
    named = [concepts.facts(identifier) for identifier, agrees in best.items() if agrees >= Agreement.CASE]
    if not any(facts is not None and not facts.heading for facts in named):
        return found
    return {one: matches for one, matches in found.items() if not Agreement.NONE < best[one] < Agreement.CASE}


def _name_features(row: np.ndarray, name: str, found: Sequence[NameMatch]) -> None:
    names = [one for one in found if not one.learned]
    agreements = [agreement(name, one.name) for one in names]
    best = max(agreements, default=Agreement.NONE)
    if best:
        row[_COLUMN["exact"] + Agreement.EXACT - best] = 1
        row[_COLUMN["preferred_match"]] = any(
            one.preferred and agrees for one, agrees in zip(names, agreements, strict=True)
        )
    row[_COLUMN["similarity"]] = max(one.similarity for one in found)
    row[_COLUMN["name_similarity"]] = max((one.similarity for one in names), default=0)
    row[_COLUMN["preferred_similarity"]] = max((one.similarity for one in names if one.preferred), default=0)
    row[_COLUMN["names_found"]] = min(len(found), 5) / 5
    row[_COLUMN["short"]] = sum(map(len, tokens(name))) < _SHORT


def _word_features(row: np.ndarray, name: str, found: Sequence[NameMatch], weights: Mapping[str, float]) -> None:
    words = word_classes(name)
    total = _total(set(words), weights)
    overlaps = [_overlap(words, total, word_classes(one.name), weights) for one in found]
    row[_COLUMN["recall"] : _COLUMN["f1"] + 1] = max(overlaps, key=lambda one: one[2])
    nearest = word_classes(max(found, key=lambda one: one.similarity).name)
    row[_COLUMN["last_word"]] = bool(words and nearest and words[-1] == nearest[-1])
    row[_COLUMN["numbers_missing"]] = len(numbers(words) - numbers(nearest))
    row[_COLUMN["numbers_added"]] = len(numbers(nearest) - numbers(words))


def _overlap(
    mention: Sequence[str], total: float, name: Sequence[str], weights: Mapping[str, float]
) -> tuple[float, float, float]:
    """Recall, precision and F1 of the mention's words, which weigh `total`, among those of a name."""
    words = set(name)
    shared = words.intersection(mention)
    if not shared:
        return 0.0, 0.0, 0.0
    weight = _total(shared, weights)
    recall, precision = weight / total, weight / _total(words, weights)
    return recall, precision, 2 * recall * precision / (recall + precision)


def _total(words: Collection[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(word, _UNKNOWN_WORD) for word in sorted(words))


def _learned_features(row: np.ndarray, identifier: str, counts: Mapping[str, int], learned: LearnedNames) -> None:
    count, total = counts.get(identifier, 0), sum(counts.values())
    row[_COLUMN["learned_share"]] = count / (total + 0.5)
    row[_COLUMN["learned_count"]] = math.log1p(count)
    row[_COLUMN["learned"]] = total > 0
    row[_COLUMN["frequency"]] = math.log1p(learned.documents_with(identifier))


def _concept_features(row: np.ndarray, identifier: str, query: NameQuery, concepts: Concepts) -> None:
    row[_COLUMN["in_document"]] = identifier in query.others
    row[_COLUMN["long_form"]] = query.long_form
    facts = concepts.facts(identifier)
    row[_COLUMN["depth"]] = _NO_DEPTH
    if facts is not None:
        row[_COLUMN["heading"]], row[_COLUMN["supplementary"]] = facts.heading, facts.supplementary
        if facts.heading:
            row[_COLUMN["depth"]] = min(facts.depth, _DEEPEST) / _DEEPEST


def _headings_as_taxa(table: np.ndarray) -> None:
    """Give the headings with the name of a species the features of a taxon, unless a taxon has this name.

    Documents link species to taxa, so that a linker learns that no heading is right. Where no document links the name,
    a heading of this name, such as that of a virus without a taxon in the vocabulary, is as good as a taxon.
    """
    agree = table[:, _COLUMN["exact"] : _COLUMN["words"] + 1].any(axis=1)
    headings = table[:, [_COLUMN["heading"], _COLUMN["supplementary"]]].any(axis=1)
    if not (agree & ~headings).any():
        rows = np.flatnonzero(agree)
        table[rows, _COLUMN["heading"]] = table[rows, _COLUMN["supplementary"]] = 0
        table[rows, _COLUMN["depth"]] = _NO_DEPTH
