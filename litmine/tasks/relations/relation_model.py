"""A relation model on a shared trunk: from texts and their mentions to relations."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.corpora.documents import AnnotatedEntity
from litmine.lake.targets import UpstreamRows
from litmine.nn.engine import Engine, TextInputs, ignore_progress
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.text_states import KEPT_TOKENS, GivenStates, StatesTop, TextStates, kept_tokens
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.relations.found import FoundRelation, found_relations, relations_or_error
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
        self._texts = TextInputs(trunk)
        after = settings.after(trunk.config.num_hidden_layers)
        self._selected = trunk.layers((), after)
        self._engine = Engine(
            GivenStates(trunk, after), [top], batch_tokens, StretchInputs(int(trunk.config.hidden_size))
        )
        self._after, self.batch_tokens = after, self._engine.batch_tokens
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

    def shared_top(self, read: Sequence[TokenizedText | FailedItem]) -> StatesTop:
        """A top whose result, the trunk's states of the texts, `label_with_inputs` takes, so that none is read twice.

        The states of texts beyond `KEPT_TOKENS` are not kept.
        """
        return StatesTop(self.name, self._selected, kept_tokens(read))

    def label_with_inputs(
        self,
        items: Sequence[str],
        read: Sequence[TokenizedText | FailedItem],
        inputs: Sequence[UpstreamRows],
        watch: Callable[[float], None] = ignore_progress,
        shared: Sequence[TextStates] | None = None,
    ) -> list[JudgedText | FailedItem]:
        """Run the network on the texts that have candidate pairs. shared: the result of `shared_top` for each text."""
        return self.judge(items, [*mentions_by_text(inputs)], read, watch=watch, states=shared)

    def judge(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[AnnotatedEntity]],
        read: Sequence[TokenizedText | FailedItem] | None = None,
        sentences: Sequence[Sentences] | None = None,
        watch: Callable[[float], None] = ignore_progress,
        states: Sequence[TextStates] | None = None,
    ) -> list[JudgedText | FailedItem]:
        """The judged pairs of each text with their logits.

        sentences: those of each text, if they are known. states: those of the trunk, where they are known.
        """
        read = self.read(texts) if read is None else read
        split = [split_sentences(text) for text in texts] if sentences is None else sentences
        known = [None] * len(read) if states is None else states
        prepared = [
            one if isinstance(one, FailedItem) else self._prepare(one, found, spans, of_text)
            for one, found, spans, of_text in zip(read, mentions, split, known, strict=True)
        ]
        judged: list[JudgedText | FailedItem] = []
        for some in _in_parts(prepared, KEPT_TOKENS):
            (labels,) = self._engine.label(self._with_states(some, watch), watch)
            judged += [_judged(one, found) for one, found in zip(some, labels, strict=True)]
        return judged

    def _with_states(
        self, prepared: Sequence["_PreparedText | FailedItem"], watch: Callable[[float], None]
    ) -> list[MarkedText | FailedItem]:
        """The marked texts, those that are read with states: the given ones, or computed now."""
        marked = [one if isinstance(one, FailedItem) else one.marked for one in prepared]
        missing = [
            i for i, one in enumerate(marked) if isinstance(one, MarkedText) and one.stretches and one.states is None
        ]
        found = self.text_states([marked[i].text for i in missing], watch)  # type: ignore[union-attr]
        for i, of_text in zip(missing, found, strict=True):
            one = marked[i]
            if isinstance(one, MarkedText):
                marked[i] = of_text if isinstance(of_text, FailedItem) else replace(one, states=of_text)
        return marked

    def text_states(
        self, read: Sequence[TokenizedText], watch: Callable[[float], None] = ignore_progress
    ) -> list[TextStates]:
        """The trunk's states of tokenized texts: (tokens, width) for each."""
        top = StatesTop(self.name, self._selected, [one.tokens for one in read])
        (states,) = Engine(self.trunk, [top], self.batch_tokens, depth=self._after).label(read, watch)
        found: list[TextStates] = states
        return found

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
        return relations_or_error(self.name, self.decode(texts, (), self.judge(texts, mentions, None, sentences), ()))

    def _prepare(
        self, text: TokenizedText, mentions: Sequence[AnnotatedEntity], sentences: Sentences, states: TextStates
    ) -> "_PreparedText | FailedItem":
        known = [one for one in mentions if one.entity_type in self._types]
        pairs = [
            pair
            for pair in (candidate_pairs(known, sentences, self._rule) if len(known) > 1 else ())
            if any(is_judged(head, pair) for head in self.heads)
        ]
        marked = mark_text(text, sentences, known, pairs, self._types, self.settings.max_tokens)
        if marked.stretches and states is not None:
            if isinstance(states, FailedItem):
                return states
            marked = replace(marked, states=states)
        return _PreparedText(sentences, pairs, marked)

    def _relations(self, text: str, judged: JudgedText) -> list[FoundRelation]:
        scored = scored_pairs(self.settings, self.heads, judged.logits, judged.pairs)
        return found_relations(text, judged.sentences, scored)


def _in_parts(
    prepared: Sequence[_PreparedText | FailedItem], tokens: int
) -> Iterator[Sequence[_PreparedText | FailedItem]]:
    """Consecutive texts whose states fit into memory together, as far as they must be computed."""
    start, total = 0, 0
    for i, one in enumerate(prepared):
        missing = isinstance(one, _PreparedText) and one.marked.stretches and one.marked.states is None
        of_text = one.marked.text.tokens if missing and isinstance(one, _PreparedText) else 0
        if of_text and total and total + of_text > tokens:
            yield prepared[start:i]
            start, total = i, 0
        total += of_text
    yield prepared[start:]


def _judged(prepared: _PreparedText | FailedItem, found: Any) -> JudgedText | FailedItem:
    if isinstance(prepared, FailedItem):
        return prepared
    if isinstance(found, FailedItem):
        return found
    numbers, logits = found
    return JudgedText(prepared.sentences, [prepared.pairs[number] for number in numbers.tolist()], logits)
