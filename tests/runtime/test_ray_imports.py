"""Only litmine's Ray modules import Ray, and few modules open a port or use Ray's private names."""

import re
from pathlib import Path

IMPORTS = re.compile(r"^\s*(?:import|from) ray\b", re.MULTILINE)
OPENS_PORTS = re.compile(r"\bray\.init\(|\binit_process_group\(")
PRIVATE = re.compile(r"\bray\._private\b|\bENABLE_RAY_CLUSTER\b")


def test_few_modules_import_ray_open_ports_or_use_private_names(checkout: Path) -> None:
    folder = checkout / "litmine" / "runtime"
    sources = {path: path.read_text(encoding="utf-8") for path in (checkout / "litmine").rglob("*.py")}

    def matching(pattern: re.Pattern[str]) -> set[Path]:
        return {path for path, text in sources.items() if pattern.search(text)}

    assert matching(IMPORTS) == {folder / f"ray_{name}.py" for name in ("cluster", "workers", "training")}
    assert matching(OPENS_PORTS) == {folder / f"ray_{name}.py" for name in ("cluster", "training")}
    assert matching(PRIVATE) == {folder / "ray_internals.py"}
