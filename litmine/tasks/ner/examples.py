"""Passages to training examples: tokens, and for each word and head a label, or none where the corpus is silent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.corpora.corpus import Corpus
from litmine.nn.crf import BIO
from litmine.nn.tokenizer import WordReader, Words, label_words
from litmine.tasks.ner.settings import Head
from litmine.training.batching import pad

IGNORED = -1


@dataclass(frozen=True, slots=True)
class Example:
    """Tokens (special ones apart), each word's first token, and its labels.

    labels: (words, heads), IGNORED where the corpus is silent. opinions: (words, heads, BIO), probabilities by other
    models, if any were asked.
    """

    ids: NDArray[np.int64]
    first: NDArray[np.int64]
    labels: NDArray[np.int64]
    opinions: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """ids and mask (examples, tokens); rows, columns, labels and perhaps opinions of the words."""

    ids: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    labels: torch.Tensor
    opinions: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        arrays = [self.ids, self.mask, self.rows, self.columns, self.labels]
        return Batch(*(part.to(device) for part in [*arrays, *([] if self.opinions is None else [self.opinions])]))


def make_heads(corpora: Sequence[Corpus], apart: Sequence[str]) -> tuple[Head, ...]:
    """A head a type, shared by the corpora that annotate it, and heads of their own for those `apart`."""
    learnt_from: dict[str, list[str]] = {}
    for corpus in corpora:
        for entity_type in corpus.entity_types:
            learnt_from.setdefault(_head_name(corpus, entity_type, apart), []).append(corpus.name)
    heads: list[Head] = []
    for name, names in learnt_from.items():
        entity_type = name.partition(" (")[0]
        labels = (BIO[0], *(f"{tag}-{entity_type}" for tag in BIO[1:]))
        # Where no corpus shares the type's head, the first corpus' own one serves.
        default = name == entity_type or (
            entity_type not in learnt_from and not any(head.labels == labels for head in heads)
        )
        heads.append(Head(name, labels, default, tuple(names)))
    return tuple(heads)


def make_examples(
    corpus: Corpus,
    heads: Sequence[Head],
    apart: Sequence[str],
    reader: WordReader,
    longest: int,
    silence: int = IGNORED,
) -> list[Example]:
    """One example a passage, in file order; a passage of more than `longest` tokens becomes several.

    `silence` is the label of a word under a head whose type the corpus does not annotate.
    """
    columns = {
        entity_type: next(i for i, head in enumerate(heads) if head.name == _head_name(corpus, entity_type, apart))
        for entity_type in corpus.entity_types
    }
    examples: list[Example] = []
    for passage, words in zip(corpus.passages, reader.read([p.text for p in corpus.passages]), strict=True):
        labels = np.full((len(words), len(heads)), silence, dtype=np.int64)
        for entity_type, column in columns.items():
            spans = [span for span in passage.spans if span.entity_type == entity_type]
            labels[:, column] = label_words(words, spans)
        examples += _cut(words, labels, longest)
    return examples


def join(group: Sequence[Example]) -> Example:
    """Examples that follow each other as one."""
    shifts = np.cumsum([0, *(len(example.ids) for example in group)])
    return Example(
        np.concatenate([example.ids for example in group]),
        np.concatenate([example.first + shift for example, shift in zip(group, shifts[:-1], strict=True)]),
        np.concatenate([example.labels for example in group]),
        _opinions(group),
    )


def collate(group: Sequence[Example], special: tuple[int, int, int]) -> Batch:
    """One batch of these examples; `special` is the ids that begin, end and pad."""
    ids, mask = pad([example.ids for example in group], special)
    rows = np.concatenate([np.full(len(example.first), row) for row, example in enumerate(group)])
    columns = np.concatenate([example.first + 1 for example in group])
    labels = np.concatenate([example.labels for example in group])
    opinions = _opinions(group)
    arrays = [ids, mask, rows, columns, labels, *([] if opinions is None else [opinions])]
    return Batch(*(torch.from_numpy(array) for array in arrays))


def _opinions(group: Sequence[Example]) -> NDArray[np.float16] | None:
    """The opinions of examples one after the other; None unless each has some."""
    opinions = [example.opinions for example in group if example.opinions is not None]
    return np.concatenate(opinions) if group and len(opinions) == len(group) else None


def _head_name(corpus: Corpus, entity_type: str, apart: Sequence[str]) -> str:
    return f"{entity_type} ({corpus.name})" if corpus.name in apart else entity_type


def _cut(words: Words, labels: NDArray[np.int64], longest: int) -> Iterator[Example]:
    for start in range(0, max(len(words.ids), 1), longest):
        kept = (words.first >= start) & (words.first < start + longest)
        if kept.any():
            tokens = slice(start, start + longest)
            yield Example(words.ids[tokens], words.first[kept] - start, labels[kept])
