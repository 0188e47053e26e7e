"""Concept tables: for each article part, which concepts each text mentions and how often, kept beside the lake.

    concepts/parts/<part>-<digest of what it was made from>.parquet

A table repeats what the targets of the active taggers and linkers say of the part's new texts, with one row for each
concept and text. Its name says what it was made from, so a table that exists is right, and a table of other links or of
a merged part has another name. Like the search index the tables can be deleted at any time. They hold superseded texts
too; readers leave these out, as they do with targets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from litmine.lake.active_models import active_models
from litmine.lake.listing import live_files_by_table
from litmine.lake.paths import LakePath, local_folder, parse_folder_name, relative_path
from litmine.lake.runs import ActiveModel
from litmine.specs import ARTICLES, TASKS, spec_by_table

# The table of mentions, and the task that adds identifiers to it.
MENTIONS = "entities"
_TAGGING = spec_by_table(MENTIONS).name
EXTENSIONS = {spec.table: spec.name for spec in TASKS if spec.extends == MENTIONS}
# Of the rows of a table, part of every name. Tables of format 1 had no checksums.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class ConceptPart:
    """The concept table of an article part.

    sources: the targets that it is made from: table, file, and the entity types that are shown from it, None for all.
    models: a digest of their models, which does not depend on the part.
    """

    file: Path
    sources: Sequence[tuple[str, LakePath, Sequence[str] | None]]
    models: int


def concept_folder(lake: LakePath) -> Path:
    """The folder of all that litmine keeps of concepts beside a lake."""
    return local_folder(lake) / "concepts"


def list_concept_parts(lake: LakePath, files: Mapping[str, Sequence[LakePath]] | None = None) -> list[ConceptPart]:
    """The concept tables that the lake should have now, in the order of the article parts.

    files: the live files by table, if the caller has listed them. Raises LakeError for a damaged log or merge note.
    """
    files = live_files_by_table(lake) if files is None else files
    active = active_models(lake)
    by_folder: dict[str, dict[str, LakePath]] = {}
    for table in (MENTIONS, *EXTENSIONS):
        for file in files[table]:
            by_folder.setdefault(relative_path(lake, file.parent), {})[file.stem] = file
    shown = [(one, _folders(one, active, by_folder)) for one in active if one.task == _TAGGING]
    return [_concept_part(lake, part.stem, shown, by_folder) for part in files[ARTICLES]]


def _folders(
    tagger: ActiveModel, active: Iterable[ActiveModel], by_folder: Mapping[str, Mapping[str, LakePath]]
) -> list[str]:
    """The folders with the rows of an active tagger, those with identifiers first."""
    wanted = {(one.task, one.model, one.inputs) for one in active}
    found: list[tuple[int, str]] = []
    for folder in by_folder:
        table, model, inputs = parse_folder_name(folder)
        if table == MENTIONS and model == tagger.model:
            found.append((1, folder))
        elif table in EXTENSIONS and inputs == tagger.model and (EXTENSIONS[table], model, inputs) in wanted:
            found.append((0, folder))
    return [folder for _, folder in sorted(found)]


def _concept_part(
    lake: LakePath,
    part: str,
    shown: Sequence[tuple[ActiveModel, Sequence[str]]],
    by_folder: Mapping[str, Mapping[str, LakePath]],
) -> ConceptPart:
    sources, models = [], []
    for tagger, folders in shown:
        for folder in folders:
            if part in by_folder[folder]:
                sources.append((parse_folder_name(folder)[0], by_folder[folder][part], tagger.types))
                models.append((folder, tagger.types))
                break
    key = repr((_FORMAT, sorted(models, key=repr)))
    digest = blake2b(key.encode("utf-8", "surrogateescape"), digest_size=7)
    file = concept_folder(lake) / "parts" / f"{part}-{digest.hexdigest()}.parquet"
    return ConceptPart(file, sources, int.from_bytes(digest.digest(), "big"))
