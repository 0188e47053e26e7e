"""Score pairs of mentions with a classifier of marked texts: one pass of the whole network for each pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.nn.batches import TokenRow
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem, isolate_failures
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.trunk import Trunk
from litmine.tasks.relations.marked.input import MarkedPair, PairReader
from litmine.tasks.relations.marked.settings import MarkedSettings
from litmine.tasks.relations.pairs import CandidatePair


@dataclass(frozen=True, slots=True)
class TextPairs:
    """A text, the pairs of its mentions to judge, and start and end of its sentences, in order."""

    text: str
    pairs: Sequence[CandidatePair]
    sentences: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class PairPiece:
    """A pair in a row: the number of its text, its number there, and its tokens."""

    text: int
    pair: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PairRow(TokenRow):
    """Pairs, one after another, each a window of its own."""

    pairs: tuple[PairPiece, ...]


class PairInputs:
    """Makes rows of the pairs of judged texts."""

    def __init__(self, reader: PairReader, special: tuple[int, int, int]) -> None:
        self._reader, self._special = reader, special

    def read(self, items: Sequence[TextPairs], /) -> list[list[MarkedPair] | FailedItem]:
        """Mark and tokenize the pairs of each text; a text that cannot be tokenized becomes a `FailedItem`."""
        return isolate_failures(self._read, items, lambda: None)

    def _read(self, items: Sequence[TextPairs]) -> list[list[MarkedPair]]:
        return [self._reader.read(one.text, one.pairs, one.sentences) for one in items]

    def pieces(self, number: int, read: Sequence[MarkedPair], /) -> list[PairPiece]:
        return [PairPiece(number, i, len(one.ids)) for i, one in enumerate(read)]

    def row(self, pieces: Sequence[PairPiece], read: Sequence[Sequence[MarkedPair]], /) -> PairRow:
        ids = np.concatenate([read[one.text][one.pair].ids for one in pieces])
        return PairRow(ids, np.array([one.tokens for one in pieces]), None, tuple(pieces))

    def empty(self) -> PairRow:
        return PairRow(np.array(self._special[:2]), np.array([2]), None, (PairPiece(0, 0, 2),))


# The numbers of text and pair, and the logits (labels,) of each pair of a row.
PairLogits = list[tuple[int, int, NDArray[np.float32]]]


class MarkedTop:
    """The last layer and the classifier: states of the first token of each pair to logits."""

    def __init__(self, name: str, layers: TopLayers, read_first: Callable[[Tensor], Tensor]) -> None:
        self.name = name
        self._layers, self._read_first = layers, read_first

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation; returns the logits (pairs, labels) on the device."""
        return [self._read_first(self._layers(states, states.row.starts)).float()]

    def collect(self, row: PairRow, found: Sequence[Tensor]) -> PairLogits:
        """The logits of each pair. Raises ModelError when one is not finite."""
        logits = found[0].numpy()
        check_finite(bool(np.isfinite(logits).all()))
        return [(one.text, one.pair, logits[i]) for i, one in enumerate(row.pairs)]

    def join(
        self, parts: Sequence[PairLogits], failed: Mapping[int, FailedItem], texts: int
    ) -> list[NDArray[np.float32] | FailedItem]:
        """The logits (pairs, labels) of each of `texts` texts, or its failure; (0, 0) for a text without pairs."""
        found: list[list[tuple[int, NDArray[np.float32]]]] = [[] for _ in range(texts)]
        for part in parts:
            for text, pair, logits in part:
                found[text].append((pair, logits))
        nothing = np.zeros((0, 0), dtype=np.float32)
        return [
            failed[i] if i in failed else _in_order(of_text) if of_text else nothing for i, of_text in enumerate(found)
        ]


def _in_order(found: list[tuple[int, NDArray[np.float32]]]) -> NDArray[np.float32]:
    return np.stack([logits for _, logits in sorted(found, key=lambda one: one[0])])


class MarkedScorer(NetworkModel):
    """A loaded classifier of marked texts. Its items are `TextPairs`; `label` returns logits.

    `settings`: which pairs it judges, and what its labels mean.
    """

    def __init__(
        self, name: str, trunk: Trunk, layers: TopLayers, read_first: Callable[[Tensor], Tensor],
        reader: PairReader, settings: MarkedSettings, batch_tokens: int | None = None,
    ) -> None:  # fmt: skip
        top = MarkedTop(name, layers, read_first)
        super().__init__(name, trunk, top, batch_tokens, PairInputs(reader, trunk.special))
        self.settings = settings

    def probabilities(self, texts: Sequence[TextPairs]) -> list[NDArray[np.float32] | FailedItem]:
        """Probabilities (pairs, labels) of each text, in the order of its pairs and of `settings.labels`.

        Pairs are computed in batches over all texts. A text that fails is a `FailedItem`.
        """
        logits: list[NDArray[np.float32] | FailedItem] = self.label(self.read(texts))
        labels = len(self.settings.labels)
        return [one if isinstance(one, FailedItem) else softmax(one.reshape(-1, labels)) for one in logits]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of logits (pairs, labels)."""
    return torch.from_numpy(logits).softmax(-1).numpy()


def best_relations(probabilities: NDArray[np.float32], relation_types: Sequence[str]) -> list[tuple[float, str]]:
    """The probability and the name of the best relation type of each pair; labels without a type do not count.

    probabilities: (pairs, labels). relation_types: of each label, empty for none.
    """
    related = np.array([bool(one) for one in relation_types])
    best = np.where(related, probabilities, -1.0).argmax(axis=1).tolist() if len(probabilities) else []
    return [(float(row[label]), relation_types[label]) for row, label in zip(probabilities, best, strict=True)]
