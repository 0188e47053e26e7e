"""Pause a process before it renames a file, so that a test can kill it at that moment (see `PausePoint` in conftest).

Python imports this module at its start if `PYTHONPATH` names this folder. `LITMINE_TEST_PAUSE` has the folder where a
paused process leaves a file named by its id, the pattern of the file names, and the number of files to let through. The
process continues when the file `paused` is gone from that folder.
"""

import json
import os
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

_settings = json.loads(os.environ["LITMINE_TEST_PAUSE"])
_folder = Path(_settings["folder"])
_remaining = _settings["after"]


def _path(_: object, name: Any, __: int = -1, folder: int = -1) -> str:
    """The new name of a file, with the path of the folder if the name is relative to an open one."""
    path = os.fsdecode(name)
    return path if folder < 0 or path.startswith("/") else f"{Path(f'/proc/self/fd/{folder}').readlink()}/{path}"


def _pause(event: str, arguments: tuple[Any, ...]) -> None:
    global _remaining  # noqa: PLW0603 -- an audit hook is a function, and a process has only one
    if event in ("os.rename", "os.link") and fnmatch(_path(*arguments), _settings["pattern"]):
        _remaining -= 1
        if _remaining < 0:
            (_folder / str(os.getpid())).touch()
            while (_folder / "paused").exists():
                time.sleep(0.01)


sys.addaudithook(_pause)
