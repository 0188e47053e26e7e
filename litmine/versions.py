"""Versions of litmine, Python and the libraries that affect results, for file footers and the run log."""

import platform
from functools import cache

__version__ = "0.1.0"
_LIBRARIES = ("torch", "transformers", "tokenizers", "pyarrow", "duckdb", "ray", "lxml", "biopython")


@cache  # reading all versions takes longer than annotating a part of a few texts
def versions() -> dict[str, str]:
    """Versions by name, without libraries that are not installed. Do not change the dictionary: it is cached."""
    # It takes as long to import as the whole command line.
    from importlib.metadata import PackageNotFoundError, version

    found = {"litmine": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
