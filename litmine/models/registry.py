"""From a reference to a model: `builtin`, `builtin-reader`, a folder, or the id of a model on the Hugging Face Hub."""

from collections.abc import Sequence
from pathlib import Path

from litmine.errors import ModelError
from litmine.models.folder import identify_folder, load_folder
from litmine.models.home import builtin_folder, is_builtin, offline_models
from litmine.models.hub import pull
from litmine.models.reader import Reader
from litmine.models.reader_folder import identify_reader_folder, load_reader_folder
from litmine.models.tagger import Tagger
from litmine.models.task import is_reader


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


def identify(ref: str) -> str:
    """`name@digest` of a reference, without loading its weights into memory (ModelError as `load_model`)."""
    folder, name = locate(ref)
    return identify_reader_folder(folder, name) if is_reader(folder) else identify_folder(folder, name)


def identify_reader(ref: str) -> str:
    """`name@digest` of a reader, without loading its weights into memory (ModelError as `load_reader`)."""
    return identify_reader_folder(*locate(ref))


def settled(ref: str) -> str:
    """The reference, good in any working folder: a worker on another machine has one of its own."""
    return str(Path(ref).resolve()) if not is_builtin(ref) and Path(ref).is_dir() else ref


def locate(ref: str) -> tuple[Path, str]:
    """Folder and name of a reference, downloaded if need be."""
    if is_builtin(ref):
        return builtin_folder(ref), ref
    folder = Path(ref)
    if folder.is_dir():
        return folder, folder.resolve().name
    if ref.count("/") == 1 and not ref.startswith((".", "/", "~")) and not ref.endswith("/"):
        return pull(ref), ref.partition("/")[2]
    raise ModelError(
        f"no model {ref!r} here; give {', '.join(offline_models())}, a model's folder, or the id of a model on the"
        " Hugging Face Hub (organisation/name)"
    )
