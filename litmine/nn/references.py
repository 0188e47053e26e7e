"""Which folder a reference to a model means: a built-in model, a folder, or an id on the Hugging Face Hub."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from litmine.errors import ModelError
from litmine.home import home
from litmine.specs import TASKS

# What litmine's own models say of themselves beside their weights.
SETTINGS_FILE = "litmine.json"
_MARKS = "config.json", SETTINGS_FILE
# The `task` of a trunk, which is no model but what several go on from, and the reference of the built-in one.
TRUNK, BUILTIN_TRUNK = "trunk", "builtin-trunk"
_BUILTIN = {spec.builtin: spec.name for spec in TASKS if spec.builtin}
_FOLDERS = {**_BUILTIN, BUILTIN_TRUNK: TRUNK}


def is_builtin(ref: str) -> bool:
    """Whether the reference is that of a model, or of the trunk, inside the package."""
    return ref in _FOLDERS


def builtin_folder(ref: str) -> Path:
    """A model, or the trunk, that ships inside the package."""
    return Path(str(files("litmine") / "models" / "builtin" / _FOLDERS[ref]))


def hub_folder(hub_id: str) -> Path:
    """Where `litmine models pull ORG/NAME` puts a model of the Hugging Face Hub."""
    return home() / "models" / hub_id.replace("/", "--")


def offline_models() -> list[str]:
    """References that load without a network: the built-in models and what was pulled."""
    # One that begins with a dot is being fetched.
    pulled = {file.parent.name for name in _MARKS for file in (home() / "models").glob(f"*/{name}")}
    return [*_BUILTIN, *sorted(name.replace("--", "/", 1) for name in pulled if not name.startswith("."))]


def holds_model(folder: Path) -> bool:
    """Whether there is a model; one that goes on from a trunk has no configuration of its own."""
    return any((folder / name).is_file() for name in _MARKS)


def absolute(ref: str) -> str:
    """The reference, good in any working folder: a worker on another machine has one of its own."""
    return str(Path(ref).resolve()) if not is_builtin(ref) and Path(ref).is_dir() else ref


def locate(ref: str) -> tuple[Path, str]:
    """Folder and name of a reference, downloaded if need be. Raises ModelError when there is no such model."""
    if is_builtin(ref):
        return builtin_folder(ref), ref
    folder = Path(ref)
    if folder.is_dir():
        return folder, folder.resolve().name
    if ref.count("/") == 1 and not ref.startswith((".", "/", "~")) and not ref.endswith("/"):
        from litmine.nn.hub import pull

        return pull(ref), ref.partition("/")[2]
    raise ModelError(
        f"no model {ref!r} here; give {', '.join(offline_models())}, a model's folder, or the id of a model on the"
        " Hugging Face Hub (organisation/name)"
    )


def is_own(folder: Path) -> bool:
    """Whether litmine made the model of a folder."""
    return (folder / SETTINGS_FILE).is_file()


def described(folder: Path) -> dict[str, Any]:
    """What a folder says of its model: `litmine.json`, else `config.json`; nothing where neither can be read."""
    try:
        read = json.loads((folder / (SETTINGS_FILE if is_own(folder) else "config.json")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
