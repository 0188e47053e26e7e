"""Python imports this at its start where `PYTHONPATH` names this folder: the process stops before a file gets its name.

`LITMINE_TEST_HELD` says where it tells that it has stopped, which files count, and how many are let through before. It
goes on when the file `held` is gone from there.
"""

import json
import os
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

_at = json.loads(os.environ["LITMINE_TEST_HELD"])
_folder = Path(_at["folder"])
_left = _at["after"]


def _hold(event: str, arguments: tuple[object, ...]) -> None:
    global _left  # noqa: PLW0603 -- an audit hook is a function, of which a process has one
    if event in ("os.rename", "os.link") and fnmatch(os.fsdecode(arguments[1]), _at["pattern"]):  # type: ignore[arg-type]
        _left -= 1
        if _left < 0:
            (_folder / str(os.getpid())).touch()
            while (_folder / "held").exists():
                time.sleep(0.01)


sys.addaudithook(_hold)
