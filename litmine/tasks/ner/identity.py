"""Which model a folder with a tagger holds, told without its weights."""

from pathlib import Path

from litmine.nn.references import is_own
from litmine.tasks.ner.settings import Settings, default_heads, tagger_digest


def identify(folder: Path, name: str) -> str:
    """`name@digest`. Raises ModelError, OSError or ValueError for a folder that holds no tagger."""
    if is_own(folder):
        settings = Settings.load(folder)
    else:
        # transformers takes seconds to import.
        from litmine.tasks.ner.folder import plain_settings

        settings = plain_settings(folder, name)
    return f"{settings.name}@{tagger_digest(folder, settings, default_heads(settings))}"
