"""Time until short commands end: what they cost besides their work, and which packages they import.

    python benchmarks/startup.py [--other CHECKOUT] [--lake LAKE] [--runs 5] [--json benchmarks/startup.json]

The commands run on a lake of one article; with --lake also on a large lake that exists, such as that of
`benchmarks/scale.py --folder`. Each run is a new process. With --other, the runs of two checkouts of litmine alternate,
so that both see the same machine. Each figure is the least of the runs: seconds by the clock and CPU seconds (without
those of Ray's own processes). BERT-base has random weights.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from litmine.lake.lake_cache import cache_folder

CHECKOUT = Path(__file__).parent.parent
ARTICLE = {
    "pmid": 1,
    "title": "An allergy to penicillin.",
    "abstract": "Penicillin can cause an anaphylactic reaction in patients.",
}
PLAN = """
import sys
from pathlib import Path
from litmine.tasks.contract import ModelSpec
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
plan_units(Path(sys.argv[1]), group_steps(build_steps([ModelSpec("new@0", "new@0")], {})))
"""
# The packages whose imports are listed; every other one counts as Python's own.
PACKAGES = ("click", "duckdb", "litmine", "numpy", "pyarrow", "ray", "tokenizers", "torch", "transformers")
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")


@dataclass(frozen=True)
class Command:
    """A command to measure: its words after `python`, and what to do before each run."""

    name: str
    words: Sequence[object]
    prepare: Callable[[], object] = lambda: None


def main() -> None:
    """Make the lake and the model, measure, print, and optionally write the figures."""
    options = _options()
    checkouts = {"this checkout": CHECKOUT} | ({"other checkout": options.other.resolve()} if options.other else {})
    with tempfile.TemporaryDirectory() as folder:
        commands = [*_short_commands(Path(folder)), *(_large_commands(options.lake) if options.lake else ())]
        figures = {
            "machine": f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
            "versions": {name: version(name) for name in ("duckdb", "pyarrow", "ray", "torch", "transformers")},
            "commits": {name: _commit(checkout) for name, checkout in checkouts.items()},
            "commands": {command.name: _measure(command, checkouts, options.runs) for command in commands},
            "imports, ms": {
                command.name: _imports(command, options.runs) for command in commands if command.words[0] == "-m"
            },
            "load at the end": round(os.getloadavg()[0], 1),
        }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, help="another checkout of litmine, measured in turn with this one")
    parser.add_argument("--lake", type=Path, help="a large lake; status may update its catalogue and its caches")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _short_commands(folder: Path) -> list[Command]:
    """The commands on a lake of one article that the built-in model has read, and on a copy that no model has read."""
    source, unread, read, work, bert = (folder / name for name in ("one.jsonl", "unread", "read", "work", "bert-base"))
    source.write_text(json.dumps(ARTICLE) + "\n", encoding="utf-8")
    _make_bert_base(bert)
    _run(_litmine("import", source, "--lake", unread), CHECKOUT)
    shutil.copytree(unread, read)
    for model in ("builtin", bert):
        _run(_litmine("annotate", "--model", model, "--lake", read), CHECKOUT)

    def copy() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(unread, work)

    return [
        Command("sql", _litmine("sql", "from entities", "--lake", read)),
        Command("status", _litmine("status", "--lake", read)),
        Command("annotate, nothing to do", _litmine("annotate", "--lake", read)),
        Command("annotate --model bert-base, nothing to do", _litmine("annotate", "--model", bert, "--lake", read)),
        Command("annotate, one text", _litmine("annotate", "--lake", work), copy),
        Command("annotate --model bert-base, one text", _litmine("annotate", "--model", bert, "--lake", work), copy),
        Command("annotate --workers 2, one text", _litmine("annotate", "--workers", 2, "--lake", work), copy),
    ]


def _large_commands(lake: Path) -> list[Command]:
    # An earlier checkout keeps them in the lake.
    counts = [folder / "article-counts" for folder in (cache_folder(lake.resolve()), lake / ".cache")]

    def forget_counts() -> None:
        for file in counts:
            file.unlink(missing_ok=True)

    return [
        Command("large lake: status", _litmine("status", "--lake", lake)),
        Command(
            "large lake: status after a change",
            _litmine("status", "--lake", lake),
            forget_counts,
        ),
        Command("large lake: coverage", _litmine("sql", "from coverage", "--lake", lake)),
        Command("large lake: plan for a new model", ["-c", PLAN, lake]),
    ]


def _make_bert_base(folder: Path) -> None:
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizer

    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, *letters, *(f"##{letter}" for letter in letters)]
    words += [f"[unused{i}]" for i in range(28_996 - len(words))]
    labels = {0: "O", 1: "B-Disease", 2: "I-Disease"}
    config = BertConfig(vocab_size=len(words), id2label=labels, label2id={name: i for i, name in labels.items()})
    BertForTokenClassification(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizer.from_pretrained(folder, model_max_length=512).save_pretrained(folder)


def _measure(command: Command, checkouts: dict[str, Path], runs: int) -> dict[str, Any]:
    """The least seconds and CPU seconds of a command in each checkout."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
    for _ in range(runs):
        for name, checkout in checkouts.items():
            command.prepare()
            times[name].append(_run(command.words, checkout))
    figures = {
        name: {"s": round(min(s for s, _ in of_one), 2), "CPU s": round(min(cpu for _, cpu in of_one), 2)}
        for name, of_one in times.items()
    }
    print(f"{command.name}: {figures}", flush=True)
    return figures


def _imports(command: Command, runs: int) -> dict[str, float]:
    """Milliseconds that the modules of each package take to import: the least time of each module, summed."""
    least: dict[str, int] = {}
    for _ in range(runs):
        command.prepare()
        ran = subprocess.run(
            [sys.executable, "-X", "importtime", *map(str, command.words)],
            env=_environment(CHECKOUT), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        for microseconds, module in _IMPORT.findall(ran.stderr):
            least[module] = min(int(microseconds), least.get(module, int(microseconds)))
    sums: dict[str, float] = {}
    for module, microseconds in least.items():
        package = module.partition(".")[0].removeprefix("_")
        key = package if package in PACKAGES else "others and Python"
        sums[key] = sums.get(key, 0) + microseconds / 1000
    return {name: round(sums[name], 1) for name in sorted(sums)}


def _litmine(*words: object) -> list[object]:
    return ["-m", "litmine", *words]


def _environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout), "RAY_USAGE_STATS_ENABLED": "0"}


def _run(words: Sequence[object], checkout: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of a process."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], env=_environment(checkout), cwd=checkout, stdout=output, stderr=output
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(map(str, words))} exited with status {process.returncode}: {output.read()}")
    return seconds, used.ru_utime + used.ru_stime


def _commit(checkout: Path) -> str | None:
    """Commit of a checkout, with "-dirty" if tracked files have changed; None outside a checkout."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)
    return described.stdout.strip() or None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
