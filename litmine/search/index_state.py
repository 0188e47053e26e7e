"""How a lake's search index stands, without changing it.

What an index holds: (pmid, text_hash) of its documents, in one Parquet file whose footer names the index.

A PMID with a null `text_hash` is one that an update was about to change: the index may hold a document of it or not.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from litmine.errors import LakeError
from litmine.lake.compaction import origins
from litmine.lake.duckdb_errors import verify
from litmine.lake.file_writer import write_whole
from litmine.lake.lake import Lake
from litmine.lake.parquet import read_footer
from litmine.lake.paths import Place, desk
from litmine.lake.views import quoted
from litmine.search.terms import load

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


Health = Literal["absent", "current", "behind", "damaged"]


def is_behind(lake: Lake) -> bool:
    """Whether there is an index that the lake has grown past, or that was not finished; from footers alone."""
    state = read_state(lake.place)
    if state is None or state.parts == digest(lake.parts()):
        return False
    # A compaction gives parts other names and changes no article.
    return state.parts is None or state.written != digest(origins(lake.place))


def index_health(lake: Lake) -> tuple[Health, str]:
    """How the index is, and a sentence about it. It is opened and its documents counted; terms are not read."""
    file = state_file(lake.place)
    if not file.exists():
        return "absent", "there is no index yet; the first question makes it"
    state = read_state(lake.place)
    advice = f"delete {search_folder(lake.place)}, and the next question makes it anew"
    if state is None:
        return "damaged", f"{file} cannot be read; {advice}"
    try:
        verify(file)
        documents = load(search_folder(lake.place) / state.folder).searcher().num_docs
    except (LakeError, ValueError) as error:
        return "damaged", f"the index cannot be opened ({' '.join(str(error).split())}); {advice}"
    if state.parts is not None and documents != state.documents:
        return "damaged", f"the index has {documents:,} documents instead of {state.documents:,}; {advice}"
    if is_behind(lake):
        return "behind", "the index is behind the lake; the next question brings it up to date"
    return "current", f"the index is up to date, with {documents:,} articles"
