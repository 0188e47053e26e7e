"""The pairs of a row in blocks of equal shape, so that a few dense products judge all pairs.

A block is a window with some of its pairs, and the mentions of these. Neighbouring blocks form a group, padded to the
largest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from litmine.tasks.relations.rows import Ints, RelationRow

# Pairs of a block, and pairs times tokens of a group: they bound the memory.
_BLOCK_PAIRS = 256
_GROUP_CELLS = 200_000
# Distances in sentences that the head tells apart.
APART = 3


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """Some blocks as tensors on one device. Spans are columns of `tokens`, half-open.

    tokens (blocks, longest): rows of the hidden states. lengths (blocks,): of the windows. mentions (blocks, mentions,
    2): their spans. For each pair of the group, in the order of the row: block and slot, its block and its number
    there; subject and object, numbers of its mentions there; reach, between (pairs, 2): its sentences, and what is
    between its mentions; kind, number of its pair of types; apart.
    """

    tokens: Tensor
    lengths: Tensor
    mentions: Tensor
    block: Tensor
    slot: Tensor
    subject: Tensor
    object: Tensor
    reach: Tensor
    between: Tensor
    kind: Tensor
    apart: Tensor

    def to(self, device: torch.device) -> "BlockGroup":
        """The same on a device."""
        return BlockGroup(*(getattr(self, one.name).to(device, non_blocking=True) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    length: int
    first: int
    last: int

    @property
    def pairs(self) -> int:
        return self.last - self.first


def pair_blocks(row: RelationRow, positions: Ints, types: int) -> Iterator[BlockGroup]:
    """The groups of blocks of a row, on the CPU; their pairs together are those of the row, in its order.

    positions (tokens of the row): rows of the hidden states. types: number of entity types.
    """
    group: list[_Block] = []
    for block in _blocks(row):
        larger = [*group, block]
        if group and len(larger) * max(one.pairs for one in larger) * max(one.length for one in larger) > _GROUP_CELLS:
            yield _group(row, group, positions, types)
            group = []
        group.append(block)
    if group:
        yield _group(row, group, positions, types)


def _blocks(row: RelationRow) -> Iterator[_Block]:
    starts = row.starts
    edges = np.searchsorted(row.window, np.arange(len(starts) + 1)).tolist()
    for window, (first, last) in enumerate(pairwise(edges)):
        for begin in range(first, last, _BLOCK_PAIRS):
            end = min(begin + _BLOCK_PAIRS, last)
            yield _Block(int(starts[window]), int(row.lengths[window]), begin, end)


def _group(row: RelationRow, blocks: Sequence[_Block], positions: Ints, types: int) -> BlockGroup:
    longest = max(one.length for one in blocks)
    lengths = np.array([one.length for one in blocks])
    tokens = np.minimum(np.arange(longest), lengths[:, None] - 1) + np.array([one.start for one in blocks])[:, None]
    spans: list[Ints] = []
    numbers: list[Ints] = []
    for one in blocks:
        ends = np.concatenate([row.subject[one.first : one.last], row.object[one.first : one.last]])
        found, number = np.unique(ends, axis=0, return_inverse=True)
        spans.append(found - one.start)
        numbers.append(number.reshape(2, -1))
    mentions = np.zeros((len(blocks), max(map(len, spans)), 2), dtype=np.int64)
    for place, found in enumerate(spans):
        mentions[place, : len(found)] = found
    chosen = slice(blocks[0].first, blocks[-1].last)
    pairs = np.array([one.pairs for one in blocks])
    shift = np.repeat([one.start for one in blocks], pairs)[:, None]
    subject, object_ = row.subject[chosen], row.object[chosen]
    between = np.stack([np.minimum(subject[:, 1], object_[:, 1]), np.maximum(subject[:, 0], object_[:, 0])], axis=1)
    of_subject, of_object = np.concatenate(numbers, axis=1)
    arrays = (
        positions[tokens],
        lengths,
        mentions,
        np.repeat(np.arange(len(blocks)), pairs),
        np.concatenate([np.arange(count) for count in pairs]),
        of_subject,
        of_object,
        row.reach[chosen] - shift,
        between - shift,
        row.subject_type[chosen] * types + row.object_type[chosen],
        np.minimum(row.apart[chosen], APART - 1),
    )
    return BlockGroup(*(torch.from_numpy(np.ascontiguousarray(one)) for one in arrays))
