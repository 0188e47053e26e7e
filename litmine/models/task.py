"""Whether a model folder holds a reader of questions or a tagger of entities, from what its own files say."""

import json
from pathlib import Path

from litmine.models.heads import SETTINGS_FILE
from litmine.models.reader_settings import TASK


def is_reader(folder: Path) -> bool:
    """Whether a folder calls itself a reader; damage is for those to find who load it."""
    own = (folder / SETTINGS_FILE).is_file()
    try:
        said = json.loads((folder / (SETTINGS_FILE if own else "config.json")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(said, dict):
        return False
    if own:
        return bool(said.get("task") == TASK)
    architectures = said.get("architectures")
    return isinstance(architectures, list) and any(str(name).endswith("ForQuestionAnswering") for name in architectures)
