"""The articles of a lake and the concepts that they mention, as arrays: for facets, pages of hits and concepts.

They are read once for each state of the lake, because a query that counts facets or neighbours of a concept reads the
whole lake each time. A million articles with ten concepts each take about 250 MB.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from litmine.explore.queries import LakeQueries
from litmine.lake.sql_text import sql_string

Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]
NO_YEAR = -1
_FACET_ROWS = 12
# One bit a type; rarer types have no facet.
_MAX_TYPES = 62
_ARTICLES = "SELECT pmid, year, journal, publication_types, retracted FROM articles ORDER BY pmid"
_TYPES = f"SELECT entity_type FROM entities GROUP BY entity_type ORDER BY count(*) DESC LIMIT {_MAX_TYPES}"
_CONCEPTS = (
    "SELECT identifier, list(pmid) AS pmids, list(mentions) AS mentions FROM concept_articles"
    " GROUP BY identifier ORDER BY identifier"
)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of articles as numbers: of article i those from `offsets[i]` to `offsets[i + 1]` of `codes`."""

    names: Sequence[str]
    offsets: Integers
    codes: Integers

    def articles_with(self, name: str) -> Booleans:
        """Which articles have the text."""
        found = np.zeros(len(self.offsets) - 1, np.bool_)
        if name in self.names:
            entries = np.flatnonzero(self.codes == self.names.index(name))
            found[np.searchsorted(self.offsets, entries, side="right") - 1] = True
        return found

    def counts(self, places: Integers) -> Integers:
        """In how many of the articles at these positions each text is."""
        return np.bincount(self.codes[_entries(self.offsets, places)], minlength=len(self.names))


