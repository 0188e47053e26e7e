"""`vocabulary use`: choose the vocabulary that a lake's mentions are linked to."""

from collections.abc import Iterator
from pathlib import Path

from litmine.errors import LakeError, UnknownVocabularyError, VocabularyError
from litmine.lake.active_vocabulary import USE_VOCABULARY, active_vocabulary
from litmine.lake.lake import Lake
from litmine.lake.paths import LakePath
from litmine.lake.vocabularies import copied_vocabulary
from litmine.pipeline.run_log import log_run
from litmine.specs import spec_by_name
from litmine.vocabulary.catalogue import BUILTIN, known_names, locate
from litmine.vocabulary.storage import CONCEPT_SCHEMA, NAME_SCHEMA, open_parquet, read_manifest


def use_vocabulary(lake: Lake, reference: str) -> str:
    """Record a vocabulary as the lake's, and return what is recorded: name@digest, or path@digest for a folder.

    Raises VocabularyError when it does not exist or is damaged.
    """
    folder = locate(reference)
    manifest = read_manifest(folder)
    open_parquet(manifest.concepts_file(folder), CONCEPT_SCHEMA)
    open_parquet(manifest.names_file(folder), NAME_SCHEMA)
    name = reference.rpartition("@")[0] or reference
    place = name if name in known_names() else str(Path(reference).resolve())
    chosen = f"{place}@{manifest.digest}"
    with log_run(lake, USE_VOCABULARY, vocabulary=chosen):
        pass
    return chosen


def lake_vocabulary(lake: Lake) -> str:
    """The reference of the vocabulary that a lake's mentions are linked to; empty for the built-in one.

    Raises VocabularyError when the chosen one is gone or has another digest, because it was built again since.
    """
    chosen = active_vocabulary(lake.location)
    if chosen is None:
        return ""
    name, _, digest = chosen.rpartition("@")
    if name == BUILTIN:
        return ""  # the one of this version of litmine
    try:
        folder = locate(chosen)
    except UnknownVocabularyError as error:
        raise UnknownVocabularyError(
            f"{error}; it is the vocabulary of this lake, so build it again, or run `litmine vocabulary use builtin` to"
            " link all mentions to the built-in one"
        ) from error
    if read_manifest(folder).digest != digest:
        raise VocabularyError(
            f"the vocabulary {name} has changed since it was chosen for this lake; run `litmine vocabulary use {name}`"
            " to link all mentions to it again"
        )
    return chosen


def chosen_vocabulary(path: LakePath) -> str:
    """The vocabulary of a lake, name@digest: what `use_vocabulary` recorded last, else the built-in one.

    The built-in one has the digest of this version of litmine. The path may have no lake.
    """
    try:
        chosen = active_vocabulary(Lake(path).location)
    except LakeError:
        chosen = None
    if chosen is None or chosen.rpartition("@")[0] == BUILTIN:
        return read_manifest(locate(BUILTIN)).reference
    return chosen


def other_vocabulary_messages(lake: Lake) -> Iterator[str]:
    """A sentence for each active linker that used another vocabulary than the lake's, with the remedy."""
    linkers = [one.model for one in lake.active_models() if spec_by_name(one.task).vocabulary]
    chosen = chosen_vocabulary(lake.location) if linkers else ""
    for linker in dict.fromkeys(linkers):
        used = copied_vocabulary(lake.location, linker)
        # A vocabulary in a folder is recorded with its path, and only the digest decides.
        if used is not None and used.rpartition("@")[2] != chosen.rpartition("@")[2]:
            yield (
                f"the links of {linker} are to {used}, and the vocabulary of this lake is {chosen};"
                " run `litmine annotate` to link all mentions to it"
            )
