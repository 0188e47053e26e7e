"""The top of a classifier at work: from the trunk's states to the votes of words, or of windows where these do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from litmine.nn.batches import TextRow
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.tasks.classification.network import ClassifierNetwork
from litmine.tasks.classification.pooling import Floats, Ints, pool, starts_of
from litmine.tasks.classification.settings import Scheme


@dataclass(frozen=True, slots=True)
class RowVotes:
    """The votes of a row for one scheme: (parts, queries, 1 + labels), of words, or of windows.

    text (parts,): the number of each part's text. word (parts,): the number of its first word there.
    """

    text: Ints
    word: Ints
    votes: Floats


@dataclass(frozen=True, slots=True)
class ClassifierOutput:
    """The votes of some texts. schemes: votes by scheme, in the order of the settings, each by text and word.

    edges: for each scheme, where the parts of each text begin, and the number of all. failed: by number of the text.
    """

    schemes: tuple[Floats, ...]
    edges: tuple[Ints, ...]
    failed: Mapping[int, FailedItem]


class ClassifierTop:
    """The layers and the votes of a classifier on a trunk."""

    def __init__(self, name: str, layers: TopLayers, network: ClassifierNetwork, schemes: Sequence[Scheme]) -> None:
        self.name, self._layers, self._network, self._schemes = name, layers, network, tuple(schemes)

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation of a row; returns votes (words, outputs) on the device, and whether all are finite."""
        row = states.row
        assert isinstance(row, TextRow)
        votes = self._network.read_words(self._layers(states, row.at)).float()
        return votes, votes.isfinite().all()

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> list[RowVotes]:
        """The votes of a row by scheme. Raises ModelError when one is not finite.

        Where the sentences of a text do not matter, the words of a window are pooled at once, to save memory.
        """
        outputs, finite = found
        check_finite(bool(finite))
        windows = starts_of(np.searchsorted(row.starts, row.at, side="right"))
        parts, first = [], 0
        for scheme in self._schemes:
            votes = outputs[:, first : first + scheme.outputs].numpy()
            votes = votes.reshape(len(votes), scheme.queries, 1 + len(scheme.labels))
            first += scheme.outputs
            if scheme.needs_sentences:
                parts.append(RowVotes(row.text, row.word, votes.copy()))
            else:
                parts.append(RowVotes(row.text[windows], row.word[windows], pool(votes, windows)))
        return parts

    def join(
        self, parts: Sequence[Sequence[RowVotes]], failed: Mapping[int, FailedItem], texts: int
    ) -> ClassifierOutput:
        """The votes of all `texts` texts."""
        votes, edges = [], []
        for number, scheme in enumerate(self._schemes):
            nothing = np.zeros((0, scheme.queries, 1 + len(scheme.labels)), dtype=np.float32)
            text = np.concatenate([np.zeros(0, dtype=np.int64), *(one[number].text for one in parts)])
            word = np.concatenate([np.zeros(0, dtype=np.int64), *(one[number].word for one in parts)])
            order = np.lexsort((word, text))
            votes.append(np.concatenate([nothing, *(one[number].votes for one in parts)])[order])
            edges.append(np.searchsorted(text[order], np.arange(texts + 1)))
        return ClassifierOutput(tuple(votes), tuple(edges), dict(failed))
