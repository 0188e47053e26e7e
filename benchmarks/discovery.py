"""Time, memory and bytes of concepts, pairs of concepts and searches for connections, on a lake of many articles.

    python -m benchmarks.discovery [--articles 1000000] [--folder DIR] [--json benchmarks/discovery.json]

`discovery_lake.py` makes the lake. Each measurement is a new process, from start to exit; memory is its peak. The start
of the open search is in about one article in a thousand. `--folder` keeps the lake, and reuses an existing one.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.scale import litmine, run

UPDATE = """
import sys
from pathlib import Path
from litmine.lake.pair_update import update_pairs
update_pairs(Path(sys.argv[1]))
"""
NIGHT = """
import sys
from benchmarks.discovery_lake import NIGHT, Texts, add_part, save_concepts
from litmine import Lake
lake = Lake(sys.argv[1])
add_part(lake, Texts(7), NIGHT, *save_concepts(lake))
"""
PICK = "SELECT identifier, articles FROM concepts ORDER BY abs(articles - {}), identifier LIMIT 2"


def main() -> None:
    """Create the lake, measure, print, and optionally write the figures."""
    options = _options()
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        place, here = Path(folder) / "lake", Path(__file__).parent
        figures: dict[str, Any] = {"articles": options.articles, "load at the start": round(os.getloadavg()[0], 1)}
        if not place.exists():
            figures["making"] = run([sys.executable, here / "discovery_lake.py", place, options.articles])
        lake, rows = ("--lake", place), ("-o", Path(folder) / "rows.csv")
        update = [sys.executable, "-c", UPDATE, place]
        figures["build concepts and pairs"] = _print("build", run(update))
        figures["MB"] = _print("MB", _sizes(place))
        figures["update without changes"] = _print("no changes", run(update))
        run([sys.executable, "-c", NIGHT, place])
        figures["nightly update"] = _print("nightly", run(update))
        figures["concepts"] = _print("concepts", run(litmine("sql", "FROM concepts", *lake, *rows)))
        first, second = _picked(place, options.articles // 1000)
        for name, words in {
            "pairs of a concept": ("sql", f"FROM concept_pairs WHERE first_id = '{first}'", *lake, *rows),
            "all pairs, counted": ("sql", "SELECT count(*), sum(articles) FROM concept_pairs", *lake, *rows),
            "open search": ("discover", first, *lake, *rows),
            "open search with filters": ("discover", first, "--to", "Chemical", "--until", 2000, *lake, *rows),
            "open search by fisher": ("discover", first, "--measure", "fisher", *lake, *rows),
            "closed search": ("discover", first, second, *lake, *rows),
        }.items():
            figures[name] = _print(name, run(litmine(*words)))
        figures["load at the end"] = round(os.getloadavg()[0], 1)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000, help="number of articles (default: 1,000,000)")
    parser.add_argument("--folder", type=Path, help="keep the lake in this folder, or reuse the one there")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _picked(lake: Path, articles: int) -> tuple[str, str]:
    """Two concepts of about so many articles."""
    from litmine import Lake

    first, second = Lake(lake).rows(PICK.format(articles))
    return first[0], second[0]


def _sizes(lake: Path) -> dict[str, float]:
    def megabytes(folder: Path, pattern: str) -> float:
        return round(sum(file.stat().st_size for file in folder.rglob(pattern)) / 1e6, 1)

    return {
        "articles": megabytes(lake / "articles", "*.parquet"),
        "links": megabytes(lake / "links", "*.parquet"),
        "concept tables": megabytes(lake / "concepts" / "parts", "*.parquet"),
        "pairs, summed": megabytes(lake / "concepts", "pairs-*.parquet"),
        "pairs by year": megabytes(lake / "concepts", "years-*.parquet"),
        "articles and names of pairs": megabytes(lake / "concepts", "[an]*-*.parquet"),
    }


def _print(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()), flush=True)
    return figures


if __name__ == "__main__":
    main()
