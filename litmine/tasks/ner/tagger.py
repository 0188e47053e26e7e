"""The tagger: texts to entities, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (what it leaves open to labels to spans, CPU).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.engine import Engine, unwatched
from litmine.nn.failure_isolation import Failed
from litmine.nn.states import Layers
from litmine.nn.tokenized_text import Words
from litmine.nn.trunk import Trunk
from litmine.tasks.ner.candidates import Said
from litmine.tasks.ner.decoder import Decoder
from litmine.tasks.ner.settings import Head, Settings
from litmine.tasks.ner.top import Choices, TaggerTop
from litmine.types import Entity


class Tagger:
    """A loaded model. `name` and `digest` say which; `annotate` does it all in one call.

    Attributes: `settings` (heads, window, overlap), `heads` (those in use), `trunk` and `top`, which an `Engine` may
    run with the tops of other models on the same trunk, `batch_tokens` (tokens a batch, what is padded included).
    """

    def __init__(
        self,
        trunk: Trunk,
        layers: Layers,
        outputs: Callable[[Tensor], Tensor],
        transitions: NDArray[np.float32] | None,
        settings: Settings,
        heads: Sequence[Head],
        digest: str,
        batch_tokens: int | None = None,
    ) -> None:
        """`layers` go on from the trunk's states, `outputs` are all heads' logits of what comes out.

        `transitions` (heads of the settings, BIO, BIO) are of a chain, if there is one.
        """
        self.settings = settings
        self.digest = digest
        self.heads = list(heads)
        self.trunk = trunk
        edges = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        used = [settings.heads.index(head) for head in self.heads]
        own = None if transitions is None else transitions[used]
        self._decoder = Decoder([head.labels for head in self.heads], own)
        choices = Choices.of([range(edges[i], edges[i + 1]) for i in used], self._decoder.outside, own)
        self.top = TaggerTop(self.name, layers, outputs, choices, trunk.device)
        self._engine = Engine(trunk, [self.top], batch_tokens)
        self.batch_tokens = self._engine.batch_tokens

    @property
    def name(self) -> str:
        """`name@digest`, as the lake knows the model."""
        return f"{self.settings.name}@{self.digest}"

    @property
    def device(self) -> torch.device:
        return self.trunk.device

    @property
    def precision(self) -> str:
        """`float32` or `bf16`."""
        return self.trunk.precision

    @property
    def packs(self) -> bool:
        """Whether nothing is padded."""
        return self.trunk.packs

    @property
    def entity_types(self) -> list[str]:
        return self._decoder.entity_types

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order of their offsets (ModelError when a text makes the model fail)."""
        words = self.read(texts)
        found = []
        for i, entities in enumerate(self.decode(texts, words, self.label(words))):
            if isinstance(entities, Failed):
                raise ModelError(f"text {i} makes {self.name} fail ({entities.why}); leave it out")
            found.append(entities)
        return found

    def read(self, texts: Sequence[str]) -> list[Words | Failed]:
        """Tokenise."""
        return self._engine.read(texts)

    def label(self, texts: Sequence[Words | Failed], watch: Callable[[float], None] = unwatched) -> Said:
        """Run the network over every text, in windows where it is long; `watch` as in `Engine.label`."""
        said: Said
        (said,) = self._engine.label(texts, watch)
        return said

    def decode(
        self,
        texts: Sequence[str],
        words: Sequence[Words | Failed],
        labels: Said,
        inputs: Sequence[object] = (),  # noqa: ARG002 - what other models found is no input of a tagger's
    ) -> list[list[Entity] | Failed]:
        """What may be in a mention to entities: a score is the mean probability of the words' labels."""
        found: list[list[Entity] | Failed] = [*self._decoder.entities(texts, words, labels.open)]
        for i, failed in labels.failed.items():
            found[i] = failed
        return found
