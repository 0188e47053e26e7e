"""Bring the index of concept pairs up to date (`litmine.lake.pair_state` says what it holds)."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.checksums import CHECKSUM_KEY, NO_CHECKSUM, seal_file
from litmine.lake.concept_matrix import NO_YEAR, ConceptMatrix, Integers, Versions, count_pairs, read_matrix
from litmine.lake.concept_parts import ConceptPart, concept_folder
from litmine.lake.concept_writer import write_concept_parts
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.file_writer import file_age, write_atomically, write_bytes
from litmine.lake.folders import delete_in, glob_files
from litmine.lake.lock import hold_lock
from litmine.lake.pair_state import (
    STATE_FILE,
    PairState,
    files_reader,
    generation_files,
    pair_files,
    parts_digest,
    read_pair_state,
)
from litmine.lake.paths import LakePath
from litmine.lake.verified_files import CONCEPTS, FileVerifier
from litmine.lake.views import connect, open_duckdb, run_interruptibly

_GRACE_SECONDS = 6 * 3600
# With more generations after the first, these are merged into one.
_MAX_GENERATIONS = 8
# Everything is counted again when later generations have more rows than this share of the first one.
_MAX_LATER_SHARE = 0.25
_ROW_GROUP = 500_000
# Later than any year.
_LATEST = np.iinfo(np.int16).max
_ARTICLES = pa.schema([("pmid", pa.int64()), ("text_hash", pa.int64()), ("year", pa.int16()), ("added", pa.bool_())])
_YEARS = pa.schema([("first", pa.int32()), ("second", pa.int32()), ("year", pa.int16()), ("articles", pa.int32())])
_PAIRS = pa.schema(
    [("first", pa.int32()), ("second", pa.int32()), ("articles", pa.int32()), ("first_year", pa.int16())]
)
_WRITTEN: dict[str, Any] = {"compression": "zstd", "write_page_index": True, "write_page_checksum": True}
_NAMES = pa.schema([("number", pa.int32()), ("identifier", pa.string())])


def update_pairs(lake: LakePath) -> PairState:
    """Bring the concept tables and the index of pairs up to date, and return its state.

    Waits for another process that does the same. Raises LakeError when the lake is damaged or the folder `concepts`
    cannot be written.
    """
    digest = parts_digest(write_concept_parts(lake))
    state = read_pair_state(lake)
    if state is not None:
        FileVerifier(lake).verify(CONCEPTS, pair_files(lake, state))
        if state.parts == digest:
            return state
    with hold_lock(lake, "concept-pairs", wait=True):
        parts = write_concept_parts(lake)
        state = read_pair_state(lake)
        if state is None or state.parts != parts_digest(parts):
            state = _Update(lake, parts, state).run()
        return state


def evidence_versions(lake: LakePath) -> Versions:
    """The current texts of the articles that count, read from the lake. Raises LakeError for a damaged file."""
    query = "SELECT pmid, text_hash, year FROM current_versions JOIN evidence_articles USING (pmid)"
    return _versions(lake, query)


def record_versions(lake: LakePath) -> Versions:
    """The current records of the articles that count, read from the lake. Raises LakeError for a damaged file."""
    query = "SELECT pmid, record_hash, year FROM current_versions JOIN evidence_articles USING (pmid)"
    return _versions(lake, query)


def indexed_versions(lake: LakePath, state: PairState) -> Versions:
    """The texts that the index counts: those of articles that count and have a concept."""
    tables = [
        pq.read_table(file, schema=_ARTICLES, page_checksum_verification=True)
        for file in generation_files(lake, state, "articles")
    ]
    kept: dict[str, Integers] = {}
    for table in tables:
        pmids = table["pmid"].to_numpy()
        added = table["added"].to_numpy(zero_copy_only=False)
        columns = {
            "pmid": pmids,
            "hash": table["text_hash"].to_numpy(),
            "year": table["year"].fill_null(NO_YEAR).to_numpy(),
        }
        new = {name: column[added] for name, column in columns.items()}
        if kept:
            # A generation takes an article back before it adds it again.
            left = ~np.isin(kept["pmid"], pmids[~added])
            new = {name: np.concatenate([kept[name][left], column]) for name, column in new.items()}
        kept = new
    order = np.argsort(kept["pmid"], kind="stable")
    return Versions(kept["pmid"][order], kept["hash"][order], kept["year"][order])


class _Update:
    """One update of the index. The caller holds its lock."""

    def __init__(self, lake: LakePath, parts: Sequence[ConceptPart], state: PairState | None) -> None:
        self._lake, self._folder = lake, concept_folder(lake)
        self._parts = parts
        models = {part.models for part in parts if part.sources}
        self._models = models.pop() if len(models) == 1 else None
        same = state is not None and self._models is not None and state.models == self._models
        self._state = state if same else None

    def run(self) -> PairState:
        versions = evidence_versions(self._lake)
        state = None if self._state is None else self._extend(self._state, versions)
        if state is None:
            state = self._write_first(versions)
        write_bytes(self._folder / STATE_FILE, json.dumps(asdict(state)).encode())
        self._delete_others(state)
        return state

    def _write_first(self, versions: Versions) -> PairState:
        matrix, name = self._read(versions), uuid4().hex
        self._write(name, "names", _NAMES, [_names(matrix.identifiers, range(len(matrix.identifiers)))])
        self._write(name, "articles", _ARTICLES, [_articles(_subset(versions, matrix.pmids), True)])

        def write(temporary: Path) -> None:
            with _open_writer(temporary, _PAIRS) as pairs:

                def by_year() -> Iterator[pa.Table]:
                    for counted in count_pairs(matrix):
                        pairs.write_table(_summed(*counted), row_group_size=_ROW_GROUP)
                        yield _by_year(*counted)

                self._write(name, "years", _YEARS, by_year())

        write_atomically(self._folder / f"pairs-{name}.parquet", write)
        return PairState(parts_digest(self._parts), self._models, (name,))

    def _extend(self, state: PairState, versions: Versions) -> PairState | None:
        """Add a generation with what changed; None if everything is to be counted again."""
        before = indexed_versions(self._lake, state)
        gone, new = _difference(before, versions), _difference(versions, before)
        lost, gained = self._read(gone), self._read(new)
        if len(lost.pmids) != len(gone.pmids):
            return None  # a table with a text that is counted is gone
        if not len(lost.pmids) and not len(gained.pmids):
            return PairState(parts_digest(self._parts), self._models, state.generations)
        name = uuid4().hex
        numbers = self._numbers(state)
        known = len(numbers)
        for identifier in (*lost.identifiers, *gained.identifiers):
            numbers.setdefault(identifier, len(numbers))
        added = list(numbers)[known:]
        self._write(name, "names", _NAMES, [_names(added, range(known, len(numbers)))])
        self._write(
            name,
            "articles",
            _ARTICLES,
            [_articles(gone, False), _articles(_subset(new, gained.pmids), True)],
        )

        def pairs() -> Iterator[pa.Table]:
            yield from _signed_pairs(lost, numbers, -1)
            yield from _signed_pairs(gained, numbers, 1)

        self._write(name, "years", _YEARS, pairs())
        extended = PairState(parts_digest(self._parts), self._models, (*state.generations, name))
        first, *later = (pq.read_metadata(file).num_rows for file in generation_files(self._lake, extended, "years"))
        if sum(later) > _MAX_LATER_SHARE * first:
            return None
        return self._merge_later(extended) if len(later) > _MAX_GENERATIONS else extended

    def _merge_later(self, state: PairState) -> PairState:
        """Merge all generations after the first into one."""
        name = uuid4().hex
        first, *later = state.generations
        later_state = PairState(state.parts, state.models, tuple(later))
        names = [
            pq.read_table(file, schema=_NAMES, page_checksum_verification=True)
            for file in generation_files(self._lake, later_state, "names")
        ]
        self._write(name, "names", _NAMES, names)
        years = files_reader(generation_files(self._lake, later_state, "years"))
        only_first = PairState(state.parts, state.models, (first,))
        before, now = indexed_versions(self._lake, only_first), indexed_versions(self._lake, state)
        self._write(
            name,
            "articles",
            _ARTICLES,
            [_articles(_difference(before, now), False), _articles(_difference(now, before), True)],
        )
        query = f"""
            SELECT first, second, year, sum(articles)::INTEGER AS articles FROM {years}
            GROUP BY ALL HAVING sum(articles) <> 0 ORDER BY ALL"""
        with report_damaged_files(self._lake), open_duckdb(self._lake) as connection:
            summed = run_interruptibly(connection, lambda: connection.sql(query).to_arrow_table())
        self._write(name, "years", _YEARS, [summed.cast(_YEARS)])
        return PairState(state.parts, state.models, (first, name))

    def _read(self, versions: Versions) -> ConceptMatrix:
        return read_matrix([part.file for part in self._parts if part.sources], versions)

    def _numbers(self, state: PairState) -> dict[str, int]:
        names = pa.concat_tables(
            pq.read_table(file, schema=_NAMES, page_checksum_verification=True)
            for file in generation_files(self._lake, state, "names")
        )
        return dict(zip(names["identifier"].to_pylist(), names["number"].to_pylist(), strict=True))

    def _write(
        self, name: str, kind: str, schema: pa.Schema, tables: "Iterator[pa.Table] | Sequence[pa.Table]"
    ) -> None:
        def write(temporary: Path) -> None:
            with _open_writer(temporary, schema) as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=_ROW_GROUP)

        write_atomically(self._folder / f"{kind}-{name}.parquet", write)

    def _delete_others(self, state: PairState) -> None:
        with suppress(OSError, LakeError):
            for file in glob_files(self._folder, "*-*.parquet"):
                if file.stem.partition("-")[2] not in state.generations and file_age(file) > _GRACE_SECONDS:
                    delete_in(self._folder, file.name)


@contextmanager
def _open_writer(file: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer of a file that gets a checksum at the end."""
    with pq.ParquetWriter(file, schema, **_WRITTEN) as writer:
        yield writer
        writer.add_key_value_metadata({CHECKSUM_KEY: NO_CHECKSUM})
    seal_file(file)


