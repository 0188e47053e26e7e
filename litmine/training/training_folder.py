"""The output folder of a training, which holds nothing else, so that it overwrites no other model and no other file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from litmine.atomic_write import TEMPORARY, pending_file
from litmine.errors import ModelError, SettingError
from litmine.lake.file_writer import file_write_error

# Holds a digest of the settings, not the settings, because they have paths and models are published.
SETTINGS_MARK = "training_settings.json"


@contextmanager
def training_folder(folder: Path, command: str, recipe: Any, *other: object) -> Iterator[None]:
    """Train into a folder inside this block: one that is new, empty, or has a training of the same settings.

    command: the name of the training. recipe: a dataclass; `other` are settings that it does not have. A training that
    fails before it writes anything leaves the folder as it was. Raises SettingError for a folder with anything else,
    ModelError for one that cannot be written.
    """
    settings = json.dumps([command, asdict(recipe), other], sort_keys=True, default=str)
    mark = {"command": f"litmine train {command}", "settings": blake2b(settings.encode(), digest_size=16).hexdigest()}
    path = folder.resolve() / SETTINGS_MARK
    is_new = not folder.exists()
    try:
        if _entries(folder) and _read_mark(path) != mark:
            raise SettingError(
                f"{folder} is not empty, and what it holds is not a training with these settings; name another folder"
                " with -o"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with pending_file(path) as pending:
            pending.path.write_text(json.dumps(mark) + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(str(file_write_error(folder, error))) from error
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if not _entries(folder):
                path.unlink()
                if is_new:
                    folder.rmdir()
        raise


def _entries(folder: Path) -> list[str]:
    """What is in a folder, without the mark and incomplete files of it."""
    if not folder.is_dir():
        return []
    return [
        entry.name
        for entry in folder.iterdir()
        if entry.name != SETTINGS_MARK
        and not (entry.name.startswith(f".{SETTINGS_MARK}.") and entry.name.endswith(TEMPORARY))
    ]


def _read_mark(path: Path) -> object:
    """The mark of a folder; None if it has none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
