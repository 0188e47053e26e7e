"""A vocabulary on disk: two Parquet files and `vocabulary.json`, which names them.

`concepts-DIGEST.parquet` has a row per concept, sorted by identifier. `names-DIGEST.parquet` has a row group per
section (the names of one vocabulary), sorted by normal form, so that a lookup is a binary search and no index is
stored. A name stands once for each concept: variants with one normal form would double the size and add no match.

The data files are named by the digest of their content, and `vocabulary.json` is written last, so that a build that is
killed leaves the earlier vocabulary as it was.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.atomic_write import open_atomic
from litmine.errors import VocabularyError
from litmine.vocabulary.concept import Source
from litmine.vocabulary.normalise import NORMALISATION

MANIFEST = "vocabulary.json"
# The version of this form of files.
FORMAT = 1
_DATA_FILES = ("concepts-*.parquet", "names-*.parquet")
_MANIFEST_BYTES = 1 << 24
_TEXTS = pa.list_(pa.string())
CONCEPT_SCHEMA = pa.schema(
    [
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("vocabulary", pa.string(), nullable=False),
        pa.field("entity_types", pa.string(), nullable=False),  # joined by "|"
        pa.field("tree_numbers", _TEXTS, nullable=False),
        pa.field("taxon", pa.int32()),
        pa.field("semantic_types", pa.string(), nullable=False),  # joined by "|"
        pa.field("references", _TEXTS, nullable=False),
        pa.field("parents", _TEXTS, nullable=False),
        pa.field("definition", pa.string()),
    ]
)
NAME_SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("concept", pa.int32(), nullable=False),  # row of the concept
        pa.field("kind", pa.string(), nullable=False),
    ]
)
_DICTIONARY_COLUMNS = ("vocabulary", "entity_types", "semantic_types", "references.list.element", "kind")
_ENCODINGS = {
    "identifier": "DELTA_BYTE_ARRAY",
    "name": "DELTA_BYTE_ARRAY",
    # Neighbours by identifier are no neighbours in the tree, so prefixes save less than zstd alone.
    "tree_numbers.list.element": "PLAIN",
    "definition": "PLAIN",
    "concept": "BYTE_STREAM_SPLIT",
}
# A page per column and section compresses best, and is decoded faster than many.
_PAGE_BYTES = 1 << 27
_COMPRESSION_LEVEL = 22


@dataclass(frozen=True, slots=True)
class Section:
    """The names of one vocabulary: the row group of its position in the file of names.

    entity_types: all types of its concepts.
    """

    vocabulary: str
    concepts: int
    names: int
    entity_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `vocabulary.json` says."""

    name: str
    digest: str
    sources: tuple[Source, ...]
    sections: tuple[Section, ...]

    @property
    def reference(self) -> str:
        """name@digest."""
        return f"{self.name}@{self.digest}"

    def concepts_file(self, folder: Path) -> Path:
        return folder / f"concepts-{self.digest}.parquet"

    def names_file(self, folder: Path) -> Path:
        return folder / f"names-{self.digest}.parquet"


