"""Turn passages into training examples: tokens, and a label for each word and head.

A head whose type the corpus does not annotate gets the label IGNORED, so that merged corpora do not count as negatives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.corpora.corpus import Corpus
from litmine.corpora.guidelines import guideline_of
from litmine.nn.crf import BIO
from litmine.nn.tokenizer import TokenizedText, WordTokenizer, label_words
from litmine.tasks.ner.settings import Head
from litmine.training.batching import pad

IGNORED = -1


@dataclass(frozen=True, slots=True)
class TaggerExample:
    """Token ids without special tokens (tokens,), the index of each word's first token (words,), and labels.

    labels: (words, heads), IGNORED where the corpus does not annotate the type. teacher_probabilities: (words, heads,
    BIO) or None.
    """

    ids: NDArray[np.int64]
    first: NDArray[np.int64]
    labels: NDArray[np.int64]
    teacher_probabilities: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True)
class TaggerBatch:
    """A padded batch: ids and mask (examples, tokens), and the fields of its words.

    rows, columns: (words,), the position of each word's first token. labels, teacher_probabilities: as in
    TaggerExample.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    labels: torch.Tensor
    teacher_probabilities: torch.Tensor | None = None

    def to(self, device: torch.device) -> "TaggerBatch":
        """A copy on the device."""
        tensors = [self.ids, self.mask, self.rows, self.columns, self.labels]
        if self.teacher_probabilities is not None:
            tensors.append(self.teacher_probabilities)
        return TaggerBatch(*(tensor.to(device) for tensor in tensors))


def make_heads(
    corpora: Sequence[Corpus], separate: Sequence[str], preferred: Sequence[str] = (), judged: Sequence[str] = ()
) -> tuple[Head, ...]:
    """One head per entity type and guideline; `separate` as in `litmine.corpora.guidelines`.

    The default head of a type is that of a guideline in `preferred`, else the shared one, else the first. Evaluations
    also use a shared one that is not the default, and those of the guidelines in `judged`.
    """
    learnt_from: dict[str, list[str]] = {}
    for corpus in corpora:
        for entity_type in corpus.entity_types:
            learnt_from.setdefault(_head_name(corpus, entity_type, separate), []).append(corpus.name)
    of_type: dict[str, list[str]] = {}
    for name in learnt_from:
        of_type.setdefault(name.partition(" (")[0], []).append(name)
    heads: list[Head] = []
    for name, names in learnt_from.items():
        entity_type = name.partition(" (")[0]
        labels = (BIO[0], *(f"{tag}-{entity_type}" for tag in BIO[1:]))
        choices = [*(f"{entity_type} ({guideline})" for guideline in preferred), entity_type, *of_type[entity_type]]
        default = next(choice for choice in choices if choice in learnt_from)
        in_evaluations = {entity_type, *(f"{entity_type} ({guideline})" for guideline in judged)} - {default}
        heads.append(Head(name, labels, name == default, tuple(names), name in in_evaluations))
    return tuple(heads)


def make_examples(
    corpus: Corpus,
    heads: Sequence[Head],
    separate: Sequence[str],
    reader: WordTokenizer,
    max_tokens: int,
    unannotated: int = IGNORED,
) -> list[TaggerExample]:
    """One example per passage, in file order; a passage of more than `max_tokens` tokens becomes several.

    `unannotated` is the label of every word under a head whose type the corpus does not annotate.
    """
    columns = {
        entity_type: next(i for i, head in enumerate(heads) if head.name == _head_name(corpus, entity_type, separate))
        for entity_type in corpus.entity_types
    }
    examples: list[TaggerExample] = []
    for passage, words in zip(corpus.passages, reader.read([p.text for p in corpus.passages]), strict=True):
        labels = np.full((len(words), len(heads)), unannotated, dtype=np.int64)
        for entity_type, column in columns.items():
            spans = [span for span in passage.spans if span.entity_type == entity_type]
            labels[:, column] = label_words(words, spans)
        examples += _split_example(words, labels, max_tokens)
    return examples


def join_examples(group: Sequence[TaggerExample]) -> TaggerExample:
    """Concatenate consecutive examples into one."""
    shifts = np.cumsum([0, *(len(example.ids) for example in group)])
    return TaggerExample(
        np.concatenate([example.ids for example in group]),
        np.concatenate([example.first + shift for example, shift in zip(group, shifts[:-1], strict=True)]),
        np.concatenate([example.labels for example in group]),
        _join_probabilities(group),
    )


def collate(group: Sequence[TaggerExample], special: tuple[int, int, int]) -> TaggerBatch:
    """Pad the examples to one batch; `special` holds the ids of the start, end and padding tokens."""
    ids, mask = pad([example.ids for example in group], special)
    rows = np.concatenate([np.full(len(example.first), row) for row, example in enumerate(group)])
    columns = np.concatenate([example.first + 1 for example in group])
    labels = np.concatenate([example.labels for example in group])
    probabilities = _join_probabilities(group)
    arrays = [ids, mask, rows, columns, labels, *([] if probabilities is None else [probabilities])]
    return TaggerBatch(*(torch.from_numpy(array) for array in arrays))


def _join_probabilities(group: Sequence[TaggerExample]) -> NDArray[np.float16] | None:
    """The concatenated teacher probabilities; None unless every example has them."""
    probabilities = [one.teacher_probabilities for one in group if one.teacher_probabilities is not None]
    return np.concatenate(probabilities) if group and len(probabilities) == len(group) else None


def _head_name(corpus: Corpus, entity_type: str, separate: Sequence[str]) -> str:
    guideline = guideline_of(separate, corpus.name, entity_type)
    return f"{entity_type} ({guideline})" if guideline else entity_type


def _split_example(words: TokenizedText, labels: NDArray[np.int64], max_tokens: int) -> Iterator[TaggerExample]:
    for start in range(0, max(len(words.ids), 1), max_tokens):
        kept = (words.first >= start) & (words.first < start + max_tokens)
        if kept.any():
            tokens = slice(start, start + max_tokens)
            yield TaggerExample(words.ids[tokens], words.first[kept] - start, labels[kept])
