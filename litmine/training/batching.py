"""Choose which sequences are read together, from their lengths alone: passages, batches and padded arrays.

So the batches of an epoch can be counted, and those before a checkpoint skipped, without building them.
"""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def join_passages(
    lengths: Sequence[int], passage_tokens: int, single_share: float, rng: random.Random
) -> list[list[int]]:
    """Join consecutive sentences to passages of random length, and leave `single_share` of them single.

    Returns the sentence indices of each passage. A passage of several sentences has at most `passage_tokens` tokens.
    """
    passages: list[list[int]] = []
    group: list[int] = []
    tokens, limit = 0, 0
    for i, length in enumerate(lengths):
        if rng.random() < single_share:
            passages.append([i])
            continue
        if group and tokens + length > limit:
            passages.append(group)
            group, tokens = [], 0
        if not group:
            limit = rng.randint(passage_tokens // 4, passage_tokens)
        group.append(i)
        tokens += length
    return [*passages, group] if group else passages


def make_batches(lengths: Sequence[int], batch_tokens: int, rng: random.Random) -> list[list[int]]:
    """Group sequences of similar length to batches of at most `batch_tokens` tokens, in random order.

    Padding and the two special tokens around each sequence count. Returns the sequence indices of each batch. A
    sequence that is too long is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] * (1 + 0.1 * rng.random()))
    groups: list[list[int]] = []
    longest = 0
    for i in order:
        # The order is only nearly sorted, so the last sequence need not be the longest.
        longest = max(longest, lengths[i] + 2)
        if not groups or longest * (len(groups[-1]) + 1) > batch_tokens:
            groups.append([])
            longest = lengths[i] + 2
        groups[-1].append(i)
    rng.shuffle(groups)
    return groups


def pad(
    sequences: Sequence[NDArray[np.integer]], special: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Add the special tokens and pad; returns the ids, and a mask that is False for padding: both (sequences, tokens).

    `special` holds the ids of the tokens that begin, end and pad a sequence.
    """
    begin, end, padding = special
    lengths = np.array([len(sequence) + 2 for sequence in sequences])
    ids = np.full((len(sequences), lengths.max()), padding, dtype=np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, 0] = begin
        ids[row, 1 : lengths[row] - 1] = sequence
        ids[row, lengths[row] - 1] = end
    return ids, np.arange(lengths.max()) < lengths[:, None]