def _versions(lake: LakePath, query: str) -> Versions:
    with report_damaged_files(lake), connect(lake, ["current_versions", "evidence_articles"]) as connection:
        rows = run_interruptibly(connection, lambda: connection.sql(query).to_arrow_table())
    pmids, hashes = rows.column(0).to_numpy(), rows.column(1).to_numpy()
    years = rows.column(2).fill_null(NO_YEAR).to_numpy().astype(np.int16)
    order = np.argsort(pmids, kind="stable")
    return Versions(pmids[order], hashes[order], years[order])


def _difference(first: Versions, second: Versions) -> Versions:
    """The versions of `first` that `second` does not have with the same text and year."""
    places = np.searchsorted(second.pmids, first.pmids)
    places[places == len(second.pmids)] = 0
    if not len(second.pmids):
        return first
    same = (
        (second.pmids[places] == first.pmids)
        & (second.hashes[places] == first.hashes)
        & (second.years[places] == first.years)
    )
    return Versions(first.pmids[~same], first.hashes[~same], first.years[~same])


def _subset(versions: Versions, pmids: Integers) -> Versions:
    places = np.searchsorted(versions.pmids, pmids)
    return Versions(versions.pmids[places], versions.hashes[places], versions.years[places])


def _articles(versions: Versions, added: bool) -> pa.Table:
    years = pa.array(versions.years, mask=versions.years == NO_YEAR)
    flags = pa.array(np.full(len(versions.pmids), added))
    return pa.table([pa.array(versions.pmids), pa.array(versions.hashes), years, flags], schema=_ARTICLES)


