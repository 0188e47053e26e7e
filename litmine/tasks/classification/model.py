"""The kinds of classifiers: a top on a shared trunk, or a text classifier with its own encoder.

torch is imported only to load a network.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.errors import ModelError
from litmine.nn.references import is_litmine_model, read_description
from litmine.tasks.classification.settings import SHARED_TOP, identify_top
from litmine.tasks.classification.whole_settings import WHOLE, identify_whole

if TYPE_CHECKING:
    from litmine.tasks.classification.classifier import Classifier
    from litmine.tasks.classification.whole_classifier import WholeTextClassifier


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the classifier in a folder. Raises ModelError for an unknown kind or damaged settings."""
    return identify_top(folder) if _kind(folder) == SHARED_TOP else identify_whole(folder, name)


def load(
    folder: Path, name: str, device: str = "auto", precision: str = "auto", **more: Any
) -> "Classifier | WholeTextClassifier":
    """Load the classifier in a folder. Raises as `identify`."""
    if _kind(folder) == SHARED_TOP:
        from litmine.tasks.classification.folder import load_top

        return load_top(folder, device, precision, **more)
    from litmine.tasks.classification.whole_folder import load_whole

    return load_whole(folder, name, device, precision, **more)


def _kind(folder: Path) -> str:
    """The kind of the classifier; one that litmine did not train has its own encoder."""
    if not is_litmine_model(folder):
        return WHOLE
    kind = read_description(folder).get("kind")
    if kind not in {SHARED_TOP, WHOLE}:
        raise ModelError(f"{folder} is a classifier of the kind {kind!r}; this version loads {SHARED_TOP} and {WHOLE}")
    return str(kind)
