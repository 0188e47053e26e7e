"""Versions of everything that decides what a model gives, for footers and the log."""

import platform
from importlib.metadata import PackageNotFoundError, version

import litmine

_LIBRARIES = ("torch", "transformers", "tokenizers", "pyarrow", "duckdb", "ray", "lxml", "biopython")


def versions() -> dict[str, str]:
    """Installed versions by name; a library that is not installed is left out."""
    found = {"litmine": litmine.__version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
