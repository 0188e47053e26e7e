"""Ray is one of several ways to work, so few files know of it, and one of them decides what it opens."""

import re
from pathlib import Path

IMPORTS = re.compile(r"^\s*(?:import|from) ray\b", re.MULTILINE)
STARTS = re.compile(r"\bray\.init\(|\bENABLE_RAY_CLUSTER\b|\binit_process_group\(")


def test_three_files_import_ray_and_two_open_anything(checkout: Path) -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (checkout / "litmine").rglob("*.py")}
    folder = checkout / "litmine" / "runtime"
    assert {path for path, text in sources.items() if IMPORTS.search(text)} == {
        folder / "ray_cluster.py",
        folder / "ray_workers.py",
        folder / "ray_training.py",
    }
    assert {path for path, text in sources.items() if STARTS.search(text)} == {
        folder / "ray_cluster.py",
        folder / "ray_training.py",
    }
