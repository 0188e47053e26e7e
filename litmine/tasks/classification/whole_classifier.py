"""A text classifier with its own encoder: from texts to the labels of whole texts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.batches import TextRow
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.classification.found import FoundLabel
from litmine.tasks.classification.pooling import Floats, Ints, probabilities, starts_of, stored_labels
from litmine.tasks.classification.settings import Scheme
from litmine.tasks.classification.whole_settings import WholeSettings

# The number of the text, the number of words and the logits (labels,) of each window of a row.
WindowLogits = tuple[Ints, Ints, Floats]


class WholeTop:
    """The last layer and the classifier: states of the first token of each window to logits."""

    def __init__(self, name: str, layers: TopLayers, read_first: Callable[[Tensor], Tensor], labels: int) -> None:
        self.name = name
        self._layers, self._read_first, self._labels = layers, read_first, labels

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation; returns the logits (windows, labels) on the device."""
        return [self._read_first(self._layers(states, states.row.starts)).float()]

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> WindowLogits:
        """The logits of each window that has words. Raises ModelError when one is not finite."""
        logits = found[0].numpy()
        check_finite(bool(np.isfinite(logits).all()))
        window = np.searchsorted(row.starts, row.at, side="right") - 1
        first = starts_of(window)
        return row.text[first], np.diff(np.append(first, len(window))), logits[window[first]]

    def join(
        self, parts: Sequence[WindowLogits], failed: Mapping[int, FailedItem], texts: int
    ) -> list[Floats | FailedItem]:
        """The logits (1, labels) of each text: the mean over its windows, weighted by their words.

        Of a text without words, (0, labels).
        """
        sums = np.zeros((texts, self._labels))
        words = np.zeros(texts)
        for text, count, logits in parts:
            np.add.at(sums, text, logits * count[:, None])
            np.add.at(words, text, count)
        return [
            failed[i]
            if i in failed
            else np.asarray(sums[i : i + 1] / max(words[i], 1), np.float32)[: int(words[i] > 0)]
            for i in range(texts)
        ]


class WholeTextClassifier(NetworkModel):
    """A loaded text classifier, a `litmine.tasks.contract.StepModel`; `settings` has its scheme."""

    def __init__(
        self, name: str, trunk: Trunk, layers: TopLayers, read_first: Callable[[Tensor], Tensor],
        settings: WholeSettings, batch_tokens: int | None = None,
    ) -> None:  # fmt: skip
        top = WholeTop(name, layers, read_first, len(settings.scheme.labels))
        super().__init__(name, trunk, top, batch_tokens)
        self.settings = settings

    def annotate(self, texts: Sequence[str]) -> list[list[FoundLabel]]:
        """The labels of each text. Raises ModelError when the model fails on a text."""
        read = self.read(texts)
        found = []
        for number, one in enumerate(self.decode(texts, read, self.label(read))):
            if isinstance(one, FailedItem):
                raise ModelError(f"{self.name} fails on text {number} ({one.why}); leave it out")
            found.append(one)
        return found

    def decode(
        self,
        items: Sequence[str],  # noqa: ARG002 - the logits are enough
        read: Sequence[TokenizedText | FailedItem],  # noqa: ARG002
        labels: Sequence[Floats | FailedItem],
        inputs: Sequence[object] = (),  # noqa: ARG002 - a classifier does not use other models' results
    ) -> list[list[FoundLabel] | FailedItem]:
        """The labels of each text; a text without words has none."""
        return [one if isinstance(one, FailedItem) else self._labels_of(one) for one in labels]

    def scores(self, texts: Sequence[str], scheme: Scheme, sentences: object = None) -> list[Floats]:
        """Uncalibrated logits (1, labels) of each text; zeros without words. Raises ModelError when the model fails."""
        if sentences is not None:
            # Each sentence of a text would be read as a text.
            raise ModelError(f"{self.name} labels whole texts, not sentences; judge it on texts")
        found = []
        for number, one in enumerate(self.label(self.read(texts))):
            if isinstance(one, FailedItem):
                raise ModelError(f"{self.name} fails on text {number} ({one.why}); leave it out")
            found.append(one if len(one) else np.zeros((1, len(scheme.labels)), dtype=np.float32))
        return found

    def _labels_of(self, logits: Floats) -> list[FoundLabel]:
        scheme = self.settings.scheme
        if not len(logits):
            return []
        scores = probabilities(scheme, logits)
        return [
            FoundLabel(scheme.name, scheme.labels[i], float(scores[0, i])) for i in stored_labels(scheme, scores)[0]
        ]
