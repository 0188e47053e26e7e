"""Keep the states of whole texts after a layer of the trunk, for a network that reads them once mentions are known.

They come from the pass that computes other tops, or from one of their own, and are the same up to rounding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from torch import Tensor

from litmine.nn.batches import TextRow, TokenRow
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk

# Tokens whose states are kept at a time: 300 MB in bf16 for a trunk with a width of 384.
KEPT_TOKENS = 400_000

# The states of a text, None for one whose states are not kept.
TextStates = Tensor | FailedItem | None


class StatesTop:
    """A top without layers: its result for a text is the states of its tokens (tokens, width), on the CPU.

    layers: selects the states, without a layer of its own. tokens: of each text, 0 for a text whose states are not
    kept, whose result is None.
    """

    def __init__(self, name: str, layers: TopLayers, tokens: Sequence[int]) -> None:
        self.name, self._layers = name, layers
        self._tokens = np.array(tokens, dtype=np.int64)

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Select the states of a row's kept tokens; returns them on the device, and whether all are finite."""
        row = states.row
        assert isinstance(row, TextRow)
        ranges = [np.arange(at, at + end - first) for _, first, end, at in self._kept(row)]
        selected = self._layers(states, np.concatenate([np.zeros(0, dtype=np.int64), *ranges]))
        return selected, selected.isfinite().all()

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> tuple[list[tuple[int, int, int, int]], Tensor]:
        """The kept tokens and their states. Raises ModelError when one is not finite."""
        hidden, finite = found
        check_finite(bool(finite))
        return self._kept(row), hidden

    def join(self, parts: Sequence[Any], failed: Mapping[int, FailedItem], texts: int) -> list[TextStates]:
        """The states of each text; a token of a word that is longer than a window may have zeros."""
        joined: list[TextStates] = [failed.get(i) for i in range(texts)]
        for kept, hidden in parts:
            at = 0
            for text, first, end, _ in kept:
                if joined[text] is None:
                    joined[text] = hidden.new_zeros(int(self._tokens[text]), hidden.shape[1])
                of_text = joined[text]
                if isinstance(of_text, Tensor):
                    of_text[first:end] = hidden[at : at + end - first]
                at += end - first
        return joined

    def _kept(self, row: TextRow) -> list[tuple[int, int, int, int]]:
        return [(text, first, end, at) for text, first, end, at in row.kept.tolist() if self._tokens[text]]


@dataclass(frozen=True, slots=True)
class StatesRow(TokenRow):
    """A row that has the states of its tokens: `states` (tokens, width)."""

    states: Tensor


class GivenStates:
    """A source of states for rows that have them, after `after` layers of a trunk."""

    def __init__(self, trunk: Trunk, after: int) -> None:
        self._trunk, self._after = trunk, after
        self.device, self.packs = trunk.device, trunk.packs

    def states(self, row: StatesRow, _depth: int | None = None, /) -> HiddenStates:
        """The row's states where layers of a top continue."""
        return self._trunk.given_states(row, row.states, self._after)


def kept_tokens(read: Sequence[TokenizedText | FailedItem], limit: int = KEPT_TOKENS) -> list[int]:
    """The tokens of each text while they fit into the limit together; 0 for texts after these and for failed ones."""
    tokens = [0 if isinstance(one, FailedItem) else one.tokens for one in read]
    return [one if total <= limit else 0 for one, total in zip(tokens, accumulate(tokens), strict=True)]
