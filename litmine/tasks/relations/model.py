"""The kinds of relation models, which `kind` in `litmine.json` tells. torch is imported only to load a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, is_litmine_model, read_description
from litmine.tasks.relations.cooccurrence import KIND as COOCCURRENCE
from litmine.tasks.relations.cooccurrence import CooccurrenceModel, read_cooccurrence
from litmine.tasks.relations.marked.settings import KIND as MARKED
from litmine.tasks.relations.marked.settings import identify as identify_marked
from litmine.tasks.relations.settings import SHARED_TOP, identify_top

if TYPE_CHECKING:
    from litmine.tasks.relations.marked.model import MarkedModel
    from litmine.tasks.relations.relation_model import RelationModel


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the model in a folder. Raises ModelError for an unknown kind or damaged settings."""
    kind = _kind(folder)
    if kind == SHARED_TOP:
        return identify_top(folder)
    if kind == MARKED:
        return identify_marked(folder, name)
    return read_cooccurrence(folder).model_name(name)


def load(
    folder: Path, name: str, device: str = "auto", precision: str = "auto", **more: Any
) -> "CooccurrenceModel | MarkedModel | RelationModel":
    """Load the model in a folder; device and precision have no effect on a model without a network.

    Raises as `identify`.
    """
    kind = _kind(folder)
    if kind == SHARED_TOP:
        from litmine.tasks.relations.folder import load_top

        return load_top(folder, device, precision, **more)
    if kind == MARKED:
        from litmine.tasks.relations.marked.model import load_marked

        return load_marked(folder, name, device, precision, **more)
    settings = read_cooccurrence(folder)
    return CooccurrenceModel(settings.model_name(name), settings)


def _kind(folder: Path) -> str:
    """The kind of the model; a classifier that litmine did not train is one of marked texts."""
    if not is_litmine_model(folder):
        return MARKED
    kind = read_description(folder).get("kind")
    if kind is None:
        raise ModelError(f"{folder / SETTINGS_FILE} names no kind of relation model; train or copy the model again")
    if kind not in {COOCCURRENCE, MARKED, SHARED_TOP}:
        raise ModelError(
            f"{folder} is a relation model of the kind {kind!r}; this version loads {COOCCURRENCE}, {MARKED} and"
            f" {SHARED_TOP}"
        )
    return str(kind)
