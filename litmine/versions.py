"""Versions of everything that decides what a model gives, for footers and the log."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

__version__ = "0.1.0"
_LIBRARIES = ("torch", "transformers", "tokenizers", "pyarrow", "duckdb", "ray", "lxml", "biopython")


@cache  # a part of a few texts takes less than reading about all of them
def versions() -> dict[str, str]:
    """Installed versions by name; a library that is not installed is left out. To be read, not changed."""
    found = {"litmine": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
