"""Which folder a reference to a model means: a built-in model, a folder, or an id on the Hugging Face Hub.

A model of the Hugging Face Hub, fetched once: configuration, tokenizer and safetensors, nothing that runs.

Twelve hex digits over all that decides what a model finds: the same digest is the same model, wherever it lies.
"""

import hashlib
import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from litmine.errors import LitmineError, ModelError
from litmine.resources import home
from litmine.specs import TASKS

_WANTED = [
    "config.json",
    "litmine.json",
    "tokenizer*",
    "vocab.*",
    "merges.txt",
    "special_tokens_map.json",
    "*.safetensors",
    "README.md",
]


# How long the Hub may take to answer at all.
_SECONDS = 10.0


def pull(hub_id: str) -> Path:
    """Download a model unless it is there already (ModelError when it cannot be had, naming what can)."""
    folder = hub_folder(hub_id)
    if holds_model(folder):
        return folder
    from huggingface_hub import HfApi, snapshot_download

    aside = folder.with_name(f".{folder.name}.tmp")
    try:
        # The download's own first question has no limit of time, and waits forever behind some firewalls.
        commit = HfApi().model_info(hub_id, timeout=_SECONDS).sha
        snapshot_download(hub_id, revision=commit, local_dir=aside, allow_patterns=_WANTED, max_workers=2)
        if not any(aside.glob("*.safetensors")):
            raise ModelError(
                f"{hub_id} has no weights in safetensors, and litmine loads no others; look for a converted copy"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(folder)
    except LitmineError:
        raise
    except Exception as error:  # the Hub's client lets those of its HTTP library through, whose names change
        raise ModelError(
            f"{hub_id} is not on this machine and the Hugging Face Hub did not give it ({_reason(error)});"
            f" without it these can be loaded: {', '.join(offline_models())}, or a model's folder"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "its owner asks for consent on the Hub's page first, and for the token of who gave it"
    if isinstance(error, RepositoryNotFoundError):
        return "it knows no such model, or shows it to others only"
    if isinstance(error, HFValidationError):
        return "that is not an id of the Hub"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


_DECISIVE = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.*", "merges.txt")


def folder_digest(folder: Path, decisive: Any) -> str:
    """Over a folder's weights, tokenizer and shape, and `decisive` settings (ValueError without weights)."""
    if not any(folder.glob("*.safetensors")):
        raise ValueError("it has no weights in safetensors, and litmine loads no others; look for a converted copy")
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _DECISIVE for file in folder.glob(pattern)):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    digest.update(json.dumps(decisive).encode())
    return digest.hexdigest()[:12]


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
