"""The three kinds of models of this task: a network or rules in a folder, and a term list in a file.

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
from litmine.nn.references import is_litmine_model, read_description
from litmine.tasks.ner import settings
from litmine.tasks.ner.term_list import open_term_list
from litmine.tasks.ner.variant_tagger import VARIANT, VariantTagger, variants_name
from litmine.types import Entity

if TYPE_CHECKING:
    from litmine.tasks.ner.tagger import Tagger
    from litmine.tasks.ner.term_tagger import TermTagger


def identify(model: LakePath, name: str) -> str:
    """`name@digest` of the network or the rules in a folder, or of the term list in a file.

    Raises TermListError or LakeError for a file, and as `litmine.tasks.ner.settings.identify` for a folder.
    """
    folder = _folder(model)
    if folder is None:
        return open_term_list(model).model
    return variants_name(name) if _holds_rules(folder) else settings.identify(folder, name)


def entity_types(model: LakePath, name: str) -> tuple[str, ...]:
    """The types that a model finds, sorted. Raises as `identify`."""
    folder = _folder(model)
    if folder is None:
        return open_term_list(model).entity_types
    return (VARIANT,) if _holds_rules(folder) else settings.entity_types(folder, name)


def load(
    model: LakePath,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    **more: Any,
) -> "Tagger | TermTagger | VariantTagger":
    """Load a model; device and precision have no effect on rules or a term list. Raises as `identify`."""
    folder = _folder(model)
    if folder is None:
        if heads:
            raise ModelError(f"{model} is a term list and has no heads; leave out {', '.join(heads)}")
        from litmine.tasks.ner.term_tagger import TermTagger

        return TermTagger(open_term_list(model))
    if _holds_rules(folder):
        if heads:
            raise ModelError(f"{name} has no heads, since it is rules; leave out {', '.join(heads)}")
        return VariantTagger(name)
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
    """The folder of a network or of rules; None for the file of a term list."""
    return model if isinstance(model, Path) and model.is_dir() else None


def _holds_rules(folder: Path) -> bool:
    """Whether the model in a folder is the rules for variants, the only ones of this task."""
    return is_litmine_model(folder) and read_description(folder).get("network") is False
