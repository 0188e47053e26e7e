"""A model without a network: the largest distance between the two mentions of a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow, UpstreamRows
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.references import read_description

# A text with this word makes the toy fail.
POISON = "zymurgy"


@dataclass(frozen=True, slots=True)
class PairModel:
    name: str
    near: int

    def decode(
        self, items: Sequence[str], _read: Sequence[Any], _labels: Any, inputs: Sequence[UpstreamRows]
    ) -> list[list[tuple[dict[str, Any], dict[str, Any]]] | FailedItem]:
        (entities,) = inputs
        return [self._pairs(text, rows) for text, rows in zip(items, entities.rows_by_text(), strict=True)]

    def _pairs(
        self, text: str, rows: Sequence[dict[str, Any]]
    ) -> list[tuple[dict[str, Any], dict[str, Any]]] | FailedItem:
        if POISON in text:
            return FailedItem("poisoned")
        chemicals = [row for row in rows if row["entity_type"] == "Chemical"]
        diseases = [row for row in rows if row["entity_type"] == "Disease"]
        return [
            (one, other)
            for one in chemicals
            for other in diseases
            if abs(one["start_char"] - other["start_char"]) <= self.near
        ]


def identify(folder: Path, name: str) -> str:
    return f"{name}@{read_description(folder)['near']:012x}"


def load(folder: Path, name: str, *_how: object, **_more: object) -> PairModel:
    return PairModel(identify(folder, name), read_description(folder)["near"])


def pair_rows(texts: NewTexts, results: Sequence[Any]) -> list[TargetRow]:
    return sorted(
        (pmid, text_hash, *_columns(one), *_columns(other))
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for one, other in found
    )


def _columns(row: dict[str, Any]) -> tuple[int, int, str]:
    return row["start_char"], row["end_char"], row["mention"]
