"""Which model a folder with a reader holds, told without its weights."""

from pathlib import Path

from litmine.nn.references import is_own
from litmine.tasks.qa.settings import ReaderSettings, reader_digest


def identify(folder: Path, name: str) -> str:
    """`name@digest`. Raises ModelError, OSError or ValueError for a folder that holds no reader."""
    if is_own(folder):
        settings = ReaderSettings.load(folder)
    else:
        # transformers takes seconds to import.
        from litmine.tasks.qa.folder import plain_settings

        settings = plain_settings(folder, name)
    return f"{settings.name}@{reader_digest(folder, settings)}"
