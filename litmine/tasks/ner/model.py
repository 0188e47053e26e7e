"""The two kinds of models of this task: a network in a folder, and a term list in a file.

torch is imported only to load a network.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.errors import ModelError
from litmine.lake.articles import NewTexts
from litmine.lake.paths import LakePath
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.ner import settings
from litmine.tasks.ner.term_list import open_term_list
from litmine.types import Entity

if TYPE_CHECKING:
    from litmine.tasks.ner.tagger import Tagger
    from litmine.tasks.ner.term_tagger import TermTagger


def identify(model: LakePath, name: str) -> str:
    """`name@digest` of the tagger in a folder, or of the term list in a file.

    Raises TermListError or LakeError for a file, and as `litmine.tasks.ner.settings.identify` for a folder.
    """
    folder = _folder(model)
    return open_term_list(model).model if folder is None else settings.identify(folder, name)


def entity_types(model: LakePath, name: str) -> tuple[str, ...]:
    """The types that a model finds, sorted. Raises as `identify`."""
    folder = _folder(model)
    return open_term_list(model).entity_types if folder is None else settings.entity_types(folder, name)


def load(
    model: LakePath,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    **more: Any,
) -> "Tagger | TermTagger":
    """Load a model; device and precision have no effect on a term list. Raises as `identify`."""
    folder = _folder(model)
    if folder is None:
        if heads:
            raise ModelError(f"{model} is a term list and has no heads; leave out {', '.join(heads)}")
        from litmine.tasks.ner.term_tagger import TermTagger

        return TermTagger(open_term_list(model))
    from litmine.tasks.ner.folder import load_folder

    return load_folder(folder, name, device, precision, heads, **more)


def entity_rows(texts: NewTexts, results: Sequence[Sequence[Entity] | FailedItem]) -> list[TargetRow]:
    """The rows of the `entities` table, sorted by PMID, text hash and offsets; a failed text has none."""
    return sorted(
        (
            pmid,
            text_hash,
            entity.start_char,
            entity.end_char,
            entity.mention,
            entity.entity_type,
            entity.score,
            entity.identifier,
        )
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for entity in found
    )


def _folder(model: LakePath) -> Path | None:
    """The folder of a network; None for the file of a term list."""
    return model if isinstance(model, Path) and model.is_dir() else None
