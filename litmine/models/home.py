"""Where downloaded models are kept, and what can be loaded without a network."""

from importlib.resources import files
from pathlib import Path

from litmine.home import home

BUILTIN = "builtin"
BUILTIN_READER = "builtin-reader"
_FOLDERS = {BUILTIN: "ner", BUILTIN_READER: "reader"}


def is_builtin(ref: str) -> bool:
    """Whether the reference is that of a model inside the package."""
    return ref in _FOLDERS


def builtin_folder(ref: str) -> Path:
    """A model that ships inside the package."""
    return Path(str(files("litmine") / "models" / "builtin" / _FOLDERS[ref]))


def hub_folder(hub_id: str) -> Path:
    """Where `litmine models pull ORG/NAME` puts a model of the Hugging Face Hub."""
    return home() / "models" / hub_id.replace("/", "--")


def offline_models() -> list[str]:
    """References that load without a network: the built-in models and what was pulled."""
    # One that begins with a dot is being fetched.
    pulled = [file.parent.name for file in (home() / "models").glob("*/config.json")]
    return [*_FOLDERS, *sorted(name.replace("--", "/", 1) for name in pulled if not name.startswith("."))]
