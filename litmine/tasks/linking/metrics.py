"""Scores of a linker: accuracy over gold mentions, and F1 of mentions and of documents from raw text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MICRO = "micro"
# A mention with its identifier: start, end, type, identifiers. The first identifier is the one that counts at 1.
LinkedMention = tuple[int, int, str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class GoldLink:
    """A gold mention, and what the linker says of it: its identifiers, empty for no link."""

    entity_type: str
    gold: Collection[str]
    predicted: Sequence[str]


def accuracy_by_type(links: Iterable[GoldLink]) -> dict[str, dict[str, float]]:
    """Accuracy at 1 in percent, and support, by type and `micro`, over gold mentions that have an identifier.

    Any of several gold identifiers counts. The first predicted one is judged; none is wrong.
    """
    right: dict[str, int] = {}
    support: dict[str, int] = {}
    for link in links:
        if link.gold:
            correct = bool(link.predicted) and link.predicted[0] in link.gold
            for name in (link.entity_type, MICRO):
                right[name] = right.get(name, 0) + correct
                support[name] = support.get(name, 0) + 1
    names = [*sorted(set(support) - {MICRO}), *([MICRO] if support else [])]
    return {name: {"accuracy": 100 * right[name] / support[name], "support": support[name]} for name in names}


def end_to_end(
    documents: Iterable[tuple[Sequence[LinkedMention], Sequence[LinkedMention]]],
) -> dict[str, Any]:
    """Precision, recall and F1 in percent of predicted against gold mentions, pairs of (gold, predicted) a document.

    By type and `micro` of exact span, type and identifier; under `documents` of distinct (document, identifier). Gold
    mentions without an identifier do not count. A mention is right if its identifiers have one in common with gold's.
    """
    mentions, pairs = _Counts(), _Counts()
    for gold, predicted in documents:
        wanted = {(start, end, kind): set(ids) for start, end, kind, ids in gold if ids}
        found = {(start, end, kind): set(ids) for start, end, kind, ids in predicted if ids}
        for key, ids in wanted.items():
            mentions.add(key[2], wanted=1, right=bool(ids & found.get(key, set())))
        for key in found:
            mentions.add(key[2], found=1)
        for kind in {key[2] for key in (*wanted, *found)}:
            wanted_ids = {one for key, ids in wanted.items() if key[2] == kind for one in ids}
            found_ids = {one for key, ids in found.items() if key[2] == kind for one in ids}
            pairs.add(kind, wanted=len(wanted_ids), found=len(found_ids), right=len(wanted_ids & found_ids))
    return {**mentions.scores(), "documents": pairs.scores()}


class _Counts:
    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, kind: str, wanted: int = 0, found: int = 0, right: int = 0) -> None:
        for name in (kind, MICRO):
            counts = self._counts.setdefault(name, [0, 0, 0])
            for place, number in enumerate((wanted, found, right)):
                counts[place] += number

    def scores(self) -> Mapping[str, dict[str, float]]:
        names = [*sorted(set(self._counts) - {MICRO}), *([MICRO] if self._counts else [])]
        return {name: _f1(*self._counts[name]) for name in names}


def _f1(wanted: int, found: int, right: int) -> dict[str, float]:
    precision = 100 * right / found if found else 0.0
    recall = 100 * right / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": wanted}
