"""The top of a reader: start and end scores of the words that may start or end an answer, and a verdict a piece.

The network of a reader: an encoder of the BERT family, a start and an end score a token, and perhaps a verdict.
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
from litmine.tasks.qa.pairs import PairRow, Piece
from litmine.tasks.qa.spans import softmax


class SpanNetwork(nn.Module):
    """Token ids to start and end logits, (pairs, tokens, 2), and those of no, yes and neither, (pairs, 3) or None."""

    def __init__(self, config: Any, yes_no: bool, encoder: Any = None) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = new_encoder(config) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            # The verdict reads the first token itself, and not every encoder of the family has one.
            self.encoder.pooler = None
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.span = nn.Linear(config.hidden_size, 2)
        self.verdict = nn.Linear(config.hidden_size, 3) if yes_no else None

    def forward(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> tuple[Tensor, Tensor | None]:
        hidden = self.encoder(input_ids=ids, attention_mask=mask, **_types(types)).last_hidden_state
        hidden = self.dropout(hidden).to(self.span.weight.dtype)
        return self.span(hidden), None if self.verdict is None else self.verdict(hidden[:, 0])


class PlainSpanNetwork(nn.Module):
    """A Hugging Face question answerer, whose hidden states nobody sees: what it reads pairs to are its logits."""

    verdict = None

    def __init__(self, answerer: Any) -> None:
        super().__init__()
        self.config = answerer.config
        self.encoder = _Answering(answerer)
        self.span = nn.Identity()


class _Answering(nn.Module):
    """A question answerer behind the call of an encoder."""

    def __init__(self, answerer: Any) -> None:
        super().__init__()
        self._answerer = answerer

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        output = self._answerer(input_ids=input_ids, attention_mask=attention_mask, **_types(token_type_ids))
        return EncoderOutput(torch.stack([output.start_logits, output.end_logits], dim=-1))


def _types(types: Tensor | None) -> dict[str, Tensor]:
    return {} if types is None else {"token_type_ids": types}


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of one pair or one window of it: that an answer starts at or ends with a word, both (words,).

    `null` is the logit of no answer, `verdict` are those of no, yes and neither (None without a yes/no head).
    """

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    null: float
    verdict: NDArray[np.float32] | None


# What a row gives: the scores of each of its pieces.
Part = list[tuple[Piece, Scores]]


class SpanTop:
    """Layers that go on from a trunk, `span`, (tokens, width) to (tokens, 2), and `verdict` to (tokens, 3), if any."""

    def __init__(
        self, name: str, layers: TopLayers, span: Callable[[Tensor], Tensor], verdict: Callable[[Tensor], Tensor] | None
    ) -> None:
        self.name = name
        self._layers, self._span, self._verdict = layers, span, verdict

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        row = states.row
        assert isinstance(row, PairRow)
        hidden = self._layers(states, row.at).float()
        logits = self._span(hidden)
        first, last, begin = (states.to_device(one) for one in (row.first, row.last, row.begin))
        # The first token stands for "no answer", and for the whole.
        scores = [logits[first, 0], logits[last, 1], logits[begin].sum(dim=-1)]
        return scores if self._verdict is None else [*scores, self._verdict(hidden[begin])]

    def collect(self, row: PairRow, found: Sequence[Tensor]) -> Part:
        given = [tensor.numpy() for tensor in found]
        check_finite(all(np.isfinite(one).all() for one in given))
        start, end = (
            np.split(scores, np.cumsum([own.stop - own.start for own in words])[:-1])
            for scores, words in (
                (given[0], [piece.starts for piece in row.pieces]),
                (given[1], [piece.ends for piece in row.pieces]),
            )
        )
        verdicts = given[3] if len(given) > 3 else [None] * len(row.pieces)
        return [
            (piece, Scores(start[i], end[i], float(given[2][i]), verdicts[i])) for i, piece in enumerate(row.pieces)
        ]

    def join(self, parts: Sequence[Part], failed: Mapping[int, FailedItem], texts: int) -> list[Scores | FailedItem]:
        """Those of each pair."""
        whole: list[Part] = [[] for _ in range(texts)]
        for part in parts:
            for piece, scores in part:
                whole[piece.text].append((piece, scores))
        return [failed[i] if i in failed else _joined(own) for i, own in enumerate(whole)]


def _joined(part: Part) -> Scores:
    """The windows of one pair as one: that which doubts least speaks for the whole text."""
    if not part:
        nothing = np.zeros(0, dtype=np.float32)
        return Scores(nothing, nothing, 0.0, None)
    windows = [scores for _, scores in sorted(part, key=lambda one: one[0].start)]
    start, end = (np.concatenate(one) for one in zip(*((it.start, it.end) for it in windows), strict=True))
    verdicts = [scores.verdict for scores in windows if scores.verdict is not None]
    verdict = min(verdicts, key=lambda verdict: softmax(verdict)[-1]) if verdicts else None
    return Scores(start, end, min(scores.null for scores in windows), verdict)
