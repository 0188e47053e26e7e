"""The network: an encoder of the BERT family, one linear layer that holds every head, and perhaps a chain a head."""

from typing import Any

from torch import Tensor, nn

from litmine.nn.bert import Output
from litmine.nn.crf import BIO, Chain
from litmine.nn.hugging_face import new_encoder


class MultiHeadNetwork(nn.Module):
    """Token ids to the logits of every head, side by side: (texts, tokens) to (texts, tokens, outputs).

    A network that is `chained` has a B/I/O head every three outputs, whose labels are chosen along the words.
    """

    def __init__(self, config: Any, outputs: int, encoder: Any = None, chained: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = new_encoder(config) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            # It reads whole texts, and not every encoder of the family has one.
            self.encoder.pooler = None
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.heads = nn.Linear(config.hidden_size, outputs)
        self.chain = Chain(outputs // len(BIO)) if chained else None

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.read_heads(self.dropout(hidden))

    def read_heads(self, hidden: Tensor) -> Tensor:
        """Logits of hidden states, in the precision of the heads."""
        logits: Tensor = self.heads(hidden.to(self.heads.weight.dtype))
        return logits


class PlainNetwork(nn.Module):
    """A Hugging Face token classifier, whose hidden states nobody sees: what it reads texts to are its logits."""

    chain = None

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.config = classifier.config
        self.encoder = _Classifying(classifier)

    def read_heads(self, logits: Tensor) -> Tensor:
        return logits


class _Classifying(nn.Module):
    """A token classifier behind the call of an encoder."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self._classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None) -> Output:
        return Output(self._classifier(input_ids=input_ids, attention_mask=attention_mask).logits)
