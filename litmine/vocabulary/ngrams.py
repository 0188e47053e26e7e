"""Approximate lookup: the names that share most character trigrams with a name, weighted by how rare they are (TF-IDF).

The index is made when it is first used. It is larger than the names, so no vocabulary has one on disk;
`litmine.vocabulary.stored_trigrams` keeps those of this machine.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

# The version of an index's arrays.
INDEX_FORM = 1
# Classes of bytes: 0 for signs and the ends of names, letters without case, digits, and 27 for all bytes beyond ASCII.
_BITS = 6
_GRAMS = 1 << (3 * _BITS)
_CLASSES = np.zeros(256, dtype=np.uint32)
_CLASSES[ord("a") : ord("z") + 1] = np.arange(1, 27)
_CLASSES[ord("A") : ord("Z") + 1] = np.arange(1, 27)
_CLASSES[ord("0") : ord("9") + 1] = np.arange(27, 37)
_CLASSES[128:] = 37 + np.arange(128) % 27
# A trigram that more than this share of names has tells little, and has the longest list.
_COMMON = 0.05
# A trigram and a row within a chunk are one number of 32 bits, which sorts twice as fast as one of 64.
_ROW_BITS = 32 - 3 * _BITS
_CHUNK = 1 << _ROW_BITS
# Rows whose best score bounds that of the nearest names from below.
_BLOCK = 128


class TrigramIndex:
    """Trigrams of names, and for each the rows that have it.

    Memory: 4 bytes for each trigram of a name, and 8 for each name; twice as much while it is made.
    """

    def __init__(self, texts: pa.StringArray, chosen: np.ndarray | None = None) -> None:
        """chosen: the rows of the names that can be found, ascending, int32; None for all."""
        names = texts if chosen is None else texts.take(pa.array(chosen))
        self._chosen = chosen
        chunks = [_pairs(names[start : start + _CHUNK]) for start in range(0, len(names), _CHUNK)]
        counts = np.zeros(_GRAMS, dtype=np.int64)
        for pairs in chunks:
            counts += np.bincount(pairs >> _ROW_BITS, minlength=_GRAMS)
        self._starts = np.concatenate(([0], np.cumsum(counts)))
        size = max(1, len(names))
        self._squares = ((np.log(size / np.maximum(counts, 1)) + 0.1) ** 2).astype(np.float32)
        self._common = counts > max(100, _COMMON * size)
        self._rows = np.empty(self._starts[-1], dtype=np.int32)
        # Whole blocks; what is behind the last name has no trigram, so its score is 0.
        lengths = np.zeros(-(-size // _BLOCK) * _BLOCK, dtype=np.float32)
        ends = self._starts[:-1].copy()
        for number, pairs in enumerate(chunks):
            grams, rows = pairs >> _ROW_BITS, (pairs & (_CHUNK - 1)).astype(np.int32)
            first = np.flatnonzero(np.concatenate((grams[:1] == grams[:1], grams[1:] != grams[:-1])))
            found, times = grams[first], np.diff(first, append=len(grams))
            self._rows[np.arange(len(grams)) + np.repeat(ends[found] - first, times)] = rows + number * _CHUNK
            ends[found] += times
            squares = np.bincount(rows, self._squares[grams])
            lengths[number * _CHUNK :][: len(squares)] = np.sqrt(squares)
        self._inverse_lengths = 1 / np.maximum(lengths, 1e-9)

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays of the index, by name."""
        return {name: array for name, array in vars(self).items() if array is not None}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TrigramIndex":
        """The index with these `arrays`."""
        index = cls.__new__(cls)
        index._chosen = None
        vars(index).update(arrays)
        return index

    def nearest(self, name: str, number: int, mask: np.ndarray | None = None) -> list[tuple[int, float]]:
        """The rows of the nearest names with their cosine similarity, 0 to 1, the nearest first.

        mask: bool for each row of all names, whether it may be found.
        """
        grams = np.unique(_trigrams(pa.array([name], pa.string()))[0])
        rare = ~self._common[grams]
        searched = grams[rare] if rare.any() else grams
        scores = np.zeros(len(self._inverse_lengths), dtype=np.float32)
        for gram in searched.tolist():
            # A row stands once in the list of a trigram.
            scores[self._rows[self._starts[gram] : self._starts[gram + 1]]] += self._squares[gram]
        scores *= self._inverse_lengths
        if mask is not None:
            kept = mask if self._chosen is None else mask[self._chosen]
            scores[: len(kept)] *= kept
        found = _greatest(scores, number)
        best = scores[found] / np.sqrt(self._squares[grams].sum())
        order = np.lexsort((found, -best))[:number]
        rows = found if self._chosen is None else self._chosen[found]
        return [(int(rows[one]), float(best[one])) for one in order]


def _greatest(scores: np.ndarray, number: int) -> np.ndarray:
    """The places of the greatest scores above 0, at least `number` if there are as many; scores of whole blocks.

    The greatest scores of `number` blocks are as many scores, so none of the greatest is below the least of these.
    """
    best = scores.reshape(-1, _BLOCK).max(axis=1)
    if number < len(best):
        best = np.partition(best, -number)[-number:]
        least = float(best.min())
        if least > 0:
            return np.nonzero(scores >= least)[0]
    return np.nonzero(scores > 0)[0]


def _pairs(texts: pa.StringArray) -> np.ndarray:
    """The trigrams of at most `_CHUNK` names and their rows as one number each, uint32, each pair once, sorted."""
    grams, rows = _trigrams(texts)
    pairs = (grams.astype(np.uint32) << np.uint32(_ROW_BITS)) | rows.astype(np.uint32)
    pairs.sort()
    first = np.concatenate((pairs[:1] == pairs[:1], pairs[1:] != pairs[:-1]))
    once: np.ndarray = pairs[first]
    return once


def _trigrams(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """The trigrams of all names, as numbers, and the row of each; a sign stands before and after each name."""
    import pyarrow.compute as pc  # takes 40 ms, which a command that looks nothing up need not wait

    padded = pc.binary_join_element_wise(" ", texts, " ", "")
    if isinstance(padded, pa.ChunkedArray):
        padded = padded.combine_chunks()
    _, offsets, data = padded.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[padded.offset : padded.offset + len(padded) + 1]
    characters = _CLASSES[np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]] if data else np.empty(0, np.uint32)
    lengths = np.diff(ends)
    if len(characters) < 3:
        return np.empty(0, np.uint32), np.empty(0, np.int32)
    grams = (characters[:-2] << (2 * _BITS)) | (characters[1:-1] << _BITS) | characters[2:]
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    # A trigram must not begin in one name and end in the next.
    inside = rows[:-2] == rows[2:]
    return grams[inside], rows[:-2][inside]
