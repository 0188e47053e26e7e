"""Find the folder that a model reference means: a built-in model, a folder, or a model of the Hugging Face Hub.

Models of the Hub are downloaded once: configuration, tokenizer and safetensors, never code. A model's identity is the
digest of all that decides its results, so that a copy elsewhere is the same model. Nothing here imports torch, which
takes seconds.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from litmine.errors import LitmineError, ModelError, UnknownModelError
from litmine.resources import litmine_home
from litmine.settings import did_you_mean
from litmine.specs import BUILTIN, TASKS, runs_always

# The settings of litmine's own models, beside their weights.
SETTINGS_FILE = "litmine.json"
_MARKS = "config.json", SETTINGS_FILE
# The `task` in a trunk's settings, and the reference of the built-in trunk. A trunk is not a model.
TRUNK, BUILTIN_TRUNK = "trunk", "builtin-trunk"
_BUILTIN = {ref: spec.name for spec in TASKS for ref in spec.builtins}
_OTHER_FOLDERS = {ref: ref.removeprefix(f"{BUILTIN}-") for spec in TASKS for ref in spec.companions + spec.further}
_FOLDERS = {**_BUILTIN, **_OTHER_FOLDERS, BUILTIN_TRUNK: TRUNK}
# Files to download from the Hub.
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
# Files that decide a model's results and enter its digest.
_DECISIVE = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.*", "merges.txt")
# Time limit for the first answer of the Hub, in seconds.
_TIMEOUT = 10.0


def is_builtin(ref: str) -> bool:
    """Whether the reference is that of a built-in model or of the built-in trunk."""
    return ref in _FOLDERS


def builtin_folder(ref: str) -> Path:
    """The folder of a built-in model, or of the built-in trunk."""
    return Path(str(files("litmine") / "models" / "builtin" / _FOLDERS[ref]))


def hub_folder(hub_id: str) -> Path:
    """The folder for a model downloaded from the Hugging Face Hub."""
    return litmine_home() / "models" / hub_id.replace("/", "--")


def offline_models(with_rules: bool = False) -> list[str]:
    """References that need no download: the built-in models and the downloaded ones.

    `with_rules` adds the built-in models that run always, which nobody needs to choose.
    """
    # A folder that begins with a dot is an unfinished download.
    pulled = {file.parent.name for name in _MARKS for file in (litmine_home() / "models").glob(f"*/{name}")}
    builtin = [ref for ref in _BUILTIN if with_rules or not runs_always(_BUILTIN[ref])]
    return [*builtin, *sorted(name.replace("--", "/", 1) for name in pulled if not name.startswith("."))]


def holds_model(folder: Path) -> bool:
    """Whether a folder holds a model. One on a trunk has settings but no configuration."""
    return any((folder / name).is_file() for name in _MARKS)


def absolute_reference(ref: str) -> str:
    """The reference with an absolute path, because workers may have another working folder."""
    return str(Path(ref).resolve()) if not is_builtin(ref) and Path(ref).is_dir() else ref


def locate(ref: str) -> tuple[Path, str]:
    """Folder and name of a referenced model, downloaded if necessary. Raises UnknownModelError when there is none."""
    if is_builtin(ref):
        return builtin_folder(ref), ref
    folder = Path(ref)
    # The path of an empty reference would be the current folder.
    if ref and os.path.isdir(ref):  # noqa: PTH112 -- false for what can be no path
        return folder, folder.resolve().name
    if ref.count("/") == 1 and not ref.startswith((".", "/", "~")) and not ref.endswith("/"):
        return pull(ref), ref.partition("/")[2]
    meant = did_you_mean(ref, offline_models(with_rules=True))
    raise UnknownModelError(
        f"no model {ref!r} here{meant}; give {', '.join(offline_models())}, a model folder, or the id of a model on the"
        " Hugging Face Hub (organisation/name)"
    )


@contextmanager
def model_folder_errors(folder: object) -> Iterator[None]:
    """Turn any exception inside the block into a ModelError that names the folder."""
    try:
        yield
    except LitmineError:
        raise
    except Exception as error:  # a damaged tokenizer raises a bare Exception, a strange configuration anything
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{folder} does not hold a model that litmine can load: {reason}") from error


def is_litmine_model(folder: Path) -> bool:
    """Whether litmine trained the model of a folder, as opposed to a plain Hugging Face model."""
    return (folder / SETTINGS_FILE).is_file()


def read_description(folder: Path) -> dict[str, Any]:
    """The settings of a model folder: `litmine.json`, else `config.json`; empty if neither can be read."""
    try:
        file = folder / (SETTINGS_FILE if is_litmine_model(folder) else "config.json")
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def read_settings(folder: Path) -> dict[str, Any]:
    """The object in `litmine.json`. Raises OSError when it cannot be read and ValueError when it holds none."""
    settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    if not isinstance(settings, dict):
        raise ValueError("it holds no JSON object")
    return settings


def folder_digest(folder: Path, decisive: Any) -> str:
    """Twelve hex digits of SHA-256 over a folder's weights, tokenizer, shape, and the `decisive` settings.

    Raises ValueError when the folder has no safetensors.
    """
    if not any(folder.glob("*.safetensors")):
        raise ValueError("it has no weights in safetensors, the only format litmine loads; look for a converted copy")
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _DECISIVE for file in folder.glob(pattern)):
        stat = file.stat()
        identity = stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
        digest.update(file.name.encode() + b"\0" + _file_digest(file.resolve(), identity))
    digest.update(json.dumps(decisive).encode())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=64)
def _file_digest(file: Path, _identity: tuple[int, ...]) -> bytes:
    """SHA-256 of a file. A process reads an unchanged file only once: a run needs the digest to plan and to load."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def pull(hub_id: str) -> Path:
    """The folder of a model of the Hub, downloaded unless it exists.

    Raises ModelError, with the models that need no download, when the download fails.
    """
    folder = hub_folder(hub_id)
    if holds_model(folder):
        return folder
    from huggingface_hub import HfApi, snapshot_download

    partial = folder.with_name(f".{folder.name}.tmp")
    try:
        # The first request of `snapshot_download` has no time limit and hangs behind some firewalls.
        commit = HfApi().model_info(hub_id, timeout=_TIMEOUT).sha
        snapshot_download(hub_id, revision=commit, local_dir=partial, allow_patterns=_WANTED, max_workers=2)
        if not any(partial.glob("*.safetensors")):
            raise ModelError(
                f"{hub_id} has no weights in safetensors, the only format litmine loads; look for a converted copy"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    except LitmineError:
        raise
    except Exception as error:  # the Hub's client lets exceptions of its HTTP library through, and their names change
        raise ModelError(
            f"{hub_id} could not be downloaded from the Hugging Face Hub ({_reason(error)}); without a download, give"
            f" {', '.join(offline_models())}, or a model folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "its owner requires consent; accept the terms on its page and log in with `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "no such model, or a private one"
    if isinstance(error, HFValidationError):
        return "not a valid id"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
