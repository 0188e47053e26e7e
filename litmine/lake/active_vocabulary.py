"""Which vocabulary a lake's mentions are linked to: that of the latest run of `vocabulary use`."""

from litmine.lake.paths import LakePath
from litmine.lake.runs import read_runs

USE_VOCABULARY = "vocabulary use"
_PARAMETER = "vocabulary"


def active_vocabulary(lake: LakePath) -> str | None:
    """The name@digest that was chosen for a lake, or None if none was. Raises LakeError when the log is damaged."""
    rows = [
        row
        for row in read_runs(lake, "finished", "run_id", "command", "outcome", "parameters")
        if row["command"] == USE_VOCABULARY and row["outcome"] == "done"
    ]
    if not rows:
        return None
    latest = max(rows, key=lambda row: (row["finished"], row["run_id"]))
    return dict(latest["parameters"]).get(_PARAMETER)
