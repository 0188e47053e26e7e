"""Approximate lookup: the names that share most character trigrams with a name, weighted by how rare they are (TF-IDF).

The index is made when it is first used: for 300,000 names that takes less time than to read a stored one would save,
and the stored one would be larger than the names.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
# Names that are cut into trigrams at once.
_CHUNK = 1 << 16


class TrigramIndex:
    """Trigrams of names, and for each the rows that have it.

    Memory: 4 bytes for each trigram of a name, and 8 for each name; three times as much while it is made.
    """

    def __init__(self, texts: pa.StringArray) -> None:
        chunks = [_pairs(texts[start : start + _CHUNK], start) for start in range(0, len(texts), _CHUNK)]
        counts = np.zeros(_GRAMS, dtype=np.int64)
        for grams, _ in chunks:
            counts += np.bincount(grams, minlength=_GRAMS)
        self._starts = np.concatenate(([0], np.cumsum(counts)))
        self._rows = np.empty(self._starts[-1], dtype=np.int32)
        ends = self._starts[:-1].copy()
        for grams, rows in chunks:
            found, first, number = np.unique(grams, return_index=True, return_counts=True)
            within = np.arange(len(grams)) - np.repeat(first, number)
            self._rows[ends[grams] + within] = rows
            ends[found] += number
        size = max(1, len(texts))
        self._weights = np.log(size / np.maximum(counts, 1)) + 0.1
        self._common = counts > max(100, _COMMON * size)
        squares = np.zeros(len(texts))
        for grams, rows in chunks:
            squares += np.bincount(rows, self._weights[grams] ** 2, minlength=len(texts))
        self._lengths = np.maximum(np.sqrt(squares), 1e-9).astype(np.float32)

    def nearest(self, name: str, number: int, mask: np.ndarray | None = None) -> list[tuple[int, float]]:
        """The rows of the nearest names with their cosine similarity, 0 to 1, the nearest first.

        mask: bool for each row, whether it may be found.
        """
        grams = np.unique(_trigrams(pa.array([name], pa.string()))[0])
        squares = self._weights[grams] ** 2
        rare = ~self._common[grams]
        searched = grams[rare] if rare.any() else grams
        sums = np.zeros(len(self._lengths), dtype=np.float32)
        for gram in searched:
            # A row stands once in the list of a trigram.
            sums[self._rows[self._starts[gram] : self._starts[gram + 1]]] += self._weights[gram] ** 2
        found = np.flatnonzero(sums if mask is None else sums * mask)
        number = min(number, len(found))
        if not number:
            return []
        scores = sums[found] / (self._lengths[found] * float(np.sqrt(squares.sum())))
        best = np.argpartition(scores, -number)[-number:]
        ordered = sorted(((float(scores[one]), int(found[one])) for one in best), key=lambda pair: (-pair[0], pair[1]))
        return [(row, score) for score, row in ordered]


def _pairs(texts: pa.StringArray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The trigrams of names and their rows, which begin at `start`, each pair once, sorted."""
    grams, rows = _trigrams(texts)
    # One number for both sorts faster than an argsort.
    pairs = (grams.astype(np.uint64) << np.uint64(32)) | (rows.astype(np.uint64) + np.uint64(start))
    pairs.sort()
    if len(pairs):
        pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))]
    return (pairs >> np.uint64(32)).astype(np.int32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int32)


def _trigrams(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """The trigrams of all names, as numbers, and the row of each; a sign stands before and after each name."""
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
