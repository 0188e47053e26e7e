"""The copies of vocabularies in a lake: a file `vocabularies/<linker>.parquet` for each linker, never changed.

So SQL finds names, synonyms and tree numbers, and a copied lake has them.
"""

from collections.abc import Callable, Iterable

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.parquet import read_footer, write_tables
from litmine.lake.paths import VOCABULARIES, LakePath, vocabulary_path


def save_vocabulary(
    lake: LakePath, linker: str, vocabulary: str, read_concepts: Callable[[], Iterable[pa.Table]]
) -> None:
    """Copy the concepts of a linker's vocabulary into a lake, unless they are there.

    linker, vocabulary: name@digest. read_concepts: gives the concepts in the columns of `vocabularies`; it is called
    only if they are missing. Raises LakeError if the file cannot be written.
    """
    file = vocabulary_path(lake, linker)
    if not file.exists():
        write_tables(file, VOCABULARIES, read_concepts(), {"linker": linker, "vocabulary": vocabulary})


def copied_vocabulary(lake: LakePath, linker: str) -> str | None:
    """The name@digest of the vocabulary that a linker used; None if the lake's copy is missing or damaged."""
    file = vocabulary_path(lake, linker)
    try:
        return str(read_footer(file)["vocabulary"]) if file.exists() else None
    except (LakeError, KeyError):
        return None
