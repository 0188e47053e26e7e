"""Scores of a linker: accuracy over gold mentions, and F1 of mentions and of documents from raw text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from litmine.tasks.linking.bootstrap import RESAMPLES, Interval, f1, interval

MICRO = "micro"
# The key of the scores of (document, identifier) pairs.
DOCUMENTS = "documents"
# A mention with its identifier: start, end, type, identifiers. The first identifier is the one that counts at 1.
LinkedMention = tuple[int, int, str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class GoldLink:
    """A gold mention, and what the linker says of it: its identifiers, empty for no link."""

    entity_type: str
    gold: Collection[str]
    predicted: Sequence[str]

    @property
    def right(self) -> bool:
        """Whether the first identifier is one of the gold ones."""
        return bool(self.predicted) and self.predicted[0] in self.gold


def accuracy_by_type(links: Iterable[GoldLink]) -> dict[str, dict[str, float]]:
    """Accuracy at 1 in percent, and support, by type and `micro`, over gold mentions that have an identifier.

    Any of several gold identifiers counts. The first predicted one is judged; none is wrong.
    """
    right: dict[str, int] = {}
    support: dict[str, int] = {}
    for link in links:
        if link.gold:
            for name in (link.entity_type, MICRO):
                right[name] = right.get(name, 0) + link.right
                support[name] = support.get(name, 0) + 1
    return {name: {"accuracy": 100 * right[name] / support[name], "support": support[name]} for name in _order(support)}


def end_to_end(
    documents: Iterable[tuple[Sequence[LinkedMention], Sequence[LinkedMention]]],
) -> dict[str, Any]:
    """Precision, recall and F1 in percent of predicted against gold mentions, pairs of (gold, predicted) a document.

    By type and `micro` of exact span, type and identifier; under `documents` of distinct (document, identifier). Gold
    mentions without an identifier do not count. A mention is right if its identifiers have one in common with gold's.
    """
    counts = [_document_counts(gold, predicted) for gold, predicted in documents]
    mentions, pairs = (_summed([one[place] for one in counts]) for place in (0, 1))
    return {**_scores(mentions), DOCUMENTS: _scores(pairs)}


def end_to_end_intervals(
    documents: Iterable[tuple[Sequence[LinkedMention], Sequence[LinkedMention]]], resamples: int = RESAMPLES
) -> dict[str, Any]:
    """The 95 % intervals of the F1 of `end_to_end`, with the same keys. Raises ValueError without documents."""
    counts = [_document_counts(gold, predicted) for gold, predicted in documents]
    mentions, pairs = (_intervals([one[place] for one in counts], resamples) for place in (0, 1))
    return {**mentions, DOCUMENTS: pairs}


# Wanted, found and right ones, by type.
_Counts = dict[str, list[int]]


def _document_counts(gold: Sequence[LinkedMention], predicted: Sequence[LinkedMention]) -> tuple[_Counts, _Counts]:
    """The counts of mentions, and those of distinct identifiers, in one document."""
    wanted = {(start, end, kind): set(ids) for start, end, kind, ids in gold if ids}
    found = {(start, end, kind): set(ids) for start, end, kind, ids in predicted if ids}
    mentions: _Counts = {}
    pairs: _Counts = {}
    for kind in {key[2] for key in (*wanted, *found)}:
        gold_keys = [key for key in wanted if key[2] == kind]
        found_keys = [key for key in found if key[2] == kind]
        right = sum(bool(wanted[key] & found.get(key, set())) for key in gold_keys)
        mentions[kind] = [len(gold_keys), len(found_keys), right]
        wanted_ids = {one for key in gold_keys for one in wanted[key]}
        found_ids = {one for key in found_keys for one in found[key]}
        pairs[kind] = [len(wanted_ids), len(found_ids), len(wanted_ids & found_ids)]
    for counts in (mentions, pairs):
        if counts:
            counts[MICRO] = [sum(one[place] for one in counts.values()) for place in range(3)]
    return mentions, pairs


def _summed(documents: Sequence[_Counts]) -> _Counts:
    total: _Counts = {}
    for counts in documents:
        for name, numbers in counts.items():
            total[name] = [one + more for one, more in zip(total.get(name, (0, 0, 0)), numbers, strict=True)]
    return total


def _scores(counts: Mapping[str, Sequence[int]]) -> dict[str, dict[str, float]]:
    return {name: _precision_recall_f1(*counts[name]) for name in _order(counts)}


def _intervals(documents: Sequence[_Counts], resamples: int) -> dict[str, Interval]:
    names = _order(_summed(documents))
    return {name: interval(np.array([one.get(name, (0, 0, 0)) for one in documents]), f1, resamples) for name in names}


def _order(names: Collection[str]) -> list[str]:
    """The types, sorted, then `micro`."""
    return [*sorted(set(names) - {MICRO}), *([MICRO] if MICRO in names else [])]


def _precision_recall_f1(wanted: int, found: int, right: int) -> dict[str, float]:
    precision = 100 * right / found if found else 0.0
    recall = 100 * right / wanted if wanted else 0.0
    f1_score = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1_score, "support": wanted}
