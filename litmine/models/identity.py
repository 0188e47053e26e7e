"""Which model a reference means: `builtin`, `builtin-reader`, a folder, or the id of a model on the Hugging Face Hub.

Of litmine's own models it is told without torch, which takes seconds to import.
"""

from pathlib import Path

from litmine.errors import ModelError
from litmine.models.digest import reader_digest, tagger_digest
from litmine.models.heads import SETTINGS_FILE, Settings, default_heads
from litmine.models.home import builtin_folder, is_builtin, offline_models
from litmine.models.hub import pull
from litmine.models.reader_settings import ReaderSettings
from litmine.models.task import is_reader


def identify(ref: str) -> str:
    """`name@digest` of a reference, without loading its weights into memory (ModelError as `load_model`)."""
    folder, name = locate(ref)
    if (folder / SETTINGS_FILE).is_file():
        return identify_own(folder)
    from litmine.models.folder import identify_plain
    from litmine.models.reader_folder import identify_reader_folder

    return identify_reader_folder(folder, name) if is_reader(folder) else identify_plain(folder, name)


def identify_reader(ref: str) -> str:
    """`name@digest` of a reader, without loading its weights into memory (ModelError as `load_reader`)."""
    folder, name = locate(ref)
    if (folder / SETTINGS_FILE).is_file() and is_reader(folder):
        return identify_own(folder)
    from litmine.models.reader_folder import identify_reader_folder

    return identify_reader_folder(folder, name)


def identify_own(folder: Path) -> str:
    """`name@digest` of a folder that litmine wrote (ModelError when it is damaged)."""
    try:
        if is_reader(folder):
            reader = ReaderSettings.load(folder)
            return f"{reader.name}@{reader_digest(folder, reader)}"
        tagger = Settings.load(folder)
        return f"{tagger.name}@{tagger_digest(folder, tagger, default_heads(tagger))}"
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} does not hold a model that litmine can load: {error}") from error


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
