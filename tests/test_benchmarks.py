"""The throughput benchmark runs on a machine with only torch, transformers and pyarrow, on a copied lake."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

WITHOUT_PACKAGES = """
import sys
for name in ("duckdb", "ray", "Bio", "lxml", "rich", "tantivy", "platformdirs", "s3fs", "accelerate"):
    sys.modules[name] = None
from benchmarks import bare_encoder
from benchmarks.throughput import main
bare_encoder.sustained.__defaults__ = (0.1,)  # seconds; this test checks no figures
main()
"""


def test_throughput_runs_without_duckdb_ray_and_other_packages(
    imported_lake: Path, tiny_model: Path, tmp_path: Path
) -> None:
    options = ["--lake", imported_lake, "--model", tiny_model, "--only", "litmine", "agreement", "--parts", "3"]
    figures = tmp_path / "figures.json"
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PACKAGES, *map(str, options), "--json", str(figures)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert " failed: " not in ran.stdout, ran.stdout
    assert '"tokens/s": ' in figures.read_text()
    assert '"shared": ' in figures.read_text()
