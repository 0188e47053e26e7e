"""Where downloaded models are kept, and what can be loaded without a network."""

import os
from importlib.resources import files
from pathlib import Path

from platformdirs import user_cache_path

BUILTIN = "builtin"


def home() -> Path:
    """`LITMINE_HOME`, or the platform's cache folder."""
    configured = os.environ.get("LITMINE_HOME")
    return Path(configured) if configured else user_cache_path("litmine")


def builtin_folder() -> Path:
    """The NER model that ships inside the package."""
    return Path(str(files("litmine") / "models" / "builtin" / "ner"))


def hub_folder(hub_id: str) -> Path:
    """Where `litmine models pull ORG/NAME` puts a model of the Hugging Face Hub."""
    return home() / "models" / hub_id.replace("/", "--")


def offline_models() -> list[str]:
    """References that load without a network: the built-in model and what was pulled."""
    # One that begins with a dot is being fetched.
    pulled = [file.parent.name for file in (home() / "models").glob("*/config.json")]
    return [BUILTIN, *sorted(name.replace("--", "/", 1) for name in pulled if not name.startswith("."))]
