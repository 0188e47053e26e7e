"""Reading PubMed XML with litmine, pubmed_parser and lxml's bare iterparse: CPU time on one core, same records.

    python benchmarks/read.py [FILE.xml.gz ...] [--rounds 7] [--repeat 4] [--json FILE]

Each round reads all files with each reader in turn, so that other jobs slow all readers alike; a reader's time is that
of its best round. "iterparse" parses each PubmedArticle and discards it, the lower limit of any reader on lxml.
"litmine import" also writes the Parquet files of a new lake. All readers decompress gzip.
"""

import argparse
import gzip
import importlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from lxml import etree

from litmine import Lake
from litmine.sources.files import read_file
from litmine.types import Article, SourceRecord

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = {
    "year_info_only": False,
    "nlm_category": True,
    "author_list": True,
    "reference_list": True,
    "parse_downto_mesh_subterms": True,
}

# Reads a file and returns the number of its articles; a new one for each round.
Reader = Callable[[Path], int]
Opened = Callable[[], AbstractContextManager[Reader]]


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    _stay_on_one_core()
    files = _usable(options.files)
    readers = _readers()
    records = _count(files, readers) * options.repeat
    best = _best(readers, files, options.rounds, options.repeat)
    ratios = {name: round(seconds / best["litmine"], 2) for name, seconds in best.items() if name != "litmine"}
    figures: dict[str, Any] = {
        "machine": _processor(),
        "versions": _versions(),
        "records": records,
        "rounds": options.rounds,
        "CPU seconds, best round": {name: round(seconds, 3) for name, seconds in best.items()},
        "records/s of CPU time": {name: round(records / seconds) for name, seconds in best.items()},
        "litmine's reading as a multiple of": ratios,
    }
    print(f"{records:,} records, best of {options.rounds} rounds; {figures['machine']}")
    for name, seconds in best.items():
        comparison = f", of which litmine's reading is {ratios[name]:.2f} times" if name in ratios else ""
        print(f"{name}: {records / seconds:,.0f} records/s of CPU time{comparison}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="*", type=Path, default=sorted(SAMPLE.glob("*.xml.gz")), help="default: the sample data"
    )
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    parser.add_argument("--repeat", type=int, default=4, help="number of times a round reads each file (default: 4)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _usable(files: Sequence[Path]) -> list[Path]:
    """The files with a PubmedArticle, the only kind of record that pubmed_parser reads."""
    usable = [file for file in files if _iterparse(file)]
    for file in files:
        if file not in usable:
            print(f"{file.name} is skipped: it has no PubmedArticle")
    return usable


def _readers() -> dict[str, Opened]:
    readers: dict[str, Opened] = {
        "litmine": _always(_litmine),
        "litmine import": _importing,
        "iterparse": _always(_iterparse),
    }
    try:
        # It has no type annotations.
        parse = importlib.import_module("pubmed_parser").parse_medline_xml
    except ImportError:
        print("pubmed_parser is not installed: `pip install pubmed_parser`")
        return readers
    readers["pubmed_parser, defaults"] = _always(partial(_pubmed_parser, parse, {}))
    readers["pubmed_parser, all its options"] = _always(partial(_pubmed_parser, parse, EVERYTHING))
    return readers


def _always(read: Reader) -> Opened:
    return lambda: nullcontext(read)


def _litmine(file: Path) -> int:
    return sum(isinstance(it, SourceRecord) and isinstance(it.record, Article) for it in read_file(file, AS_OF))


@contextmanager
def _importing() -> Iterator[Reader]:
    """Import into a new lake; PMIDs are shifted, so that a file counts as new each time it is read."""
    turns = count()
    with tempfile.TemporaryDirectory() as folder:
        importer = Lake.create(folder).article_writer()

        def read(file: Path) -> int:
            shift = next(turns) * 10**9
            records = (
                replace(it, record=replace(it.record, pmid=it.record.pmid + shift))
                for it in read_file(file, AS_OF)
                if isinstance(it, SourceRecord) and isinstance(it.record, Article)
            )
            return importer.add(records, source=file.name, dated=True).new

        yield read


def _iterparse(file: Path) -> int:
    found = 0
    with gzip.open(file) as stream:
        for _, element in etree.iterparse(stream, tag="PubmedArticle"):
            found += 1
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    return found


def _pubmed_parser(parse: Callable[..., Any], options: dict[str, bool], file: Path) -> int:
    return sum(1 for _ in parse(str(file), **options))


def _count(files: Sequence[Path], readers: dict[str, Opened]) -> int:
    """Number of articles in the files; all readers must agree. Reading them also warms the readers up."""
    found = {}
    for name, opened in readers.items():
        with opened() as read:
            found[name] = sum(map(read, files))
    if len(set(found.values())) != 1:
        raise SystemExit(f"the readers find different numbers of articles: {found}")
    return found["litmine"]


def _best(readers: dict[str, Opened], files: Sequence[Path], rounds: int, repeat: int) -> dict[str, float]:
    best = dict.fromkeys(readers, float("inf"))
    for _ in range(rounds):
        for name, opened in readers.items():
            with opened() as read:
                started = time.process_time()
                for file in (*files,) * repeat:
                    read(file)
                best[name] = min(best[name], time.process_time() - started)
    return best


def _stay_on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _versions() -> dict[str, str]:
    libraries = ["litmine", "lxml", "pyarrow", "duckdb"]
    libxml2 = ".".join(map(str, etree.LIBXML_VERSION))
    found = {"python": platform.python_version(), "libxml2": libxml2, **{name: version(name) for name in libraries}}
    try:
        return found | {"pubmed_parser": version("pubmed_parser")}
    except ImportError:
        return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