def write_vocabulary(
    folder: Path,
    name: str,
    concepts: pa.Table,
    sections: Sequence[tuple[Section, pa.Table]],
    sources: Sequence[Source],
) -> Manifest:
    """Write a vocabulary to a folder in place of the one that is there.

    `concepts` are sorted by identifier, each section's names by normal form and concept. Raises LitmineError when the
    folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VocabularyError(f"{folder} cannot be made ({error.strerror}); choose another folder") from error
    digest = _content_digest([concepts, *(names for _, names in sections)])
    manifest = Manifest(name, digest, tuple(sources), tuple(section for section, _ in sections))
    _write(manifest.concepts_file(folder), CONCEPT_SCHEMA, [concepts])
    _write(manifest.names_file(folder), NAME_SCHEMA, [names for _, names in sections])
    written = {"format": FORMAT, "normalisation": NORMALISATION, **asdict(manifest)}
    with open_atomic(folder / MANIFEST) as out:
        out.write(f"{json.dumps(written, indent=1, ensure_ascii=False)}\n".encode())
    for pattern in _DATA_FILES:
        for file in folder.glob(pattern):
            if digest not in file.name:
                file.unlink(missing_ok=True)
    return manifest


def check_is_replaceable(folder: Path) -> None:
    """Raise VocabularyError if a folder has files that are no vocabulary. A folder that does not exist is fine."""
    foreign = [file.name for file in folder.glob("*") if not any(file.match(pattern) for pattern in _DATA_FILES)]
    if not foreign:
        return
    try:
        with (folder / MANIFEST).open("rb") as stream:
            is_vocabulary = "digest" in json.loads(stream.read(_MANIFEST_BYTES))
    except (OSError, ValueError, TypeError, RecursionError):
        is_vocabulary = False
    if not is_vocabulary:
        raise VocabularyError(f"{folder} has files that are no vocabulary, such as {min(foreign)}; give another folder")


def read_manifest(folder: Path) -> Manifest:
    """What `vocabulary.json` in a folder says.

    Raises VocabularyError when it is missing, damaged, or of another version of litmine.
    """
    file = folder / MANIFEST
    try:
        with file.open("rb") as stream:
            written = json.loads(stream.read(_MANIFEST_BYTES))
        version = written["format"], written["normalisation"]
        if version == (FORMAT, NORMALISATION):
            return Manifest(
                str(written["name"]),
                str(written["digest"]),
                tuple(Source(**source) for source in written["sources"]),
                tuple(Section(**{**one, "entity_types": tuple(one["entity_types"])}) for one in written["sections"]),
            )
    except FileNotFoundError as error:
        raise VocabularyError(f"{folder} has no {MANIFEST}, so it is no vocabulary; choose another folder") from error
    except OSError as error:
        raise VocabularyError(f"{file} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VocabularyError(f"{file} is damaged; build the vocabulary again") from error
    raise VocabularyError(
        f"the vocabulary in {folder} is of another version of litmine; build it again with `litmine vocabulary build`"
    )


def open_parquet(file: Path, schema: pa.Schema) -> pq.ParquetFile:
    """Open a data file of a vocabulary. Raises VocabularyError when it is missing or damaged."""
    try:
        return pq.ParquetFile(
            file, read_dictionary=_dictionary_columns(schema), page_checksum_verification=True, memory_map=True
        )
    # pyarrow raises KeyError for a column that the file lacks.
    except (OSError, KeyError, pa.ArrowException) as error:
        raise damaged(file) from error


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    return [name for name in _DICTIONARY_COLUMNS if name.partition(".")[0] in schema.names]


def damaged(file: Path) -> VocabularyError:
    """The error for a data file that is missing or cannot be decoded."""
    return VocabularyError(f"{file} is missing or damaged; build the vocabulary again, or install litmine again")


def size_of(folder: Path, manifest: Manifest) -> int:
    """Bytes of the data files; 0 for those that are missing."""
    files = (manifest.concepts_file(folder), manifest.names_file(folder))
    return sum(file.stat().st_size for file in files if file.is_file())


def _write(file: Path, schema: pa.Schema, groups: Sequence[pa.Table]) -> None:
    settings: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": _COMPRESSION_LEVEL,
        "use_dictionary": _dictionary_columns(schema),
        "column_encoding": {
            name: encoding for name, encoding in _ENCODINGS.items() if name.partition(".")[0] in schema.names
        },
        "data_page_size": _PAGE_BYTES,
        "dictionary_pagesize_limit": _PAGE_BYTES,
        "write_statistics": False,
        "write_page_checksum": True,
        "store_schema": False,
    }
    with open_atomic(file) as out, pq.ParquetWriter(out, schema, **settings) as writer:
        for table in groups:
            writer.write_table(table, row_group_size=max(1, table.num_rows))


def _content_digest(tables: Sequence[pa.Table]) -> str:
    """Twelve hexadecimal digits from versions and rows, whatever the version of Parquet's writer."""
    digest = hashlib.sha256(f"{FORMAT} {NORMALISATION}".encode())
    for table in tables:
        for column in table.columns:
            for chunk in column.chunks:
                digest.update(json.dumps([len(chunk)]).encode())
        digest.update(_stream_bytes(table))
    return digest.hexdigest()[:12]


def _stream_bytes(table: pa.Table) -> memoryview:
    """The rows in Arrow's stream format, which has no compression and one layout."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return memoryview(sink.getvalue())
