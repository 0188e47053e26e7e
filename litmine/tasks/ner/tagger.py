"""The tagger: texts to entities.

A worker runs its three stages in parallel: `read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode`
(candidate logits to labels to spans, CPU).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.ner.decoder import MentionDecoder, TaggerOutput
from litmine.tasks.ner.judged_heads import JudgedHeads
from litmine.tasks.ner.mention_rules import apply_rules
from litmine.tasks.ner.network import HeadLayout, TaggerTop
from litmine.tasks.ner.settings import NO_RULES, TYPE_RULES, Head, TaggerSettings
from litmine.tasks.ner.texts import check_texts
from litmine.tasks.ner.type_rules import PERSON, SPECIES, Guideline, judged_mentions, settle_types
from litmine.types import Entity


class Tagger(NetworkModel):
    """A loaded tagger; `annotate` runs all three stages in one call.

    Attributes in addition to those of a NetworkModel: `settings` (all heads, window, overlap), `digest`, and `heads`
    (the heads in use).
    """

    def __init__(
        self,
        trunk: Trunk,
        layers: TopLayers,
        outputs: Callable[[Tensor], Tensor],
        transitions: NDArray[np.float32] | None,
        settings: TaggerSettings,
        heads: Sequence[Head],
        digest: str,
        batch_tokens: int | None = None,
    ) -> None:
        """Assemble a tagger.

        `layers` continue from the trunk's hidden states, and `outputs` turns their result into the logits of all heads.
        `transitions`: (heads of the settings, BIO, BIO) of a CRF, or None.
        """
        self.settings = settings
        self.digest = digest
        self.heads = list(heads)
        edges = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        used = [settings.heads.index(head) for head in self.heads]
        used_transitions = None if transitions is None else transitions[used]
        self._judged = JudgedHeads.among(self.heads)
        labels = [self._judged.labels_of(head, self.decoded_labels(head)) for head in self.heads]
        self._decoder = MentionDecoder(labels, used_transitions)
        layout = HeadLayout.of([range(edges[i], edges[i + 1]) for i in used], self._decoder.outside, used_transitions)
        name = f"{settings.name}@{digest}"
        super().__init__(name, trunk, TaggerTop(name, layers, outputs, layout, trunk.device), batch_tokens)

    @staticmethod
    def digest_of(tagger: str) -> str:
        """The digest of the model, from that of its weights, heads and settings."""
        return tagger

    @staticmethod
    def decoded_labels(head: Head) -> tuple[str, ...]:
        """The labels of a head as mentions are decoded from them."""
        return head.labels

    @property
    def entity_types(self) -> list[str]:
        """The entity types of the heads in use, and Person where the rules tell people from species, sorted."""
        found = self._found_types
        return sorted([*found, PERSON]) if self.settings.rules == TYPE_RULES and SPECIES in found else found

    @property
    def _found_types(self) -> list[str]:
        return [kind for kind in self._decoder.entity_types if kind not in self._judged.own_types]

    def annotate(self, texts: Sequence[str], guideline: Guideline | None = None) -> list[list[Entity]]:
        """The entities of each text, ordered by offset.

        guideline: of the corpus that an evaluation compares with; the lake has none. Raises ModelError when the model
        fails on a text, and TypeError for a single text in place of several.
        """
        check_texts(texts)
        words = self.read(texts)
        found = []
        for i, entities in enumerate(self._decode(texts, words, self.label(words), guideline)):
            if isinstance(entities, FailedItem):
                raise ModelError(f"{self.name} fails on text {i} ({entities.why}); leave it out")
            found.append(entities)
        return found

    def decode(
        self,
        texts: Sequence[str],
        words: Sequence[TokenizedText | FailedItem],
        labels: TaggerOutput,
        inputs: Sequence[object] = (),  # noqa: ARG002 - a tagger does not use other models' results
    ) -> list[list[Entity] | FailedItem]:
        """The entities of each text, or its failure.

        An entity's score is the mean probability of its words' labels; `apply_rules` and `settle_types` say what
        changes it.
        """
        return self._decode(texts, words, labels, None)

    def _decode(
        self,
        texts: Sequence[str],
        words: Sequence[TokenizedText | FailedItem],
        labels: TaggerOutput,
        guideline: Guideline | None,
    ) -> list[list[Entity] | FailedItem]:
        entities = self._decoder.entities(texts, words, labels.candidates)
        if self._judged:
            entities = [self._judged.choose(found, guideline) for found in entities]
        if self.settings.rules != NO_RULES:
            entities = [apply_rules(text, found) for text, found in zip(texts, entities, strict=True)]
        if self.settings.rules == TYPE_RULES:
            types = self._found_types
            entities = [
                settle_types(text, found, types) if guideline is None else judged_mentions(text, found, guideline)
                for text, found in zip(texts, entities, strict=True)
            ]
        found: list[list[Entity] | FailedItem] = [*entities]
        for i, failed in labels.failed.items():
            found[i] = failed
        return found
