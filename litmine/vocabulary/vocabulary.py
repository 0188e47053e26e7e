"""Look up names and concepts in a vocabulary.

Opening reads no names. Those of a section are decoded at the first lookup in it, and found by binary search: the normal
form of a visited name is computed then, since a stored one would double the size on disk.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from litmine.errors import UnknownConceptError
from litmine.vocabulary.concept import KINDS, NCBI_TAXONOMY
from litmine.vocabulary.hierarchy import Hierarchy
from litmine.vocabulary.ngrams import TrigramIndex
from litmine.vocabulary.normalise import Agreement, agreement, normalise
from litmine.vocabulary.species_names import AbbreviatedNames
from litmine.vocabulary.storage import (
    CONCEPT_SCHEMA,
    NAME_SCHEMA,
    Manifest,
    Section,
    damaged,
    open_parquet,
    read_manifest,
)
from litmine.vocabulary.stored_trigrams import stored_index

# Normal forms of visited names that are kept: the first steps of all searches visit the same few thousand.
_KEPT_FORMS = 1 << 16


@dataclass(frozen=True, slots=True)
class Match:
    """A name that a lookup found. concept: row of its concept. row: its row in the section."""

    concept: int
    name: str
    kind: str
    agreement: Agreement
    section: str
    row: int


class Names:
    """The names of one section, sorted by normal form.

    texts: the names. concepts: row of each name's concept, int32. kinds: index of each name's kind in
    `litmine.vocabulary.concept.KINDS`, int8.
    """

    def __init__(self, section: Section, table: pa.Table) -> None:
        self.section = section
        self.texts: pa.StringArray = table["name"].combine_chunks()
        self.concepts: np.ndarray = table["concept"].combine_chunks().to_numpy()
        kinds = table["kind"].combine_chunks()
        numbers = np.array([KINDS.index(kind) for kind in kinds.dictionary.to_pylist()], dtype=np.int8)
        self.kinds: np.ndarray = numbers[kinds.indices.to_numpy()]
        self._forms: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def text(self, row: int) -> str:
        return str(self.texts[row].as_py())

    def rows(self, form: str) -> range:
        """The rows of the names with this normal form."""
        places = range(len(self))
        start = end = bisect_left(places, form, key=self.form)
        while end < len(self) and self.form(end) == form:
            end += 1
        return range(start, end)

    def match(self, row: int, found_as: Agreement) -> Match:
        return Match(
            int(self.concepts[row]),
            self.text(row),
            KINDS[self.kinds[row]],
            found_as,
            self.section.vocabulary,
            row,
        )

    @cached_property
    def by_concept(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows sorted by concept, preferred names first, and the concepts in that order."""
        order = np.lexsort((self.kinds, self.concepts)).astype(np.int32)
        return order, self.concepts[order]

    def of_concept(self, concept: int) -> list[int]:
        """The rows of a concept's names, the preferred one first."""
        order, concepts = self.by_concept
        # Numbers of another type would convert all of `concepts`.
        start, end = np.searchsorted(concepts, np.array([concept, concept + 1], dtype=concepts.dtype))
        return order[start:end].tolist()  # type: ignore[no-any-return]

    def form(self, row: int) -> str:
        """The normal form of a name."""
        form = self._forms.get(row)
        if form is None:
            if len(self._forms) >= _KEPT_FORMS:
                self._forms.clear()
            form = self._forms[row] = normalise(self.text(row))
        return form


