"""The kinds of relation models, which `kind` in `litmine.json` tells."""

from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.references import read_description
from litmine.tasks.relations.cooccurrence import KIND as COOCCURRENCE
from litmine.tasks.relations.cooccurrence import CooccurrenceModel, read_cooccurrence


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the model in a folder. Raises ModelError for an unknown kind or damaged settings."""
    _check_kind(folder)
    return read_cooccurrence(folder).model_name(name)


def load(folder: Path, name: str, *_how: object, **_more: object) -> CooccurrenceModel:
    """Load the model in a folder; device and precision have no effect. Raises as `identify`."""
    _check_kind(folder)
    settings = read_cooccurrence(folder)
    return CooccurrenceModel(settings.model_name(name), settings)


def _check_kind(folder: Path) -> None:
    kind = read_description(folder).get("kind")
    if kind != COOCCURRENCE:
        raise ModelError(f"{folder} is a relation model of the kind {kind!r}; this version loads {COOCCURRENCE}")
