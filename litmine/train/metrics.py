"""Exact-match scores of entities: what seqeval gives in strict mode on the same tags, in percent."""

from collections import Counter
from collections.abc import Iterable, Sequence

from litmine.types import Span

Scores = dict[str, dict[str, float]]


def score_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], entity_types: Sequence[str]) -> Scores:
    """Precision, recall, F1 (percent) and support by type and `micro`, from (gold, predicted) pairs.

    Types other than `entity_types` are ignored on both sides.
    """
    gold_count: Counter[str] = Counter()
    found_count: Counter[str] = Counter()
    right_count: Counter[str] = Counter()
    for gold, predicted in pairs:
        wanted = {span for span in gold if span.entity_type in entity_types}
        found = {span for span in predicted if span.entity_type in entity_types}
        gold_count.update(span.entity_type for span in wanted)
        found_count.update(span.entity_type for span in found)
        right_count.update(span.entity_type for span in wanted & found)
    scores = {t: _scores(right_count[t], found_count[t], gold_count[t]) for t in entity_types}
    scores["micro"] = _scores(right_count.total(), found_count.total(), gold_count.total())
    return scores


def _scores(right: int, found: int, gold: int) -> dict[str, float]:
    precision = 100 * right / found if found else 0.0
    recall = 100 * right / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": gold}
