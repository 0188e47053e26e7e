"""A toy top: the score of a text is that of its best word."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.references import folder_digest
from litmine.nn.trunk import LoadedTrunks, Placement, load_trunk
from litmine.nn.trunk_folder import find_trunk, read_trunk_link
from litmine.nn.weights import load_weights


class TopicTop:
    """A linear score of each word's hidden state."""

    def __init__(self, name: str, layers: TopLayers, weight: Tensor) -> None:
        self.name, self._layers, self._weight = name, layers, weight

    def begin(self, states: HiddenStates, /) -> Sequence[Tensor]:
        logits = self._layers(states, states.row.at).float() @ self._weight  # type: ignore[attr-defined]
        return logits, logits.isfinite().all()

    def collect(self, row: Any, found: Sequence[Tensor], /) -> Any:
        logits, finite = found
        check_finite(bool(finite))
        return row.text, row.word, torch.sigmoid(logits).numpy()

    def join(self, parts: Sequence[Any], failed: Mapping[int, FailedItem], texts: int, /) -> Any:
        """The best score of each text, or its failure."""
        best = np.zeros(texts, dtype=np.float32)
        for text, _, scores in parts:
            np.maximum.at(best, text, scores)
        return [failed.get(i, float(best[i])) for i in range(texts)]


class TopicModel(NetworkModel):
    def decode(
        self, texts: Sequence[str], _read: Sequence[Any], labels: Any, _inputs: Sequence[Any] = ()
    ) -> list[float | FailedItem]:
        assert len(labels) == len(texts)
        return list(labels)


def identify(folder: Path, name: str) -> str:
    link = read_trunk_link(folder)
    assert link is not None
    find_trunk(folder, link)
    return f"{name}@{folder_digest(folder, link.digest_parts)}"


def load(
    folder: Path,
    name: str,
    device: str,
    precision: str,
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,
) -> TopicModel:
    link = read_trunk_link(folder)
    assert link is not None
    trunk = load_trunk(find_trunk(folder, link), Placement.choose(device, precision), trunks)
    model = identify(folder, name)
    weight = load_weights(folder)["weight"].to(trunk.device)
    return TopicModel(model, trunk, TopicTop(model, trunk.layers(after=link.after), weight), batch_tokens)


def topic_rows(texts: NewTexts, results: Sequence[float | FailedItem]) -> list[TargetRow]:
    keys = zip(texts.pmids, texts.text_hashes, results, strict=True)
    return sorted((pmid, text_hash, one) for pmid, text_hash, one in keys if not isinstance(one, FailedItem))
