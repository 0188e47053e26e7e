"""The benchmark of throughput runs on a machine that has torch, transformers and pyarrow, and a lake from elsewhere."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

BARE = """
import sys
for name in ("duckdb", "ray", "Bio", "lxml", "rich", "tantivy", "platformdirs", "s3fs", "accelerate"):
    sys.modules[name] = None
from benchmarks import bare_encoder
from benchmarks.throughput import main
bare_encoder.sustained.__defaults__ = (0.1,)  # seconds: no figure is looked at
main()
"""


def test_throughput_on_a_bare_machine(imported_lake: Path, tiny_model: Path, tmp_path: Path) -> None:
    options = ["--lake", imported_lake, "--model", tiny_model, "--only", "litmine", "agreement", "--parts", "3"]
    figures = tmp_path / "figures.json"
    ran = subprocess.run(
        [sys.executable, "-c", BARE, *map(str, options), "--json", str(figures)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert " failed: " not in ran.stdout, ran.stdout
    assert '"tokens/s": ' in figures.read_text()
    assert '"shared": ' in figures.read_text()
