"""Time and memory of commands on a lake of a million articles.

    python benchmarks/scale.py [--articles 1000000] [--folder DIR] [--json benchmarks/scale.json]

The articles are copies of the sample records (`scale_lake.py`): most in parts of 10,000, and 80,000 in 1,000 parts of
80. No model runs, because the benchmark measures the lake. Each measurement is a new process, from start to exit;
memory is its peak. The SQL queries are those of docs/tutorial.md except that of abbreviations; their rows are written
as CSV. `scale_scans.py` compares views with bare scans. At the end, one article in a hundred is revised
(`scale_revise.py`). `--folder` keeps the lake, and reuses an existing one.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parent.parent
MODEL = "builtin@000000000001"  # as in scale_lake.py, which is not imported to keep this process small
PLAN = """
import json, sys, time
from pathlib import Path
from litmine.tasks.contract import ModelSpec
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
began = time.perf_counter()
steps = build_steps([ModelSpec(model, model) for model in sys.argv[2:]], {})
units, _ = plan_units(Path(sys.argv[1]), group_steps(steps))
print(json.dumps({"parts left": len(units), "the plan alone s": round(time.perf_counter() - began, 2)}))
"""


def main() -> None:
    """Create the lake, measure, print, and optionally write the figures."""
    options = _options()
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "lake"
        made = place.with_name("made.json")
        if not made.exists():
            make = [sys.executable, _script("scale_lake.py"), place, options.articles]
            made.write_text(json.dumps(run(make)), encoding="utf-8")
        figures = {
            "machine": f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
            "versions": {name: version(name) for name in ("litmine", "duckdb", "pyarrow")},
            "commit": _commit(),
            "articles": options.articles,
            "making": _print("making", json.loads(made.read_text(encoding="utf-8"))),
            "before compact": _measured(place),
            "compact": _print("compact", run(litmine("compact", "--lake", place))),
            "delete what it replaced": _print("delete", run(litmine("compact", "--grace", 0, "--lake", place))),
            "after compact": _measured(place),
            "revisions": _print("revisions", run([sys.executable, _script("scale_revise.py"), place])),
            "after revisions": _measured(place),
            "load at the end": round(os.getloadavg()[0], 1),
        }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000, help="number of articles (default: 1,000,000)")
    parser.add_argument("--folder", type=Path, help="keep the lake in this folder, or reuse the one there")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _measured(lake: Path) -> dict[str, Any]:
    """Time and memory of reading the lake, and its size on disk."""
    rows = lake.parent / "rows.csv"
    return {
        "on disk": _print("on disk", _sizes(lake)),
        "plan for a model that has read all": _print("plan, all read", run([sys.executable, "-c", PLAN, lake, MODEL])),
        "plan for a new model": _print("plan, a new model", run([sys.executable, "-c", PLAN, lake, "new@0"])),
        "status": _print("status", run(litmine("status", "--lake", lake))),
        "queries": {
            name: _print(name, run(litmine("sql", query, "--lake", lake, "-o", rows)))
            for name, query in _queries().items()
        },
        "scans": _print("scans", run([sys.executable, _script("scale_scans.py"), lake])),
    }


def _script(name: str) -> Path:
    return Path(__file__).with_name(name)


def _queries() -> dict[str, str]:
    """The queries of the tutorial by the sentence before each, without that of a table that the lake does not have."""
    tutorial = (CHECKOUT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    section = tutorial.partition("\n## Queries worth having\n")[2].partition("\n## ")[0]
    found = re.findall(r"^([^\n]+):\n\n```sql\n(.+?)\n```", section, flags=re.DOTALL | re.MULTILINE)
    return {name.rpartition(". ")[2]: query for name, query in found if "abbreviations" not in query}


def _sizes(lake: Path) -> dict[str, Any]:
    sizes = {}
    for table in sorted(path for path in lake.iterdir() if path.is_dir()):
        files = [file.stat().st_size for file in table.rglob("*.parquet")]
        if len(files) > 1:
            sizes[table.name] = {"files": len(files), "MB": round(sum(files) / 1e6, 1)}
    return sizes


def litmine(*words: object) -> list[object]:
    """The words of a command of litmine."""
    return [Path(sys.executable).with_name("litmine"), *words]


def run(command: Sequence[object]) -> dict[str, Any]:
    """Seconds and peak memory of a process, and the JSON object on its last line, if there is one."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        output.seek(0)
        lines = output.read().splitlines()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} exited with status {process.returncode}: {lines[-1:]}")
    figures = {
        "s": round(seconds, 2),
        "CPU s": round(used.ru_utime + used.ru_stime, 2),
        "peak MB": round(used.ru_maxrss / 1e3),
    }
    return figures | (json.loads(lines[-1]) if lines[-1:] and lines[-1].startswith("{") else {})


def _print(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()), flush=True)
    return figures


def _commit() -> str | None:
    """Commit of the checkout, with "-dirty" if tracked files have changed; None outside a checkout."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--exclude=*"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)
    return described.stdout.strip() or None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