class Vocabulary:
    """An open vocabulary; concepts are rows, from 0, sorted by identifier. Raises VocabularyError when it is damaged.

    Row numbers belong to one digest. Store identifiers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self._names: dict[str, Names] = {}
        self._columns: dict[str, pa.Array] = {}
        self._masks: dict[tuple[str, str | None, int | None], np.ndarray] = {}
        self._trigrams: dict[tuple[str, str | None], TrigramIndex] = {}

    @property
    def reference(self) -> str:
        """name@digest."""
        return self.manifest.reference

    def __len__(self) -> int:
        return len(self._column("identifier"))

    def names(self, section: str) -> Names:
        """The names of a section."""
        if section not in self._names:
            position = [one.vocabulary for one in self.manifest.sections].index(section)
            file = self.manifest.names_file(self.folder)
            try:
                table = open_parquet(file, NAME_SCHEMA).read_row_group(position)
            except (OSError, pa.ArrowException) as error:
                raise damaged(file) from error
            self._names[section] = Names(self.manifest.sections[position], table)
        return self._names[section]

    def sections(self, entity_type: str | None = None) -> list[str]:
        """The sections that have concepts of a type."""
        return [
            one.vocabulary for one in self.manifest.sections if entity_type is None or entity_type in one.entity_types
        ]

    def lookup(self, name: str, entity_type: str | None = None, taxon: int | None = None) -> list[Match]:
        """The names with the same normal form as `name`, best agreement first, then by kind and concept.

        entity_type: only concepts of this type. taxon: only genes of this species, by its number in NCBI Taxonomy. An
        abbreviated species name (`E. coli`) finds each species that it may stand for, with agreement WORDS.
        """
        form = normalise(name)
        found: list[Match] = []
        for section in self.sections(entity_type):
            names = self.names(section)
            found += [names.match(row, agreement(name, names.text(row))) for row in names.rows(form)]
            if section == NCBI_TAXONOMY:
                found += [names.match(row, Agreement.WORDS) for row in self._abbreviated.find(name)]
        kept = [match for match in found if self.accepts(match.concept, entity_type, taxon)]
        return sorted(kept, key=lambda match: (-match.agreement, KINDS.index(match.kind), match.concept))

    def nearest(
        self, name: str, number: int, entity_type: str | None = None, taxon: int | None = None
    ) -> list[tuple[Match, float]]:
        """The nearest names by character trigrams with their similarity, 0 to 1, the nearest first.

        A trigram counts by how rare it is among the names of a section that are of the type. `entity_type` and `taxon`
        as in `lookup`. A match has agreement WORDS, or a better one if its normal form is that of `name`.
        """
        form = normalise(name)
        found: list[tuple[Match, float]] = []
        for section in self.sections(entity_type):
            names = self.names(section)
            mask = None if taxon is None else self._mask(names, entity_type, taxon)
            for row, score in self._index(names, entity_type).nearest(name, number, mask):
                same = agreement(name, names.text(row)) if names.form(row) == form else Agreement.WORDS
                found.append((names.match(row, same), score))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].concept))[:number]

    def accepts(self, concept: int, entity_type: str | None = None, taxon: int | None = None) -> bool:
        """Whether a concept is of this type, and, if it is a gene, of this species."""
        if entity_type is not None and entity_type not in self.entity_types(concept):
            return False
        return taxon is None or self.taxon(concept) in (None, taxon)

    def find(self, identifier: str) -> int:
        """The row of a concept. Raises UnknownConceptError when the vocabulary does not have it."""
        row = self.find_or_none(identifier)
        if row is None:
            self.suggest_identifier(identifier)
            raise UnknownConceptError(f"{self.reference} has no concept {identifier[:100]}")
        return row

    def suggest_identifier(self, identifier: str) -> None:
        """Raise UnknownConceptError with the identifiers that differ in prefix or case only, if there are any."""
        bare = identifier.rpartition(":")[2]
        prefixes = ("", "MESH:", "NCBIGene:", "NCBITaxon:", "HGNC:", "MONDO:")
        written = dict.fromkeys(f"{prefix}{text}" for text in (bare, bare.upper()) for prefix in prefixes)
        known = [one for one in written if self.find_or_none(one) is not None]
        if known:
            raise UnknownConceptError(
                f"{self.reference} has no concept {identifier[:100]}; it has {' and '.join(known)}"
            )

    def find_or_none(self, identifier: str) -> int | None:
        """The row of a concept, or None when the vocabulary does not have it."""
        identifiers = self._column("identifier")
        row = bisect_left(range(len(identifiers)), identifier, key=self.identifier)
        return row if row < len(identifiers) and self.identifier(row) == identifier else None

    def referring_to(self, reference: str) -> list[int]:
        """The rows of the concepts that have an identifier of another database, such as OMIM:114480, as reference."""
        import pyarrow.compute as pc  # takes 40 ms, which a command that looks nothing up need not wait

        lists = self._column("references")
        places = np.flatnonzero(pc.equal(lists.values, reference).to_numpy(zero_copy_only=False))
        rows = np.searchsorted(lists.offsets.to_numpy(), places, side="right") - 1
        return np.unique(rows).tolist()  # type: ignore[no-any-return]

    def identifier(self, concept: int) -> str:
        return str(self._column("identifier")[concept].as_py())

    def vocabulary_of(self, concept: int) -> str:
        return str(self._column("vocabulary")[concept].as_py())

    def entity_types(self, concept: int) -> tuple[str, ...]:
        return _split(self._column("entity_types")[concept].as_py())

    def taxon(self, concept: int) -> int | None:
        """The species of a gene, by its number in NCBI Taxonomy."""
        number = self._column("taxon")[concept].as_py()
        return None if number is None else int(number)

    def semantic_types(self, concept: int) -> tuple[str, ...]:
        """Semantic types of the UMLS, such as T047; of a taxon, its rank, such as species."""
        return _split(self._column("semantic_types")[concept].as_py())

    def tree_numbers(self, concept: int) -> tuple[str, ...]:
        return tuple(self._column("tree_numbers")[concept].as_py())

    def references(self, concept: int) -> tuple[str, ...]:
        """Identifiers of the same thing elsewhere, and of the headings that a supplementary record is mapped to."""
        return tuple(self._column("references")[concept].as_py())

    def definition(self, concept: int) -> str:
        return str(self._column("definition")[concept].as_py() or "")

    def columns(self, concepts: np.ndarray, *names: str) -> dict[str, pa.Array]:
        """Columns of the file of concepts (`litmine.vocabulary.storage.CONCEPT_SCHEMA`), for the given rows."""
        rows = pa.array(concepts)
        return {name: self._column(name).take(rows) for name in names}

    def names_of(self, concept: int) -> list[tuple[str, str]]:
        """The names of a concept with their kinds, the preferred one first."""
        names = self.names(self.vocabulary_of(concept))
        return [(names.text(row), KINDS[names.kinds[row]]) for row in names.of_concept(concept)]

    def preferred_name(self, concept: int) -> str:
        names = self.names(self.vocabulary_of(concept))
        return names.text(names.of_concept(concept)[0])

    def name_count(self, concept: int) -> int:
        """The number of a concept's names."""
        return len(self.names(self.vocabulary_of(concept)).of_concept(concept))

    def ancestors(self, concept: int) -> list[int]:
        """Broader concepts, by tree numbers and parents, from the nearest to the broadest; without the concept."""
        return self._hierarchy.ancestors(concept)

    def descendants(self, concept: int) -> list[int]:
        """Narrower concepts, by tree numbers and parents, in the order of rows; without the concept."""
        return self._hierarchy.descendants(concept)

    def iter_names(self, entity_type: str | None = None) -> Iterator[Names]:
        """The names of each section that has concepts of a type."""
        for section in self.sections(entity_type):
            yield self.names(section)

    def _index(self, names: Names, entity_type: str | None) -> TrigramIndex:
        """The trigrams of the names of a section that are of a type; made or read at its first use."""
        section = names.section.vocabulary
        if entity_type is not None and self._mask(names, entity_type, None).all():
            entity_type = None
        key = section, entity_type
        if key not in self._trigrams:
            rows = None
            if entity_type is not None:
                rows = np.flatnonzero(self._mask(names, entity_type, None)).astype(np.int32)
            count = len(names) if rows is None else len(rows)
            self._trigrams[key] = stored_index(
                self.manifest.digest, section, entity_type, count, lambda: TrigramIndex(names.texts, rows)
            )
        return self._trigrams[key]

    def _mask(self, names: Names, entity_type: str | None, taxon: int | None) -> np.ndarray:
        """For each name of a section, whether `accepts` its concept."""
        key = names.section.vocabulary, entity_type, taxon
        if key not in self._masks:
            self._masks[key] = self._accepted(entity_type, taxon)[names.concepts]
        return self._masks[key]

    def _accepted(self, entity_type: str | None, taxon: int | None) -> np.ndarray:
        """For each concept, whether `accepts` it."""
        accepted = np.ones(len(self), dtype=bool)
        if entity_type is not None:
            types = self._column("entity_types")
            wanted = np.array([entity_type in _split(joined) for joined in types.dictionary.to_pylist()], dtype=bool)
            accepted &= wanted[types.indices.to_numpy()]
        if taxon is not None:
            taxa = self._column("taxon")
            accepted &= taxa.fill_null(taxon).to_numpy() == taxon
        return accepted

    @cached_property
    def _hierarchy(self) -> Hierarchy:
        return Hierarchy(_filled(self._column("tree_numbers")), _filled(self._column("parents")), self.find_or_none)

    @cached_property
    def _abbreviated(self) -> AbbreviatedNames:
        names = self.names(NCBI_TAXONOMY)
        return AbbreviatedNames(names.texts)

    def _column(self, name: str) -> pa.Array:
        if name not in self._columns:
            file = self.manifest.concepts_file(self.folder)
            try:
                self._columns[name] = open_parquet(file, CONCEPT_SCHEMA).read(columns=[name])[name].combine_chunks()
            except (OSError, pa.ArrowException) as error:
                raise damaged(file) from error
        return self._columns[name]


def _filled(lists: pa.ListArray) -> dict[int, list[str]]:
    """The lists that are not empty, by row."""
    rows = np.flatnonzero(np.diff(lists.offsets.to_numpy()))
    return dict(zip(rows.tolist(), lists.take(pa.array(rows)).to_pylist(), strict=True))


def _split(joined: str) -> tuple[str, ...]:
    return tuple(joined.split("|")) if joined else ()
