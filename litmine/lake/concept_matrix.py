"""Which articles mention which concepts, as arrays: a sparse matrix of articles and concepts.

The numbers of a million articles with eleven concepts each take about 60 MB.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]

# The year of an article without one.
NO_YEAR = 0
# So many pairs are counted at a time, 24 bytes each.
_CHUNK_PAIRS = 8_000_000
# A year, in a number that also holds a pair.
_YEAR_BITS = 14
# The position of `pmid` in a concept table.
PMID_COLUMN = 2


@dataclass(frozen=True, slots=True)
class ConceptMatrix:
    """Articles with the concepts that each has, in compressed rows.

    identifiers: of the concepts, sorted. types: entity type of each concept. pmids, years: of the articles, by PMID;
    int64 and int16, NO_YEAR for none. offsets: article i has the concepts from `offsets[i]` to `offsets[i + 1]` of
    `concepts`, which are numbers of identifiers, int32, each once and in order.
    """

    identifiers: Sequence[str]
    types: Sequence[str]
    pmids: Integers
    years: Integers
    offsets: Integers
    concepts: Integers

    def select(self, articles: Booleans) -> "ConceptMatrix":
        """The matrix of some of the articles, with the same concepts."""
        if articles.all():
            return self
        lengths = np.diff(self.offsets)
        offsets = np.concatenate([[0], np.cumsum(lengths[articles])])
        concepts = self.concepts[np.repeat(articles, lengths)]
        return ConceptMatrix(
            self.identifiers, self.types, self.pmids[articles], self.years[articles], offsets, concepts
        )

    def articles_of_rows(self) -> Integers:
        """The article of each entry of `concepts`, int32."""
        return np.repeat(np.arange(len(self.pmids), dtype=np.int32), np.diff(self.offsets))


@dataclass(frozen=True, slots=True)
class Versions:
    """The articles that count, sorted by PMID: the version of each (text or record hash) and its year."""

    pmids: Integers
    hashes: Integers
    years: Integers


def read_matrix(files: Iterable[Path], versions: Versions, key: str = "text_hash") -> ConceptMatrix:
    """Read concept tables, of which only rows of these versions count. Raises OSError or pyarrow.ArrowException.

    key: the column that tells the version. In each file, the rows of an article stand together, sorted by concept.
    """
    seen = np.zeros(len(versions.pmids), np.bool_)
    rows = []
    for file in files:
        with pq.ParquetFile(file, read_dictionary=["identifier", "entity_type"]) as opened:
            groups = [i for i in range(opened.num_row_groups) if _may_have(opened.metadata.row_group(i), versions)]
            table = opened.read_row_groups(groups, columns=["identifier", "entity_type", "pmid", key])
            if len(table):
                rows.append(_rows_of(table, versions, key, seen))
    return _matrix(rows, versions)


def count_pairs(matrix: ConceptMatrix) -> Iterator[tuple[Integers, Integers, Integers, Integers]]:
    """The pairs of concepts of a matrix by year: first, second, year and articles, in chunks, sorted.

    Each pair once, the concept that is first in `identifiers` first.
    """
    lengths = np.diff(matrix.offsets)
    ends = np.repeat(matrix.offsets[1:], lengths)
    # Each entry is the first concept of pairs with all later entries of its article.
    partners = ends - np.arange(len(matrix.concepts)) - 1
    years = np.repeat(matrix.years.astype(np.int64), lengths)
    concepts, number = matrix.concepts, len(matrix.identifiers)
    by_first = np.cumsum(np.bincount(concepts, weights=partners, minlength=number))
    start = 0
    while start < number:
        counted = by_first[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(by_first, counted + _CHUNK_PAIRS, side="right")))
        entries = np.flatnonzero((concepts >= start) & (concepts < end))
        repeats = partners[entries]
        first_of = np.repeat(entries, repeats)
        within = np.arange(len(first_of)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        second = concepts[first_of + 1 + within].astype(np.int64)
        keys = (concepts[first_of].astype(np.int64) * number + second) << _YEAR_BITS | years[first_of]
        keys, articles = np.unique(keys, return_counts=True)
        pairs, found_years = keys >> _YEAR_BITS, keys & ((1 << _YEAR_BITS) - 1)
        if len(keys):
            yield pairs // number, pairs % number, found_years, articles
        start = end


def merge_matrices(first: ConceptMatrix, second: ConceptMatrix) -> ConceptMatrix:
    """One matrix of the concepts that either has; an article of both has the concepts of both, each once."""
    identifiers = sorted({*first.identifiers, *second.identifiers})
    number = {identifier: i for i, identifier in enumerate(identifiers)}
    types = [""] * len(identifiers)
    pmids = np.union1d(first.pmids, second.pmids)
    years = np.zeros(len(pmids), np.int16)
    keys = []
    for one in (second, first):
        mapped = np.array([number[identifier] for identifier in one.identifiers], dtype=np.int64)
        for i, kind in zip(mapped.tolist(), one.types, strict=True):
            types[i] = kind or types[i]
        places = np.searchsorted(pmids, one.pmids)
        years[places] = one.years
        keys.append(places[one.articles_of_rows()] * len(identifiers) + mapped[one.concepts])
    rows = np.unique(np.concatenate(keys))
    articles, concepts = np.divmod(rows, max(1, len(identifiers)))
    offsets = np.searchsorted(articles, np.arange(len(pmids) + 1))
    return ConceptMatrix(identifiers, types, pmids, years, offsets, concepts.astype(np.int32))


def _may_have(group: pq.RowGroupMetaData, versions: Versions) -> bool:
    """Whether a row group may have rows of one of the articles; `pmid` is the third column of a table."""
    found = group.column(PMID_COLUMN).statistics
    if found is None or not found.has_min_max:
        return bool(group.num_rows)
    first, after = np.searchsorted(versions.pmids, [found.min, found.max + 1])
    return bool(first < after)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one file: for each, its place among the articles that count, and its concept and type as Arrow."""

    places: Integers
    identifiers: pa.ChunkedArray
    types: pa.ChunkedArray


