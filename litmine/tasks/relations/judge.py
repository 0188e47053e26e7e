"""From the logits of pairs to relations: the probability of each relation type of a head, and what reaches it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.relations.found import ScoredPair
from litmine.tasks.relations.pairs import CandidatePair
from litmine.tasks.relations.settings import RelationHead, RelationSettings


@lru_cache(maxsize=64)
def allowed_relations(head: RelationHead) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """For each pair of entity types that the head judges, which of its logits count: none, and what may join them."""
    return {pair: np.array([True, *(pair in one.pairs for one in head.relations)]) for pair in head.rule.type_pairs}


def head_probabilities(
    settings: RelationSettings, head: RelationHead, logits: NDArray[np.float32], pairs: Sequence[CandidatePair]
) -> NDArray[np.float32]:
    """Probabilities (pairs, outputs of the head) of pairs that the head judges, from their logits (pairs, outputs)."""
    first = settings.first_output(head)
    allowed = allowed_relations(head)
    mask = np.array([allowed[one.subject.entity_type, one.object.entity_type] for one in pairs])
    own = np.where(mask.reshape(-1, head.outputs), logits[:, first : first + head.outputs], -np.inf)
    shifted = np.exp(own - own.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def is_judged(head: RelationHead, pair: CandidatePair) -> bool:
    """Whether the head judges a pair."""
    types = pair.subject.entity_type, pair.object.entity_type
    return pair.sentences_apart <= head.max_sentences and types in allowed_relations(head)


def scored_pairs(
    settings: RelationSettings,
    heads: Sequence[RelationHead],
    logits: NDArray[np.float32],
    pairs: Sequence[CandidatePair],
) -> Iterator[ScoredPair]:
    """The best relation of each pair by each head, if its probability reaches the head's threshold.

    Where two heads find the same relation type, the higher probability counts. logits: (pairs, outputs).
    """
    best: dict[tuple[int, str], float] = {}
    for head in heads:
        chosen = [number for number, pair in enumerate(pairs) if is_judged(head, pair)]
        if not chosen:
            continue
        probabilities = head_probabilities(settings, head, logits[chosen], [pairs[number] for number in chosen])
        winners = 1 + probabilities[:, 1:].argmax(axis=1)
        for number, winner, row in zip(chosen, winners.tolist(), probabilities, strict=True):
            score = float(row[winner])
            if score >= head.threshold:
                key = number, head.relations[winner - 1].name
                best[key] = max(score, best.get(key, 0.0))
    for (number, name), score in sorted(best.items()):
        yield ScoredPair(pairs[number], name, min(score, 1.0))
