"""A relation model on a shared trunk: from texts and their mentions to relations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.corpora.documents import AnnotatedEntity
from litmine.errors import ModelError
from litmine.lake.targets import UpstreamRows
from litmine.nn.engine import Engine, TextInputs, ignore_progress
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.relations.found import FoundRelation, found_relations
from litmine.tasks.relations.judge import is_judged, scored_pairs
from litmine.tasks.relations.mentions import mentions_by_text
from litmine.tasks.relations.pairs import CandidatePair, PairRule, candidate_pairs
from litmine.tasks.relations.rows import MarkedText, mark_text
from litmine.tasks.relations.settings import RelationHead, RelationSettings
from litmine.tasks.relations.stretches import Sentences
from litmine.tasks.relations.top import RelationTop, StretchInputs
from litmine.text.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A text with its judged pairs, and their logits (pairs, outputs). sentences: start and end of each."""

    sentences: Sentences
    pairs: Sequence[CandidatePair]
    logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _PreparedText:
    sentences: Sentences
    pairs: Sequence[CandidatePair]
    marked: MarkedText


class RelationModel:
    """A loaded shared top, a `litmine.tasks.contract.StepModel` whose network reads the step's inputs.

    Attributes: `name` (name@digest), `settings`, `heads` (those in use), `batch_tokens`.
    """

    reads_inputs = True

    def __init__(
        self,
        name: str,
        trunk: Trunk,
        top: RelationTop,
        settings: RelationSettings,
        heads: Sequence[RelationHead],
        batch_tokens: int | None = None,
    ) -> None:
        self.name, self.settings, self.heads, self.trunk = name, settings, tuple(heads), trunk
        begin, end, _ = trunk.special
        self._texts = TextInputs(trunk)
        self._engine = Engine(trunk, [top], batch_tokens, StretchInputs(begin, end), settings.trunk.after)
        self.batch_tokens = self._engine.batch_tokens
        apart = max(one.max_sentences for one in self.heads)
        self._rule = PairRule(tuple(dict.fromkeys(pair for one in heads for pair in one.rule.type_pairs)), apart)
        self._types = settings.type_numbers

    @property
    def device(self) -> torch.device:
        return self.trunk.device

    @property
    def precision(self) -> str:
        """`float32` or `bf16`."""
        return self.trunk.precision

    def read(self, items: Sequence[str]) -> list[TokenizedText | FailedItem]:
        """Tokenize each text; one that cannot be tokenized becomes a `FailedItem`."""
        return self._texts.read(items)

    def label_with_inputs(
        self,
        items: Sequence[str],
        read: Sequence[TokenizedText | FailedItem],
        inputs: Sequence[UpstreamRows],
        watch: Callable[[float], None] = ignore_progress,
    ) -> list[JudgedText | FailedItem]:
        """Run the network on the stretches of the texts that have candidate pairs, in batches over all texts."""
        return self.judge(items, [*mentions_by_text(inputs)], read, watch=watch)

    def judge(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[AnnotatedEntity]],
        read: Sequence[TokenizedText | FailedItem] | None = None,
        sentences: Sequence[Sentences] | None = None,
        watch: Callable[[float], None] = ignore_progress,
    ) -> list[JudgedText | FailedItem]:
        """The judged pairs of each text with their logits. sentences: those of each text, if they are known."""
        read = self.read(texts) if read is None else read
        split = [split_sentences(text) for text in texts] if sentences is None else sentences
        prepared = [
            one if isinstance(one, FailedItem) else self._prepare(one, found, spans)
            for one, found, spans in zip(read, mentions, split, strict=True)
        ]
        (labels,) = self._engine.label(
            [one.marked if isinstance(one, _PreparedText) else one for one in prepared], watch
        )
        return [_judged(one, found) for one, found in zip(prepared, labels, strict=True)]

    def decode(
        self,
        items: Sequence[str],
        read: Sequence[Any],  # noqa: ARG002 - the labels have what was read
        labels: Sequence[JudgedText | FailedItem],
        inputs: Sequence[UpstreamRows],  # noqa: ARG002 - the labels have the mentions
    ) -> list[list[FoundRelation] | FailedItem]:
        """The relations of each text that reach the threshold of their head, with evidence."""
        return [
            one if isinstance(one, FailedItem) else self._relations(text, one)
            for text, one in zip(items, labels, strict=True)
        ]

    def relate(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[AnnotatedEntity]],
        sentences: Sequence[Sentences] | None = None,
    ) -> list[list[FoundRelation]]:
        """The relations of each text between its mentions. Raises ModelError when the model fails on a text.

        sentences: those of each text, if they are known.
        """
        found = []
        for number, (text, one) in enumerate(zip(texts, self.judge(texts, mentions, None, sentences), strict=True)):
            if isinstance(one, FailedItem):
                raise ModelError(f"{self.name} fails on text {number} ({one.why}); leave it out")
            found.append(self._relations(text, one))
        return found

    def _prepare(self, text: TokenizedText, mentions: Sequence[AnnotatedEntity], sentences: Sentences) -> _PreparedText:
        known = [one for one in mentions if one.entity_type in self._types]
        pairs = [
            pair
            for pair in (candidate_pairs(known, sentences, self._rule) if len(known) > 1 else ())
            if any(is_judged(head, pair) for head in self.heads)
        ]
        marked = mark_text(text, sentences, known, pairs, self._types, self.settings.max_tokens - 2)
        return _PreparedText(sentences, pairs, marked)

    def _relations(self, text: str, judged: JudgedText) -> list[FoundRelation]:
        scored = scored_pairs(self.settings, self.heads, judged.logits, judged.pairs)
        return found_relations(text, judged.sentences, scored)


def _judged(prepared: _PreparedText | FailedItem, found: Any) -> JudgedText | FailedItem:
    if isinstance(prepared, FailedItem):
        return prepared
    if isinstance(found, FailedItem):
        return found
    numbers, logits = found
    return JudgedText(prepared.sentences, [prepared.pairs[number] for number in numbers.tolist()], logits)
