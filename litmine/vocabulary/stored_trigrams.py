"""Indexes of trigrams that are kept between processes: files that save time and can be deleted at any time.

    indexes/<digest of the vocabulary>/<section>-<entity type>.safetensors, in LITMINE_HOME

A new process makes the indexes of the built-in vocabulary in 1.2 s of CPU time, and reads them in 0.1 s; they have
116 MB. Each file has a checksum of its content, so that a damaged one counts as missing. It is written in one step, so
processes need no lock. The indexes of at most `MAX_VOCABULARIES` vocabularies are kept.
"""

import shutil
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from litmine.atomic_write import open_atomic
from litmine.errors import LitmineError
from litmine.resources import litmine_home
from litmine.vocabulary.ngrams import INDEX_FORM, TrigramIndex

# An index of fewer names is made as fast as it is read.
MIN_NAMES = 20_000
MAX_VOCABULARIES = 4
_SUFFIX = ".safetensors"


def stored_index(
    digest: str, section: str, entity_type: str | None, names: int, make: Callable[[], TrigramIndex]
) -> TrigramIndex:
    """The index of a section's names of a type, from its file if there is one; else it is made, and kept.

    digest: of the vocabulary. names: how many the index has. A home that cannot be written only costs time.
    """
    if names < MIN_NAMES:
        return make()
    file = indexes_home() / digest / f"{section}-{entity_type or 'all'}{_SUFFIX}".replace(" ", "_")
    found = _read(file)
    if found is None:
        found = make()
        with suppress(LitmineError, OSError):
            _write(file, found)
            _delete_oldest(file.parent)
    return found


def indexes_home() -> Path:
    """The folder of the indexes, a folder for each vocabulary."""
    return litmine_home() / "indexes"


def _read(file: Path) -> TrigramIndex | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "numpy") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError):
        return None
    if metadata != _metadata(arrays):
        return None
    return TrigramIndex.of_arrays(arrays)


def _write(file: Path, index: TrigramIndex) -> None:
    from safetensors.numpy import save

    arrays = index.arrays()
    file.parent.mkdir(parents=True, exist_ok=True)
    with open_atomic(file) as out:
        out.write(save(arrays, metadata=_metadata(arrays)))


def _metadata(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    checksum = 0
    for name in sorted(arrays):
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]).view(np.uint8).data, checksum)
    return {"form": str(INDEX_FORM), "checksum": f"{checksum:08x}"}


def _delete_oldest(kept: Path) -> None:
    """Delete the indexes of the vocabularies that were written first, beyond the number that is kept."""
    others = [folder for folder in kept.parent.iterdir() if folder != kept and folder.is_dir()]
    others.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in others[MAX_VOCABULARIES - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)
