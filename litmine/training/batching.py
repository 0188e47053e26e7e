"""Which sequences are read together, decided from their lengths alone: passages, then batches, then padded arrays.

So the batches of an epoch can be counted, and those that a killed run has done passed over, without making one.
"""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def join_passages(lengths: Sequence[int], passage_tokens: int, alone: float, rng: random.Random) -> list[list[int]]:
    """One pass over sentences that follow each other: some alone, the others in passages of random length.

    A passage is the indices of its sentences; several together have at most `passage_tokens` tokens.
    """
    passages: list[list[int]] = []
    group: list[int] = []
    tokens, limit = 0, 0
    for i, length in enumerate(lengths):
        if rng.random() < alone:
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
    """Sequences of like length together, at most `batch_tokens` with padding and the two around each, in random order.

    A batch is the indices of its sequences.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] * (1 + 0.1 * rng.random()))
    groups: list[list[int]] = []
    longest = 0
    for i in order:
        # Like lengths are only nearly sorted: the longest need not be the last.
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
    """Ids between the tokens that begin and end a text, and the mask of what is no padding: both (sequences, tokens).

    `special` is the ids that begin, end and pad.
    """
    begin, end, padding = special
    lengths = np.array([len(sequence) + 2 for sequence in sequences])
    ids = np.full((len(sequences), lengths.max()), padding, dtype=np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, 0] = begin
        ids[row, 1 : lengths[row] - 1] = sequence
        ids[row, lengths[row] - 1] = end
    return ids, np.arange(lengths.max()) < lengths[:, None]