def _names(identifiers: Sequence[str], numbers: Sequence[int]) -> pa.Table:
    return pa.table([pa.array(numbers, pa.int32()), pa.array(identifiers, pa.string())], schema=_NAMES)


def _signed_pairs(matrix: ConceptMatrix, numbers: dict[str, int], sign: int) -> Iterator[pa.Table]:
    """The pairs of a matrix by year, with the numbers of its concepts in the index."""
    mapped = np.array([numbers[one] for one in matrix.identifiers], dtype=np.int32)
    for first, second, years, articles in count_pairs(matrix):
        yield _by_year(mapped[first], mapped[second], years, sign * articles)


def _by_year(first: Integers, second: Integers, years: Integers, articles: Integers) -> pa.Table:
    return _columns(_YEARS, (first, second, years, articles), 2)


def _summed(first: Integers, second: Integers, years: Integers, articles: Integers) -> pa.Table:
    """All years of each pair together. The rows of a pair stand together, without a year first."""
    starts = np.flatnonzero(np.r_[True, (first[1:] != first[:-1]) | (second[1:] != second[:-1])])
    first_years = np.minimum.reduceat(np.where(years == NO_YEAR, _LATEST, years), starts)
    first_years[first_years == _LATEST] = NO_YEAR
    return _columns(_PAIRS, (first[starts], second[starts], np.add.reduceat(articles, starts), first_years), 3)


def _columns(schema: pa.Schema, columns: Sequence[Integers], year: int) -> pa.Table:
    """A table of these columns; in that of the years, NO_YEAR is null."""
    masks = [column == NO_YEAR if place == year else None for place, column in enumerate(columns)]
    arrays = [
        pa.array(column, field.type, mask=mask) for column, field, mask in zip(columns, schema, masks, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
