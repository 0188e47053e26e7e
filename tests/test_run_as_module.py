"""`python -m litmine` is the command line."""

import subprocess
import sys
from collections.abc import Callable
from subprocess import CompletedProcess

from litmine.errors import DONE


def test_python_m_litmine_runs_the_command_line(run: Callable[..., CompletedProcess[str]]) -> None:
    ran = subprocess.run([sys.executable, "-m", "litmine", "--help"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (DONE, "")
    assert ran.stdout.startswith("Usage: litmine ")
    assert ran.stdout == run("--help").stdout
