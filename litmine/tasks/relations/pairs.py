"""Which pairs of a document are judged: a rule of types and distance, as pure functions over its mentions.

What the rule costs on each corpus is in docs/decisions/0169-relation-types.md.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation
from litmine.corpora.relation_declarations import RelationDeclaration, TypePair
from litmine.text.sentences import split_sentences

PairKey = tuple[str, str]

# Distance in sentences where relations cross them; what it costs is in the record.
MAX_SENTENCES = 1


@dataclass(frozen=True, slots=True)
class PairRule:
    """The pairs of mentions that are judged.

    type_pairs: subject and object type. max_sentences: largest distance in sentences, 0 for the same one.
    max_characters: largest number of code points between the two mentions. None: no limit.
    """

    type_pairs: tuple[TypePair, ...]
    max_sentences: int | None = 0
    max_characters: int | None = None


@dataclass(frozen=True, slots=True)
class CandidatePair:
    """Two mentions that are judged, and their distance in sentences. Of one type, the subject is the first."""

    subject: AnnotatedEntity
    object: AnnotatedEntity
    sentences_apart: int


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """What a rule reaches: gold relations, those among the candidates, and candidates without a relation."""

    gold: int
    reached: int
    candidates: int
    negatives: int

    @property
    def recall(self) -> float:
        """Share of the gold relations that the rule reaches, in percent; 0 without gold."""
        return 100 * self.reached / self.gold if self.gold else 0.0


def sentence_spans(document: AnnotatedDocument) -> list[tuple[int, int]]:
    """Start and end of the document's sentences: those that the corpus marks, else those that litmine finds."""
    if document.sentences:
        return sorted((one.start, one.end) for one in document.sentences)
    return split_sentences(document.text)


def candidate_pairs(
    entities: Sequence[AnnotatedEntity], sentences: Sequence[tuple[int, int]], rule: PairRule
) -> list[CandidatePair]:
    """The pairs of mentions that the rule admits, in the order of the subjects. A mention is no pair with itself.

    sentences: start and end of each, in order. A mention in two sentences counts as in both.
    """
    starts = [start for start, _ in sentences]
    places = [_sentence_numbers(one, starts) for one in entities]
    admitted = frozenset(rule.type_pairs)
    ordered = sorted(range(len(entities)), key=lambda place: (entities[place].start, entities[place].end))
    rank = {place: number for number, place in enumerate(ordered)}
    pairs = []
    for first in ordered:
        for second in ordered:
            types = entities[first].entity_type, entities[second].entity_type
            if first == second or types not in admitted:
                continue
            # Both orders of two types are declared only where the types are equal.
            if types[0] == types[1] and rank[first] > rank[second]:
                continue
            apart = _apart(places[first], places[second])
            if _is_near(entities[first], entities[second], apart, rule):
                pairs.append(CandidatePair(entities[first], entities[second], apart))
    return pairs


def _sentence_numbers(entity: AnnotatedEntity, starts: Sequence[int]) -> tuple[int, int]:
    """Numbers of the sentences in which a mention begins and ends."""
    return bisect_right(starts, entity.start) - 1, bisect_right(starts, entity.end - 1) - 1


def _apart(first: tuple[int, int], second: tuple[int, int]) -> int:
    return max(0, second[0] - first[1], first[0] - second[1])


def _is_near(first: AnnotatedEntity, second: AnnotatedEntity, apart: int, rule: PairRule) -> bool:
    if rule.max_sentences is not None and apart > rule.max_sentences:
        return False
    between = max(0, second.start - first.end, first.start - second.end)
    return rule.max_characters is None or between <= rule.max_characters


def identifier_pairs(pairs: Iterable[CandidatePair]) -> dict[PairKey, list[CandidatePair]]:
    """The pairs of identifiers that the pairs of mentions stand for, each with its pairs of mentions.

    A mention with several identifiers stands for each. In a pair of one type, the identifiers are in alphabetical
    order. No identifier is a pair with itself.
    """
    found: dict[PairKey, list[CandidatePair]] = {}
    for pair in pairs:
        same = pair.subject.entity_type == pair.object.entity_type
        for first in pair.subject.identifiers:
            for second in pair.object.identifiers:
                if first != second:
                    key = (second, first) if same and second < first else (first, second)
                    found.setdefault(key, []).append(pair)
    return found


def pair_keys(document: AnnotatedDocument, rule: PairRule, of_identifiers: bool) -> dict[PairKey, TypePair]:
    """Each candidate pair of a document, as ids of mentions or as identifiers, and the types of it."""
    pairs = candidate_pairs(document.entities, sentence_spans(document), rule)
    if of_identifiers:
        grouped = identifier_pairs(pairs)
        return {key: (of[0].subject.entity_type, of[0].object.entity_type) for key, of in grouped.items()}
    return {
        (one.subject.entity_id, one.object.entity_id): (one.subject.entity_type, one.object.entity_type)
        for one in pairs
    }


def unordered(relation: AnnotatedRelation) -> frozenset[str]:
    """The two arguments of a relation without their order."""
    return frozenset((relation.arg1, relation.arg2))


def default_rule(declaration: RelationDeclaration) -> PairRule:
    """The pairs that litmine judges: in one sentence; up to `MAX_SENTENCES` apart where the corpus relates across."""
    return rule_for(declaration, MAX_SENTENCES if declaration.across_sentences else 0)


def rule_for(
    declaration: RelationDeclaration, max_sentences: int | None = 0, max_characters: int | None = None
) -> PairRule:
    """A rule with the pairs of types that a corpus declares."""
    return PairRule(tuple(declaration.type_pairs), max_sentences, max_characters)


def rule_coverage(
    documents: Iterable[AnnotatedDocument], declaration: RelationDeclaration, rule: PairRule
) -> RuleCoverage:
    """What a rule reaches in a corpus. A pair with relations of several types counts once for each among the gold."""
    gold = reached = candidates = negatives = 0
    of_identifiers = declaration.level == "identifiers"
    for document in documents:
        keys = {frozenset(key) for key in pair_keys(document, rule, of_identifiers)}
        related = [unordered(one) for one in document.relations]
        gold += len(related)
        reached += sum(one in keys for one in related)
        candidates += len(keys)
        negatives += len(keys - set(related))
    return RuleCoverage(gold, reached, candidates, negatives)


def most_frequent_types(documents: Iterable[AnnotatedDocument]) -> Mapping[TypePair, str]:
    """For each pair of entity types, its most frequent relation type; of equally frequent ones, the first by name."""
    counts: dict[TypePair, dict[str, int]] = {}
    for document in documents:
        types = _types_by_name(document)
        for relation in document.relations:
            pair = types.get(relation.arg1, ""), types.get(relation.arg2, "")
            of_pair = counts.setdefault(pair, {})
            of_pair[relation.relation_type] = of_pair.get(relation.relation_type, 0) + 1
    return {pair: min(found, key=lambda name: (-found[name], name)) for pair, found in counts.items()}


def _types_by_name(document: AnnotatedDocument) -> dict[str, str]:
    """The entity type of each id and identifier of a document."""
    types: dict[str, str] = {}
    for entity in document.entities:
        for name in (entity.entity_id, *entity.identifiers):
            if name:
                types.setdefault(name, entity.entity_type)
    return types
