"""From a reference to a model that is loaded."""

from collections.abc import Sequence

from litmine.models.folder import load_folder
from litmine.models.identity import locate
from litmine.models.reader import Reader
from litmine.models.reader_folder import load_reader_folder
from litmine.models.tagger import Tagger


def load_model(
    ref: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
) -> Tagger:
    """Load a model for `annotate`.

    `device` is `auto`, `cpu` or `cuda`; `precision` is `auto`, `float32` or `bf16`; `heads` names heads to use instead
    of the default ones; `batch_tokens` is the size of a batch in tokens. Raises ModelError when the model is unknown,
    cannot be fetched, or is not one that litmine can run.
    """
    folder, name = locate(ref)
    return load_folder(folder, name, device, precision, heads, batch_tokens)


def load_reader(ref: str, device: str = "auto", precision: str = "auto", batch_tokens: int | None = None) -> Reader:
    """Load a reader of questions; the options are `load_model`'s.

    Raises ModelError when the reader is unknown, cannot be fetched, or is not one that litmine can run.
    """
    folder, name = locate(ref)
    return load_reader_folder(folder, name, device, precision, batch_tokens)
