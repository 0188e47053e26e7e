"""What an index holds: (pmid, text_hash) of its documents, in one Parquet file whose footer names the index.

A PMID with a null `text_hash` is one that an update was about to change: the index may hold a document of it or not.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.files import write_whole
from litmine.lake.place import Place, desk
from litmine.lake.tables import read_footer
from litmine.lake.views import quoted

# Raised when terms or fields change, so that indexes of an older kind are made anew.
VERSION = 1
_NAME = "indexed.parquet"


@dataclass(frozen=True, slots=True)
class State:
    """The index in `folder` holds `documents`: those of the parts with that digest, or unfinished when it is None.

    `written` is the digest of these parts' names from before any compaction.
    """

    folder: str
    parts: str | None
    documents: int
    written: str
    version: int = VERSION


def search_folder(lake: Place) -> Path:
    """Where a lake's index is kept."""
    return desk(lake) / "search"


def state_file(lake: Place) -> Path:
    """The file that says what the index holds."""
    return search_folder(lake) / _NAME


def read_state(lake: Place) -> State | None:
    """What the file's footer says; None when it is missing, damaged or of another version."""
    try:
        state = State(**read_footer(state_file(lake)))
        return state if state.version == VERSION and Path(state.folder).name == state.folder else None
    except (LakeError, TypeError):
        return None


def write_state(lake: Place, state: State, execute: Callable[[str], object], rows: str) -> None:
    """Write the rows of a SELECT, which may read the file that they replace, whole or not at all. Raises LakeError."""
    footer = quoted(json.dumps(asdict(state)))

    def write(temporary: Path) -> None:
        place = quoted(str(temporary))
        execute(f"COPY ({rows}) TO {place} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{litmine: {footer}}})")

    write_whole(state_file(lake), write)


def digest(parts: Iterable[str]) -> str:
    """One word for a set of parts."""
    return blake2b("\n".join(sorted(parts)).encode(), digest_size=16).hexdigest()
