"""The input of a relation network: stretches of texts in a row, the types of their mentions, and the pairs to judge."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.corpora.documents import AnnotatedEntity
from litmine.nn.text_states import StatesRow
from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.relations.pairs import CandidatePair
from litmine.tasks.relations.stretches import Sentences, Stretch, cut_stretches, mention_tokens

Ints = NDArray[np.int64]
# Types whose mentions are marked as those of another type, because both may mark the same words.
MARKED_AS = {"AdverseEffect": "Disease"}


@dataclass(frozen=True, slots=True, eq=False)
class MarkedText:
    """A tokenized text with its mentions and pairs.

    spans (mentions, 2): tokens of each mention. types, marks (mentions,): number of its type, and of the type that it
    is marked as, -1 for a type that the model does not know. pairs (pairs, 2): numbers of the mentions of each
    candidate pair. apart (pairs,): their distance in sentences. stretches: what is read. states (tokens, width): of the
    trunk, None while they are not known.
    """

    text: TokenizedText = field(repr=False)
    spans: Ints
    types: Ints
    marks: Ints
    pairs: Ints
    apart: Ints
    stretches: tuple[Stretch, ...]
    states: Tensor | None = field(default=None, repr=False)

    @property
    def tokens(self) -> int:
        """Tokens that are read."""
        return sum(one.end - one.start for one in self.stretches)


def mark_text(
    text: TokenizedText,
    sentences: Sentences,
    mentions: Sequence[AnnotatedEntity],
    pairs: Sequence[CandidatePair],
    type_numbers: dict[str, int],
    max_tokens: int,
) -> MarkedText:
    """Prepare a text. pairs: candidates among `mentions`. max_tokens: of a stretch."""
    spans = mention_tokens(text, mentions)
    place = {id(one): number for number, one in enumerate(mentions)}
    numbers = np.array([(place[id(one.subject)], place[id(one.object)]) for one in pairs], dtype=np.int64)
    numbers = numbers.reshape(-1, 2)
    tokens = [((int(s[0]), int(s[1])), (int(o[0]), int(o[1]))) for s, o in spans[numbers]]
    return MarkedText(
        text,
        spans,
        np.array([type_numbers.get(one.entity_type, -1) for one in mentions], dtype=np.int64),
        np.array(
            [type_numbers.get(MARKED_AS.get(one.entity_type, one.entity_type), -1) for one in mentions], dtype=np.int64
        ),
        numbers,
        np.array([one.sentences_apart for one in pairs], dtype=np.int64),
        tuple(cut_stretches(text, sentences, tokens, max_tokens)),
    )


@dataclass(frozen=True, slots=True)
class RelationRow(StatesRow):
    """Stretches of texts without special tokens, in which positions are those of the row.

    mark_at, mark_type (marks,): a token of a mention and the number of the mention's type. subject, object (pairs, 2):
    tokens of the mentions of each pair. reach (pairs, 2): tokens of the pair's sentences. subject_type, object_type,
    apart (pairs,): as in `MarkedText`. window (pairs,): the number of the pair's stretch, ascending. text, number
    (pairs,): the pair's text, and its number there.
    """

    mark_at: Ints
    mark_type: Ints
    subject: Ints
    object: Ints
    reach: Ints
    subject_type: Ints
    object_type: Ints
    apart: Ints
    window: Ints
    text: Ints
    number: Ints


@dataclass(frozen=True, slots=True)
class RowStretch:
    """A stretch of the text with the number `text`."""

    text: int
    stretch: Stretch

    @property
    def tokens(self) -> int:
        return self.stretch.end - self.stretch.start


def build_row(items: Sequence[RowStretch], texts: Sequence[MarkedText]) -> RelationRow:
    """Concatenate stretches of marked texts, whose states are known."""
    ids: list[Ints] = []
    states: list[Tensor] = []
    marks: list[Ints] = []
    pairs: list[Ints] = []
    at = 0
    for window, item in enumerate(items):
        text, stretch = texts[item.text], item.stretch
        assert text.states is not None
        ids.append(text.text.ids[stretch.start : stretch.end])
        states.append(text.states[stretch.start : stretch.end])
        shift = at - stretch.start
        inside = np.flatnonzero(
            (text.marks >= 0)
            & (text.spans[:, 1] > text.spans[:, 0])
            & (text.spans[:, 1] > stretch.start)
            & (text.spans[:, 0] < stretch.end)
        )
        for mention in inside.tolist():
            first, last = text.spans[mention].clip(stretch.start, stretch.end)
            marks.append(np.stack([np.arange(first, last) + shift, np.full(last - first, text.marks[mention])]))
        chosen = np.array(stretch.pairs, dtype=np.int64)
        subjects, objects = text.pairs[chosen].T
        pairs.append(
            np.column_stack(
                [
                    text.spans[subjects] + shift,
                    text.spans[objects] + shift,
                    np.array(stretch.reach, dtype=np.int64).reshape(-1, 2) + shift,
                    text.types[subjects],
                    text.types[objects],
                    text.apart[chosen],
                    np.full(len(chosen), window),
                    np.full(len(chosen), item.text),
                    chosen,
                ]
            )
        )
        at += item.tokens
    # A token in two mentions of one type has one mark.
    marked = np.unique(np.concatenate(marks, axis=1), axis=1) if marks else np.zeros((2, 0), dtype=np.int64)
    columns = np.concatenate(pairs)
    return RelationRow(
        np.concatenate(ids),
        np.array([item.tokens for item in items]),
        None,
        torch.cat(states),
        marked[0],
        marked[1],
        columns[:, 0:2],
        columns[:, 2:4],
        columns[:, 4:6],
        *(columns[:, number] for number in range(6, 12)),
    )


def empty_row(width: int) -> RelationRow:
    """A row of one token without a pair. width: of the states."""
    none, spans = np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    states = torch.zeros(1, width)
    return RelationRow(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64), None, states, none, none, spans, spans,
                       spans, none, none, none, none, none, none)  # fmt: skip