def _rows_of(table: pa.Table, versions: Versions, key: str, seen: Booleans) -> _Rows:
    """The rows of a table that count. `seen` marks the articles of earlier tables, since two may have the same text."""
    pmids, hashes = table["pmid"].to_numpy(), table[key].to_numpy()
    starts = np.flatnonzero(np.r_[True, (pmids[1:] != pmids[:-1]) | (hashes[1:] != hashes[:-1])])
    places = np.searchsorted(versions.pmids, pmids[starts])
    places[places == len(versions.pmids)] = 0
    counts = np.zeros(len(starts), np.bool_)
    if len(versions.pmids):
        counts = (versions.pmids[places] == pmids[starts]) & (versions.hashes[places] == hashes[starts]) & ~seen[places]
    seen[places[counts]] = True
    lengths = np.diff(np.r_[starts, len(pmids)])
    kept = np.repeat(counts, lengths)
    kept_rows = table.select(["identifier", "entity_type"])
    if not kept.all():
        kept_rows = kept_rows.filter(pa.array(kept))
    return _Rows(
        np.repeat(places[counts].astype(np.int32), lengths[counts]), kept_rows["identifier"], kept_rows["entity_type"]
    )


def _matrix(rows: Sequence[_Rows], versions: Versions) -> ConceptMatrix:
    text = pa.dictionary(pa.int32(), pa.string())
    names = pa.chunked_array([chunk for one in rows for chunk in one.identifiers.chunks], text)
    kinds = pa.chunked_array([chunk for one in rows for chunk in one.types.chunks], text)
    codes, dictionary = _codes(names)
    kind_codes, kind_names = _codes(kinds)
    places = np.concatenate([one.places for one in rows]) if rows else np.zeros(0, np.int32)
    # Concepts that no kept row has stay in the dictionaries of files.
    used = np.unique(codes)
    order = used[np.argsort(np.array([dictionary[i] for i in used.tolist()], dtype=object), kind="stable")]
    numbers = np.zeros(len(dictionary), np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    concepts = numbers[codes]
    # A concept is mentioned as several types in few articles; the first by name counts, as in the view `concepts`.
    first_types = np.full(len(order), len(kind_names), np.int32)
    ranks = np.argsort(np.argsort(np.array(kind_names, dtype=object))).astype(np.int32)
    np.minimum.at(first_types, concepts, ranks[kind_codes])
    by_rank = sorted(kind_names)
    if len(places) and np.any(places[1:] < places[:-1]):
        sort = np.argsort(places, kind="stable")
        places, concepts = places[sort], concepts[sort]
    lengths = np.bincount(places, minlength=len(versions.pmids))
    has_rows = lengths > 0
    offsets = np.concatenate([[0], np.cumsum(lengths[has_rows])])
    return ConceptMatrix(
        [dictionary[i] for i in order.tolist()],
        [by_rank[i] for i in first_types.tolist()],
        versions.pmids[has_rows],
        versions.years[has_rows],
        offsets,
        concepts,
    )


def _codes(column: pa.ChunkedArray) -> tuple[Integers, list[str]]:
    """The number of each value, and the values."""
    if not len(column):
        return np.zeros(0, np.int32), []
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole if isinstance(whole, pa.DictionaryArray) else whole.dictionary_encode()
    return whole.indices.to_numpy(), whole.dictionary.to_pylist()
