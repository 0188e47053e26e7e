"""What linking costs: `annotate` with linking and without, and queries by identifier beside a bare scan.

    python benchmarks/linking.py FILES --part-size 1000 [--lake LINKED] [--runs 3] [--json benchmarks/linking.json]

FILES are imported into an empty lake. Each run copies it and annotates the copy, with `--task ner` and with linking in
turn, and last with a smaller vocabulary over the lake that is linked already. The figures of a command are seconds by
the clock, CPU seconds and the largest memory of a process in MB; those of the ratios are medians. With --lake, queries
of `entities` by identifier and a bare scan of the files of links run in turn in one process, and `concepts` in one of
its own.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parent.parent
SCANS = """
import json, sys
from litmine.lake.listing import live_files_by_table
from litmine.lake.sql_text import escape_glob
from litmine.lake.views import create_views, open_duckdb
from litmine.lake.paths import parse_lake_path
from benchmarks.scale_scans import least
lake = parse_lake_path(sys.argv[1])
connection = open_duckdb(lake)
create_views(connection, lake, {"entities", "articles"})
files = [escape_glob(file) for file in live_files_by_table(lake)["links"]]
connection.execute("SET VARIABLE bare = $1", [files])
query = "select identifier, count(*), count(distinct pmid) from {} group by all"
few = "select identifier, count(*) as n from {} group by all order by n desc limit 20"
bare = "read_parquet(getvariable('bare'), hive_partitioning = false)"
run = lambda text: lambda: connection.execute(text).fetchall()
found = {}
for name, text in {"mentions by identifier": few, "mentions and articles by identifier": query}.items():
    view, scan = least([run(text.format("entities")), run(text.format(bare))])
    found[name] = {"view": view, "bare": scan, "ratio": round(view / scan, 2)}
print(json.dumps(found))
"""


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    figures: dict[str, Any] = {"cores": os.cpu_count(), "load at the start": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as folder:
        if options.files:
            figures["annotate"] = _measure_annotate(Path(folder), options)
    if options.lake:
        figures["entities by identifier, CPU s"] = json.loads(_run(["-c", SCANS, options.lake])["output"])
        runs = [_run(_litmine("sql", "from concepts", "-o", os.devnull, "--format", "csv", "--lake", options.lake))
                for _ in range(options.runs)]  # fmt: skip
        figures["concepts"] = [{key: run[key] for key in ("s", "cpu_s", "mb")} for run in runs]
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="what to import and annotate")
    parser.add_argument("--vocabulary", type=Path, help="a second vocabulary to link to, over links that exist")
    parser.add_argument("--part-size", type=int, default=1_000, help="articles in a part (default: 1000)")
    parser.add_argument("--lake", type=Path, help="a large lake with links, for the queries")
    parser.add_argument("--runs", type=int, default=3, help="runs of each command (default: 3)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _measure_annotate(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    source, work = folder / "source", folder / "work"
    _run(_litmine("import", *options.files, "--part-size", options.part_size, "--lake", source))
    commands = {"ner": ["--task", "ner"], "ner and linking": []}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, words in commands.items():
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(source, work)
            runs[name].append(_run(_litmine("annotate", *words, "--lake", work)))
    if options.vocabulary:
        before = _targets(work)
        _run(_litmine("vocabulary", "use", options.vocabulary, "--lake", work))
        runs["another vocabulary"] = [_run(_litmine("annotate", "--lake", work))]
        new = _targets(work) - before
        runs["another vocabulary"][0]["new targets by table"] = {
            table: sum(1 for name in new if name.startswith(table)) for table in ("entities", "links", "sentences")
        }
    figures: dict[str, Any] = {
        name: [{key: value for key, value in run.items() if key != "output"} for run in of] for name, of in runs.items()
    }
    plain, linked = (
        {key: statistics.median(run[key] for run in runs[name]) for key in ("s", "cpu_s", "mb")} for name in commands
    )
    figures["ratio"] = {key: round(linked[key] / plain[key], 3) for key in ("s", "cpu_s")}
    figures["more MB"] = round(linked["mb"] - plain["mb"])
    return figures


def _targets(lake: Path) -> set[str]:
    return {str(file.relative_to(lake)) for file in lake.glob("*/model=*/**/*.parquet")}


def _litmine(*words: object) -> list[object]:
    return ["-m", "litmine", *words]


def _run(words: Sequence[object]) -> dict[str, Any]:
    """Run Python with these words; seconds, CPU seconds, largest memory in MB, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], stdout=output, cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"{words} failed with status {status}")
        output.seek(0)
        return {
            "s": round(seconds, 2),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
            "mb": round(usage.ru_maxrss / 1024),
            "output": output.read().decode(),
        }


if __name__ == "__main__":
    main()
