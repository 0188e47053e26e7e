"""What comes with litmine beside its code: `schemas/`, `jobs/`, `constraints.txt`."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def packaged(name: str) -> Path:
    """A file or folder by its path in a checkout: inside the installed package, or at the top of that checkout.

    It need not be there.
    """
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name
