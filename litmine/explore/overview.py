"""What the lake contains and lacks: the page `lake` and the beginning of the page `search`."""

from dataclasses import asdict
from typing import Any

from litmine.explore.queries import LakeQueries
from litmine.pipeline.status import MAX_GAPS, read_status

_YEARS = "SELECT year, count(*) AS articles FROM articles WHERE year IS NOT NULL GROUP BY year ORDER BY year"
_TYPES = (
    "SELECT entity_type, count(*) AS mentions, count(identifier) AS linked, count(DISTINCT pmid) AS articles"
    " FROM entities GROUP BY entity_type ORDER BY mentions DESC"
)
_RUNS = (
    "SELECT started, command, outcome, date_diff('second', started, finished) AS seconds, models, device, precision,"
    " counts, len(gaps) AS gaps FROM runs ORDER BY started DESC LIMIT 20"
)


def read_overview(queries: LakeQueries) -> dict[str, Any]:
    """The status of the lake as `litmine status` shows it, with articles by year, mentions by type, and more runs.

    Texts name no folders of this machine. Raises LakeError for a damaged lake, BusyError.
    """
    status = asdict(read_status(queries.lake))
    status["more_gaps"] = len(status["gaps"]) > MAX_GAPS
    status["gaps"] = status["gaps"][:MAX_GAPS]
    status["runs"] = queries.cached_rows(_RUNS)
    status["years"] = queries.cached_rows(_YEARS)
    status["types"] = queries.cached_rows(_TYPES)
    hidden: dict[str, Any] = queries.hidden.value(status)
    return hidden
