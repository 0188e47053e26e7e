"""`vocabulary use`: choose the vocabulary that a lake's mentions are linked to."""

from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.active_vocabulary import USE_VOCABULARY, active_vocabulary
from litmine.lake.lake import Lake
from litmine.lake.paths import LakePath
from litmine.pipeline.run_log import log_run
from litmine.vocabulary.catalogue import known_names, locate
from litmine.vocabulary.storage import read_manifest


def use_vocabulary(lake: Lake, reference: str) -> str:
    """Record a vocabulary as the lake's, and return what is recorded: name@digest, or path@digest for a folder.

    Raises VocabularyError when it does not exist or is damaged.
    """
    folder = locate(reference)
    manifest = read_manifest(folder)
    name = reference.rpartition("@")[0] or reference
    place = name if name in known_names() else str(Path(reference).resolve())
    chosen = f"{place}@{manifest.digest}"
    with log_run(lake, USE_VOCABULARY, vocabulary=chosen):
        pass
    return chosen


def chosen_vocabulary(path: LakePath) -> str | None:
    """What `use_vocabulary` recorded last in a lake; None if nothing, or if there is no lake at the path."""
    try:
        lake = Lake(path)
    except LakeError:
        return None
    return active_vocabulary(lake.location)
