"""What comes with litmine beside its code: `schemas/`, `jobs/`, `constraints.txt`.

litmine's own folder on this machine: downloaded models and corpora, and what a lake elsewhere needs here.
"""

import os
from pathlib import Path


def litmine_home() -> Path:
    """`LITMINE_HOME`, or the platform's cache folder."""
    configured = os.environ.get("LITMINE_HOME")
    if configured:
        return Path(configured)
    # A worker with a lake of its own machine does without.
    from platformdirs import user_cache_path

    return user_cache_path("litmine")


_PACKAGE = Path(__file__).parent


def packaged_path(name: str) -> Path:
    """A file or folder by its path in a checkout: inside the installed package, or at the top of that checkout.

    It need not be there.
    """
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name
