"""A reader's network, and the top that an engine runs: hidden states to start, end and yes/no logits.

The network is an encoder of the BERT family with two outputs per token, the start and the end of an answer, and, in
readers that learnt yes/no questions, three outputs per window: no, yes, and neither. The first token stands for "no
answer", as in SQuAD 2.0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.encoder import EncoderOutput
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.hugging_face import new_encoder
from litmine.tasks.qa.pairs import PairRow, PairWindow
from litmine.tasks.qa.spans import softmax


class SpanNetwork(nn.Module):
    """From ids (pairs, tokens) to span logits (pairs, tokens, 2) and verdict logits (pairs, 3) or None.

    A verdict is the answer to a yes/no question; its logits are those of no, yes and neither.
    """

    def __init__(self, config: Any, yes_no: bool, encoder: Any = None) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = new_encoder(config) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            # The verdict uses the first token's state, because not every encoder has a pooler.
            self.encoder.pooler = None
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.span = nn.Linear(config.hidden_size, 2)
        self.verdict = nn.Linear(config.hidden_size, 3) if yes_no else None

    def forward(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run the network; `mask` and `types` are (pairs, tokens), or None for no padding and for types 0."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, **_type_arguments(types)).last_hidden_state
        hidden = self.dropout(hidden).to(self.span.weight.dtype)
        return self.span(hidden), None if self.verdict is None else self.verdict(hidden[:, 0])


class PlainSpanNetwork(nn.Module):
    """A Hugging Face question answerer of any architecture. Its `encoder` returns span logits as the hidden states."""

    verdict = None

    def __init__(self, answerer: Any) -> None:
        super().__init__()
        self.config = answerer.config
        self.encoder = _AnswererAsEncoder(answerer)
        self.span = nn.Identity()


class _AnswererAsEncoder(nn.Module):
    """A question answerer with the call signature of an encoder."""

    def __init__(self, answerer: Any) -> None:
        super().__init__()
        self._answerer = answerer

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        output = self._answerer(input_ids=input_ids, attention_mask=attention_mask, **_type_arguments(token_type_ids))
        return EncoderOutput(torch.stack([output.start_logits, output.end_logits], dim=-1))


def _type_arguments(types: Tensor | None) -> dict[str, Tensor]:
    """Some encoders do not accept token types."""
    return {} if types is None else {"token_type_ids": types}


@dataclass(frozen=True, slots=True)
class SpanLogits:
    """Logits of a pair, or of one of its windows.

    `start`, `end` (words): an answer starts or ends with the word. `null`: there is no answer. `verdict` (3): no, yes
    and neither; None without a yes/no head.
    """

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    null: float
    verdict: NDArray[np.float32] | None


# The logits of each window of a row.
WindowLogits = list[tuple[PairWindow, SpanLogits]]


class ReaderTop:
    """The upper layers and outputs on a trunk.

    `span`: hidden states (tokens, width) to (tokens, 2). `verdict`: hidden states (windows, width) to (windows, 3), or
    None.
    """

    def __init__(
        self, name: str, layers: TopLayers, span: Callable[[Tensor], Tensor], verdict: Callable[[Tensor], Tensor] | None
    ) -> None:
        self.name = name
        self._layers, self._span, self._verdict = layers, span, verdict

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation; returns start, end, null and verdict logits on the device."""
        row = states.row
        assert isinstance(row, PairRow)
        hidden = self._layers(states, row.at).float()
        logits = self._span(hidden)
        first, last, begin = (states.to_device(indices) for indices in (row.first, row.last, row.begin))
        outputs = [logits[first, 0], logits[last, 1], logits[begin].sum(dim=-1)]
        return outputs if self._verdict is None else [*outputs, self._verdict(hidden[begin])]

    def collect(self, row: PairRow, found: Sequence[Tensor]) -> WindowLogits:
        """Split the tensors of `begin`, now on the CPU, by window. Raises ModelError when a logit is not finite."""
        arrays = [tensor.numpy() for tensor in found]
        check_finite(all(np.isfinite(array).all() for array in arrays))
        start = _split(arrays[0], [window.starts for window in row.windows])
        end = _split(arrays[1], [window.ends for window in row.windows])
        verdicts = arrays[3] if len(arrays) > 3 else [None] * len(row.windows)
        return [
            (window, SpanLogits(start[i], end[i], float(arrays[2][i]), verdicts[i]))
            for i, window in enumerate(row.windows)
        ]

    def join(
        self, parts: Sequence[WindowLogits], failed: Mapping[int, FailedItem], texts: int
    ) -> list[SpanLogits | FailedItem]:
        """The logits of each of `texts` pairs, or its failure."""
        by_pair: list[WindowLogits] = [[] for _ in range(texts)]
        for part in parts:
            for window, logits in part:
                by_pair[window.text].append((window, logits))
        return [failed[i] if i in failed else _join_windows(windows) for i, windows in enumerate(by_pair)]


def _split(logits: NDArray[np.float32], words: Sequence[slice]) -> list[NDArray[np.float32]]:
    """The logits of each window, from those of all windows and the range of words that each window keeps."""
    return np.split(logits, np.cumsum([kept.stop - kept.start for kept in words])[:-1])


def _join_windows(part: WindowLogits) -> SpanLogits:
    """Combine the windows of one pair.

    The null logit is the lowest of all windows, because one window with an answer is enough. The verdict is that of the
    window with the lowest probability of "neither".
    """
    if not part:
        no_words = np.zeros(0, dtype=np.float32)
        return SpanLogits(no_words, no_words, 0.0, None)
    windows = [logits for _, logits in sorted(part, key=lambda one: one[0].start)]
    start = np.concatenate([logits.start for logits in windows])
    end = np.concatenate([logits.end for logits in windows])
    verdicts = [logits.verdict for logits in windows if logits.verdict is not None]
    verdict = min(verdicts, key=lambda verdict: softmax(verdict)[-1]) if verdicts else None
    return SpanLogits(start, end, min(logits.null for logits in windows), verdict)
