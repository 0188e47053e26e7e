"""How a lake's search index stands, without changing it."""

from typing import Literal

from litmine.errors import LakeError
from litmine.lake.damage import verify
from litmine.lake.lake import Lake
from litmine.lake.merge import origins
from litmine.search.state import digest, read_state, search_folder, state_file
from litmine.search.terms import load

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
