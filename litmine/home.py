"""litmine's own folder on this machine: downloaded models and corpora, and what a lake elsewhere needs here."""

import os
from pathlib import Path


def home() -> Path:
    """`LITMINE_HOME`, or the platform's cache folder."""
    configured = os.environ.get("LITMINE_HOME")
    if configured:
        return Path(configured)
    # A worker with a lake of its own machine does without.
    from platformdirs import user_cache_path

    return user_cache_path("litmine")
