"""The network of a reader: an encoder of the BERT family, a start and an end score a token, and perhaps a verdict."""

from typing import Any

import torch
from torch import Tensor, nn

from litmine.nn.bert import Output
from litmine.nn.hugging_face import new_encoder


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

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None = None) -> Output:
        output = self._answerer(input_ids=input_ids, attention_mask=attention_mask, **_types(token_type_ids))
        return Output(torch.stack([output.start_logits, output.end_logits], dim=-1))


def _types(types: Tensor | None) -> dict[str, Tensor]:
    return {} if types is None else {"token_type_ids": types}
