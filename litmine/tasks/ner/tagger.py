"""What a worker writes of a tagger: the rows of a part's entities.

The tagger: texts to entities, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (what it leaves open to labels to spans, CPU).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from litmine.errors import ModelError
from litmine.lake.articles import NewTexts
from litmine.lake.targets import Row
from litmine.nn.failure_isolation import Failed
from litmine.nn.hidden_states import Layers
from litmine.nn.network_model import NetworkModel
from litmine.nn.tokenizer import Words
from litmine.nn.trunk import Trunk
from litmine.tasks.ner.decoder import Decoder, Said
from litmine.tasks.ner.network import Choices, TaggerTop
from litmine.tasks.ner.settings import Head, Settings
from litmine.types import Entity


class Tagger(NetworkModel):
    """A loaded tagger. `name` and `digest` say which; `annotate` does it all in one call.

    Attributes beside those of a NetworkModel: `settings` (heads, window, overlap), `heads` (those in use).
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
        edges = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        used = [settings.heads.index(head) for head in self.heads]
        own = None if transitions is None else transitions[used]
        self._decoder = Decoder([head.labels for head in self.heads], own)
        choices = Choices.of([range(edges[i], edges[i + 1]) for i in used], self._decoder.outside, own)
        name = f"{settings.name}@{digest}"
        super().__init__(name, trunk, TaggerTop(name, layers, outputs, choices, trunk.device), batch_tokens)

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


def entity_rows(texts: NewTexts, results: Sequence[Sequence[Entity] | Failed]) -> list[Row]:
    """The rows of `entities`, in order of PMID, text and offsets; a text that failed has none."""
    return sorted(
        (pmid, text_hash, one.start_char, one.end_char, one.mention, one.entity_type, one.score, None)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, Failed)
        for one in found
    )
