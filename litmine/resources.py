"""Paths of the data files that ship with litmine, and of the folder where litmine keeps downloads and caches.

`schemas/`, `jobs/` and `constraints.txt` lie inside an installed package, but at the top of a checkout.
"""

import os
from pathlib import Path


def litmine_home() -> Path:
    """The folder of downloads and caches: `LITMINE_HOME`, or litmine's folder in the platform's cache folder."""
    configured = os.environ.get("LITMINE_HOME")
    if configured:
        return Path(configured)
    # Imported here because a worker that uses a local lake runs without platformdirs.
    from platformdirs import user_cache_path

    return user_cache_path("litmine")


_PACKAGE = Path(__file__).parent


def packaged_path(name: str) -> Path:
    """The path of a file or folder that ships with litmine: in the installed package, else at the top of the checkout.

    It may not exist. `name` is its path in a checkout.
    """
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name
