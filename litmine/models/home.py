"""Where downloaded models are kept, and what can be loaded without a network."""

from importlib.resources import files
from pathlib import Path

from litmine.home import home

BUILTIN = "builtin"


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
