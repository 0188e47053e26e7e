"""Scores of relations: precision, recall and F1 over typed pairs, and the baselines that learn nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.relation_declarations import RelationDeclaration, TypePair
from litmine.tasks.relations.pairs import PairRule, pair_keys

MICRO = "micro"
# Qualifiers of relations that the text does not state.
UNASSERTED = frozenset({"negated", "speculated"})
# The one relation type where types are not judged.
ANY = "related"


@dataclass(frozen=True, slots=True)
class RelationKey:
    """A relation of a document: its type, and the ids of two mentions or two identifiers, sorted if it is symmetric."""

    document: str
    relation_type: str
    arg1: str
    arg2: str


def relation_key(document: str, relation_type: str, arg1: str, arg2: str, symmetric: Collection[str]) -> RelationKey:
    """The key of a relation. symmetric: names of the symmetric relation types."""
    if relation_type in symmetric and arg2 < arg1:
        arg1, arg2 = arg2, arg1
    return RelationKey(document, relation_type, arg1, arg2)


def gold_keys(documents: Iterable[AnnotatedDocument], symmetric: Collection[str]) -> set[RelationKey]:
    """The keys of all relations of the documents."""
    return {
        relation_key(document.identifier, one.relation_type, one.arg1, one.arg2, symmetric)
        for document in documents
        for one in document.relations
    }


def span_keys(documents: Iterable[AnnotatedDocument], symmetric: Collection[str]) -> set[RelationKey]:
    """The keys of the relations between mentions, with exact span and type of each mention instead of its id.

    So relations of mentions that a tagger found can be compared with gold, from raw text.
    """
    keys = set()
    for document in documents:
        names = {one.entity_id: f"{one.start:08} {one.end:08} {one.entity_type}" for one in document.entities}
        for one in document.relations:
            if not one.of_identifiers:
                first, second = names[one.arg1], names[one.arg2]
                keys.add(relation_key(document.identifier, one.relation_type, first, second, symmetric))
    return keys


def asserted(document: AnnotatedDocument) -> AnnotatedDocument:
    """The document with only the relations that it states: none that is negated or speculated."""
    stated = tuple(one for one in document.relations if not UNASSERTED.intersection(one.qualifiers))
    return replace(document, relations=stated)


def relation_scores(gold: Collection[RelationKey], predicted: Collection[RelationKey]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 in percent and support, by relation type and `micro`. 0 where nothing is there."""
    wanted, found = set(gold), set(predicted)
    counts = [
        Counter(name for key in keys for name in (key.relation_type, MICRO)) for keys in (wanted, found, wanted & found)
    ]
    names = [*sorted((set(counts[0]) | set(counts[1])) - {MICRO}), MICRO]
    return {name: _scores(*(of[name] for of in counts)) for name in names}


def without_types(keys: Iterable[RelationKey]) -> set[RelationKey]:
    """The same pairs, all of one type and without order: whether they are related, not how."""
    return {relation_key(one.document, ANY, one.arg1, one.arg2, (ANY,)) for one in keys}


def _scores(wanted: int, found: int, right: int) -> dict[str, float]:
    precision = 100 * right / found if found else 0.0
    recall = 100 * right / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": wanted}


def all_pairs_baseline(
    documents: Iterable[AnnotatedDocument],
    declaration: RelationDeclaration,
    rule: PairRule,
    relation_types: Mapping[TypePair, str],
) -> set[RelationKey]:
    """The baseline that relates every candidate.

    With a rule of one sentence it is called same-sentence co-occurrence, without limits all-positive.

    relation_types: the relation type to predict for a pair of entity types, as `pairs.most_frequent_types` finds it in
    the train split; pairs of other types get none.
    """
    symmetric = declaration.symmetric_types
    predicted = set()
    for document in documents:
        for (first, second), types in pair_keys(document, rule, declaration.level == "identifiers").items():
            if (name := relation_types.get(types)) is not None:
                predicted.add(relation_key(document.identifier, name, first, second, symmetric))
    return predicted
