"""What the views of a lake cost, compared with a bare scan of the same files.

    python benchmarks/scale_scans.py LAKE

Each query runs on the view `entities` and on DuckDB's own `read_parquet` of the active model's files, in turn and in
one process. Prints as JSON, for each, the least CPU seconds of three runs and their ratio, and the CPU seconds of the
queries of `articles`, for which there is no bare scan.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litmine import Lake
from litmine.lake.listing import live_files_by_table
from litmine.lake.sql_text import escape_glob
from litmine.lake.views import create_views, open_duckdb

RUNS = 3
SCANS = {
    "group by type": "select entity_type, count(*) from {source} group by all",
    "articles by type": "select entity_type, count(distinct pmid) from {source} group by all",
    "group by name": "select mention, count(*) as n from {source} group by all order by n desc limit 10",
    "find one name": "select count(*) from {source} where mention = 'penicillin'",
    "find a pattern": "select count(*) from {source} where entity_type = 'Disease' and mention ilike '%cancer%'",
    "find one PMID": "select count(*) from {source} where pmid = 100400123",
}
OTHERS = {
    "count articles": "select count(*) from articles",
    "articles by year": "select year, count(*) from articles group by all",
    "mentions by year": "select year, count(*) from entities join articles using (pmid) group by all",
}


def main() -> None:
    """Measure and print."""
    lake = Lake(sys.argv[1])
    model = lake.active_models()[0]
    listed = live_files_by_table(lake.location)["entities"]
    files = [escape_glob(file) for file in listed if file.parent.name.removeprefix("model=") == model.model]
    connection = open_duckdb(lake.location)
    began = time.process_time()
    create_views(connection, lake.location, {"entities", "articles"})
    figures: dict[str, Any] = {"creating the views, CPU s": round(time.process_time() - began, 3)}
    connection.execute("SET VARIABLE bare = $1", [files])

    def run(query: str) -> Callable[[], object]:
        return lambda: connection.execute(query).fetchall()

    for name, query in SCANS.items():
        bare = run(query.format(source="read_parquet(getvariable('bare'), hive_partitioning = false)"))
        seconds = least([run(query.format(source="entities")), bare])
        figures[name] = {"view": seconds[0], "bare": seconds[1], "ratio": round(seconds[0] / seconds[1], 2)}
    for name, query in OTHERS.items():
        figures[name] = {"view": least([run(query)])[0]}
    print(json.dumps(figures))


def least(calls: list[Callable[[], object]]) -> list[float]:
    """The least CPU seconds of each call, over runs in turn."""
    found = [float("inf")] * len(calls)
    for _ in range(RUNS):
        for number, call in enumerate(calls):
            began = time.process_time()
            call()
            found[number] = min(found[number], time.process_time() - began)
    return [round(seconds, 3) for seconds in found]


if __name__ == "__main__":
    if not Path(sys.argv[1]).is_dir():
        raise SystemExit(f"{sys.argv[1]} is no folder")
    main()
