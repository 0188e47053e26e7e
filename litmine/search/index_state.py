"""The state of a lake's search index: what it contains, and whether it is current or damaged.

The state file is a Parquet file with (pmid, text_hash) of each indexed document; its footer has the `IndexState`.
A null `text_hash` marks a PMID that an interrupted update was changing: the index may or may not contain it.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from litmine.errors import LakeError
from litmine.lake.checksums import seal_file
from litmine.lake.compaction import original_part_names
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.file_writer import write_atomically
from litmine.lake.folders import is_plain_name, walk, why_not_opened
from litmine.lake.lake import Lake
from litmine.lake.parquet import read_footer
from litmine.lake.paths import LakePath, local_folder
from litmine.lake.sql_text import sql_string, unsealed_metadata
from litmine.lake.verified_files import SEARCH, FileVerifier
from litmine.search.checksums import check_index_file, check_managed, index_files
from litmine.search.terms import load_index

if TYPE_CHECKING:
    import tantivy

# Increase it when text analysis or index fields change: indexes of another version are then rebuilt.
VERSION = 1
_STATE_FILE = "indexed.parquet"

IndexHealth = Literal["absent", "current", "behind", "damaged"]


@dataclass(frozen=True, slots=True)
class IndexState:
    """The JSON in the state file's footer.

    folder: name of the index folder, beside the state file.
    parts: digest of the article parts that are indexed; None while an update is unfinished.
    documents: number of documents in the index.
    written: digest of the original names of these parts, as imports wrote them; compaction does not change it.
    """

    folder: str
    parts: str | None
    documents: int
    written: str
    version: int = VERSION


def search_folder(lake: LakePath) -> Path:
    """The folder of a lake's search index."""
    return local_folder(lake) / "search"


def state_file(lake: LakePath) -> Path:
    """The path of the state file."""
    return search_folder(lake) / _STATE_FILE


def read_state(lake: LakePath) -> IndexState | None:
    """Read the state from the file's footer; None if the file is missing, damaged or of another version."""
    try:
        state = IndexState(**read_footer(state_file(lake)))
        # A folder name that leads elsewhere is not followed.
        return state if state.version == VERSION and is_plain_name(state.folder) else None
    except (LakeError, TypeError):
        return None


def open_index(lake: LakePath, state: IndexState) -> "tantivy.Index":
    """Open the index that a state names. Raises ValueError for a damaged one, and for one that has links in it.

    Files that were not verified yet are verified, as far as `litmine.lake.verified_files` allows for one command.

    tantivy opens the files in the folder to write them, and would follow a link out of the lake.
    """
    folder = search_folder(lake) / state.folder
    for path in (folder.parent, folder, *walk(folder)):
        if (reason := why_not_opened(path)) is not None:
            raise ValueError(f"{path} {reason}")
    try:
        check_managed(folder)
        FileVerifier(lake, check_index_file).verify(SEARCH, index_files(folder))
    except (LakeError, OSError) as error:
        raise ValueError(str(error)) from error
    return load_index(folder)


def write_state(lake: LakePath, state: IndexState, execute: Callable[[str], object], rows: str) -> None:
    """Replace the state file in one step; `rows` is a SELECT, which may read the old file.

    Raises LakeError when the file cannot be written.
    """
    footer = sql_string(json.dumps(asdict(state)))

    def write(temporary: Path) -> None:
        path = sql_string(str(temporary))
        metadata = unsealed_metadata(f"litmine: {footer}")
        execute(f"COPY ({rows}) TO {path} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {metadata})")
        seal_file(temporary)

    write_atomically(state_file(lake), write)


def parts_digest(parts: Iterable[str]) -> str:
    """A digest of a set of part names."""
    return blake2b("\n".join(sorted(parts)).encode(), digest_size=16).hexdigest()


def index_is_behind(lake: Lake) -> bool:
    """Whether an index exists that is unfinished or lacks article parts. Reads only file footers."""
    state = read_state(lake.location)
    if state is None or state.parts == parts_digest(lake.parts()):
        return False
    # Compaction renames parts without changing articles.
    return state.parts is None or state.written != parts_digest(original_part_names(lake.location))


def index_health(lake: Lake) -> tuple[IndexHealth, str]:
    """Check the index without changing it; return the result and a sentence that explains it.

    The index is opened and its documents are counted, but its terms are not read.
    """
    file = state_file(lake.location)
    if not file.exists():
        return "absent", "there is no search index yet; the first question builds it"
    state = read_state(lake.location)
    remedy = f"delete {search_folder(lake.location)}, and the next question rebuilds it"
    if state is None:
        return "damaged", f"{file} cannot be read; {remedy}"
    try:
        verify_parquet(file)
        documents = open_index(lake.location, state).searcher().num_docs
    except (LakeError, ValueError) as error:
        return "damaged", f"the search index cannot be opened ({' '.join(str(error).split())}); {remedy}"
    if state.parts is not None and documents != state.documents:
        return "damaged", f"the search index has {documents:,} documents instead of {state.documents:,}; {remedy}"
    if index_is_behind(lake):
        return "behind", "the search index lacks the newest articles; the next question updates it"
    return "current", f"the search index is up to date, with {documents:,} articles"
