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

_settings = json.loads(os.environ["LITMINE_TEST_PAUSE"])
_folder = Path(_settings["folder"])
_remaining = _settings["after"]


def _pause(event: str, arguments: tuple[object, ...]) -> None:
    global _remaining  # noqa: PLW0603 -- an audit hook is a function, and a process has only one
    if event in ("os.rename", "os.link") and fnmatch(os.fsdecode(arguments[1]), _settings["pattern"]):  # type: ignore[arg-type]
        _remaining -= 1
        if _remaining < 0:
            (_folder / str(os.getpid())).touch()
            while (_folder / "paused").exists():
                time.sleep(0.01)


sys.addaudithook(_pause)