@dataclass(frozen=True, slots=True)
class LakeArrays:
    """The arrays, each for all articles sorted by PMID.

    years: NO_YEAR for none. kinds: a bit for each entity type that the article mentions. newest: positions of articles,
    the newest first. numbers: number of each concept. The concepts of article i are `concepts` from `offsets[i]` to
    `offsets[i + 1]`, with their mentions, 255 for more, in `times`; the articles of concept n are `articles` from
    `concept_offsets[n]` on, with their mentions. all_facets: those of all articles.
    """

    pmids: Integers
    years: Integers
    retracted: Booleans
    journals: Texts
    designs: Texts
    kind_names: Sequence[str]
    kinds: Integers
    newest: Integers
    identifiers: Sequence[str]
    numbers: Mapping[str, int]
    offsets: Integers
    concepts: Integers
    times: Integers
    concept_offsets: Integers
    articles: Integers
    mentions: Integers
    all_facets: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)

    def articles_of(self, identifier: str) -> tuple[Integers, Integers]:
        """The positions of the articles that mention a concept, and how often each does."""
        number = self.numbers.get(identifier)
        if number is None:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        some = slice(int(self.concept_offsets[number]), int(self.concept_offsets[number + 1]))
        return self.articles[some], self.mentions[some]

    def concepts_of(self, pmid: int, most: int) -> list[tuple[str, int]]:
        """The concepts that an article mentions most often, each with its number of mentions, 255 for more."""
        places = self.with_pmids(np.array([pmid]))
        if not len(places):
            return []
        some = slice(int(self.offsets[places[0]]), int(self.offsets[places[0] + 1]))
        # Numbers are in the order of identifiers, so equal counts are sorted by these.
        order = np.lexsort((self.concepts[some], -self.times[some].astype(np.int32)))[:most]
        found = zip(self.concepts[some][order].tolist(), self.times[some][order].tolist(), strict=True)
        return [(self.identifiers[number], count) for number, count in found]

    def mask(self, places: Integers) -> Booleans:
        """The articles at these positions."""
        found = np.zeros(len(self.pmids), np.bool_)
        found[places] = True
        return found

    def with_pmids(self, pmids: Integers) -> Integers:
        """The positions of articles; those that the arrays do not have are left out."""
        places = np.searchsorted(self.pmids, pmids)
        places[places == len(self.pmids)] = 0
        return places[self.pmids[places] == pmids] if len(self.pmids) else places[:0]

    def facet_mask(self, name: str, value: str) -> Booleans:
        """The articles with this value of a facet: year, journal, design, status or entity_type."""
        if name == "year":
            return (
                self.years == int(value) if value.isascii() and value.isdigit() and len(value) < 6 else self.years < -1
            )
        if name in ("journal", "design"):
            return (self.journals if name == "journal" else self.designs).articles_with(value)
        if name == "status":
            return self.retracted if value == "retracted" else ~self.retracted
        bit = 1 << self.kind_names.index(value) if value in self.kind_names else 0
        found: Booleans = (self.kinds & bit) != 0
        return found

    def facets(self, places: Integers) -> dict[str, list[dict[str, Any]]]:
        """For each facet the most frequent values among the articles at these positions, and the newest years."""
        dated = self.years[places]
        years, counts = np.unique(dated[dated != NO_YEAR], return_counts=True)
        newest = sorted(zip(map(str, years.tolist()), counts.tolist(), strict=True), reverse=True)
        retracted = int(self.retracted[places].sum())
        status = [("retracted", retracted), ("not retracted", len(places) - retracted)]
        kinds = self.kinds[places]
        types = [(name, int(((kinds >> bit) & 1).sum())) for bit, name in enumerate(self.kind_names)]
        return {
            "year": _rows(newest),
            "journal": _rows(
                _most_frequent(zip(self.journals.names, self.journals.counts(places).tolist(), strict=True))
            ),
            "design": _rows(_most_frequent(zip(self.designs.names, self.designs.counts(places).tolist(), strict=True))),
            "status": _rows(_most_frequent(status)),
            "entity_type": _rows(_most_frequent(types)),
        }

    def newest_page(self, offset: int, size: int) -> list[int]:
        """PMIDs of all articles, the newest first."""
        pmids: list[int] = self.pmids[self.newest[offset : offset + size]].tolist()
        return pmids

    def page(self, chosen: Booleans, offset: int, size: int) -> list[int]:
        """PMIDs of chosen articles, the newest first."""
        some = self.newest[chosen[self.newest]][offset : offset + size]
        pmids: list[int] = self.pmids[some].tolist()
        return pmids

    def years_of(self, identifier: str) -> list[dict[str, Any]]:
        """Articles and mentions of a concept by year."""
        places, mentions = self.articles_of(identifier)
        dated = self.years[places] != NO_YEAR
        years, which = np.unique(self.years[places[dated]], return_inverse=True)
        articles, total = np.bincount(which, minlength=len(years)), np.bincount(which, mentions[dated], len(years))
        return [
            {"year": year, "articles": count, "mentions": int(times)}
            for year, count, times in zip(years.tolist(), articles.tolist(), total.tolist(), strict=True)
        ]

    def neighbours(
        self, identifier: str, most: int, most_pairs: int
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The concepts that are in the most articles with a concept, and pairs of these in the same articles of it."""
        places, _ = self.articles_of(identifier)
        lengths = np.diff(self.offsets)[places]
        found = self.concepts[_entries(self.offsets, places)]
        counts = np.bincount(found, minlength=len(self.identifiers))
        if identifier in self.numbers:
            counts[self.numbers[identifier]] = 0
        # Numbers are in the order of identifiers, so equal counts are sorted by these.
        best = np.argsort(-counts, kind="stable")[:most]
        best = np.sort(best[counts[best] > 0])
        column = np.full(len(self.identifiers), -1, np.int32)
        column[best] = np.arange(len(best), dtype=np.int32)
        wanted = column[found] >= 0
        has = np.zeros((len(places), len(best)), np.float32)
        has[np.repeat(np.arange(len(places)), lengths)[wanted], column[found[wanted]]] = 1
        together = (has.T @ has).astype(np.int64)
        names = [self.identifiers[one] for one in best.tolist()]
        near = [
            {"identifier": name, "articles": int(counts[one])} for name, one in zip(names, best.tolist(), strict=True)
        ]
        pairs = [
            {"first": names[i], "second": names[j], "articles": int(together[i, j])}
            for i in range(len(best))
            for j in range(i + 1, len(best))
            if together[i, j]
        ]
        near.sort(key=lambda one: (-one["articles"], one["identifier"]))
        pairs.sort(key=lambda one: (-one["articles"], one["first"], one["second"]))
        return near, pairs[:most_pairs]


def read_arrays(queries: LakeQueries) -> LakeArrays:
    """Read them from the lake. Raises as `LakeQueries.open`."""
    rows = queries.table(_ARTICLES)
    pmids = rows["pmid"].to_numpy()
    years = rows["year"].fill_null(NO_YEAR).to_numpy().astype(np.int32)
    retracted = rows["retracted"].fill_null(False).to_numpy(zero_copy_only=False)
    concepts = queries.table(_CONCEPTS)
    found: tuple[Integers, Integers] = np.zeros(0, np.int64), np.zeros(0, np.int32)
    if len(concepts):
        found = _flat(concepts["pmids"]), _flat(concepts["mentions"]).astype(np.int32)
    owner = np.repeat(np.arange(len(concepts), dtype=np.int32), _lengths(concepts["pmids"]))
    places = np.searchsorted(pmids, found[0]).astype(np.int32)
    # An article that was added or deleted between the two queries.
    places[places == len(pmids)] = 0
    known = pmids[places] == found[0] if len(pmids) else np.zeros(0, np.bool_)
    owner, places, mentions = owner[known], places[known], found[1][known]
    by_article = np.argsort(places, kind="stable")
    identifiers = concepts["identifier"].to_pylist()
    kind_names, kinds = _read_kinds(queries, pmids)
    arrays = LakeArrays(
        pmids,
        years,
        retracted,
        _texts(rows["journal"], None),
        _texts(rows["publication_types"], _lengths(rows["publication_types"])),
        kind_names,
        kinds,
        np.lexsort((-pmids, -years)).astype(np.int32),
        identifiers,
        {identifier: number for number, identifier in enumerate(identifiers)},
        _offsets(np.bincount(places, minlength=len(pmids))),
        owner[by_article],
        np.minimum(mentions[by_article], 255).astype(np.uint8),
        _offsets(np.bincount(owner, minlength=len(concepts))),
        places,
        mentions,
    )
    return replace(arrays, all_facets=arrays.facets(np.arange(len(pmids))))


def _read_kinds(queries: LakeQueries, pmids: Integers) -> tuple[list[str], Integers]:
    names = [row["entity_type"] for row in queries.rows(_TYPES)]
    kinds = np.zeros(len(pmids), np.int64)
    if not names or not len(pmids):
        return names, kinds
    bits = " ".join(f"WHEN {sql_string(name)} THEN {1 << bit}" for bit, name in enumerate(names))
    rows = queries.table(
        f"SELECT pmid, bit_or((CASE entity_type {bits} ELSE 0 END)::BIGINT) AS kinds FROM entities GROUP BY pmid"
    )
    places = np.searchsorted(pmids, rows["pmid"].to_numpy())
    places[places == len(pmids)] = 0
    known = pmids[places] == rows["pmid"].to_numpy()
    kinds[places[known]] = rows["kinds"].to_numpy()[known]
    return names, kinds


def _texts(column: pa.ChunkedArray, lengths: Integers | None) -> Texts:
    """The texts of a column of texts, or of lists of texts with these lengths."""
    import pyarrow.compute as pc

    if lengths is None:
        lengths = column.is_valid().to_numpy(zero_copy_only=False).astype(np.int64)
        values = column.drop_null()
    else:
        values = pc.list_flatten(column)
    coded = values.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes = coded.indices.fill_null(0).to_numpy().astype(np.int32)
    return Texts(coded.dictionary.to_pylist(), _offsets(lengths), codes)


def _flat(column: pa.ChunkedArray) -> Integers:
    import pyarrow.compute as pc

    flat: Integers = pc.list_flatten(column).to_numpy()
    return flat


def _lengths(column: pa.ChunkedArray) -> Integers:
    import pyarrow.compute as pc

    lengths: Integers = pc.list_value_length(column).fill_null(0).to_numpy().astype(np.int64)
    return lengths


def _entries(offsets: Integers, places: Integers) -> Integers:
    """The numbers from `offsets[i]` to `offsets[i + 1]` for each of the positions."""
    lengths = np.diff(offsets)[places]
    shift = np.repeat(offsets[places] - (np.cumsum(lengths) - lengths), lengths)
    entries: Integers = np.arange(len(shift)) + shift
    return entries


def _offsets(lengths: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _most_frequent(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted((one for one in counts if one[1]), key=lambda one: (-one[1], one[0]))


def _rows(counts: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"value": value, "articles": articles} for value, articles in counts[:_FACET_ROWS]]
