"""The parts of the soak: commands that are killed, and results that grow line by line into a report."""

import subprocess
import sys
from pathlib import Path

from benchmarks.soak_report import BEGIN, END, add_row, failures, read_rows, report, total, write_into

CHECKOUT = Path(__file__).parent.parent
ROW = {
    "name": "import", "kills": 9, "faults": 0, "checks": 1, "different": 0, "tracebacks": 0, "hangs": 0, "seconds": 5.0,
    "load": 1.0, "messages": [], "commit": "abc1234",
}  # fmt: skip
# In a process of its own, because a fork of this one would have its threads.
KILLED = """
import sys
from pathlib import Path
from benchmarks.soak_process import Command, in_fork
folder = Path(sys.argv[1])
fork = Command(["schema", "articles"], folder, {}, new_python=False)
assert fork.wait(60) and fork.code == 0 and not fork.kill(), fork.errors
wrong = Command(["nothing"], folder, {}, new_python=False)
assert wrong.wait(60) and wrong.code == 2 and "No such command" in wrong.errors
full = Command(["sample", "out"], folder, {}, new_python=False, largest_file=100)
assert full.wait(60) and full.code == 1 and "Traceback" not in full.errors, full.errors
waits = Command(["sql", "-"], folder, {}, new_python=True)
assert not waits.wait(0) and waits.kill() and waits.code == -9
assert in_fork(lambda: "text") == "text"
"""


def test_commands_are_forked_killed_and_limited(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    ran = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_report_adds_up_rounds(tmp_path: Path) -> None:
    results, page = tmp_path / "results.jsonl", tmp_path / "page.md"
    assert read_rows(results) == []
    reader = {"name": "RIS", "inputs": 50, "tracebacks": 0, "hangs": 0, "slowest": 0.5}
    for row in (ROW, ROW | {"kills": 3, "different": 1}, ROW | reader | {"kills": 0, "commit": "def5678"}):
        add_row(results, row)
    with results.open("a") as out:
        out.write('{"name": "imp')
    rows = read_rows(results)
    assert (len(rows), total(rows, "import", "kills"), failures(rows)) == (3, 12, 1)
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, report(rows, ["import"], ["RIS"]))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\nCommits abc1234, def5678;")
    assert text.endswith(f"{END}\nafter\n")
    assert "| import | 12 | 0 | 2 | 1 | 0 | 0 | 10 |" in text
    assert "| RIS | 50 | 0 | 0 | 0.50 |" in text
    assert "12 kills of a running command, 0 storage faults, 50 damaged inputs: **1 failures**" in text
    assert "old" not in text
