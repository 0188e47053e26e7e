"""What `run` prints for people: a summary at the end, which can be mailed as it is, and what a dry run foresees."""

import socket
from collections.abc import Iterable

from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS
from litmine.lake.place import Place
from litmine.work.job.run import Report
from litmine.work.job.settings import Job
from litmine.work.job.step import Forecast, Step

_SAYS = {
    DONE: "done",
    NEW_GAPS: "done, with new gaps",
    LOCKED: "another run was in the way",
    FAILED: "failed in part",
    INTERRUPTED: "interrupted",
}
# New gaps, and what else a step says, are named up to so many; the log has all.
_MOST_LINES = 20
_WIDTH = 10


def summary(report: Report) -> str:
    """What is new, gaps, errors and durations."""
    lasted = duration((report.finished - report.started).total_seconds())
    lines = [
        f"litmine run {report.job.name}: {_SAYS[report.code]} (exit {report.code})",
        f"{report.started:%Y-%m-%d %H:%M} UTC on {socket.gethostname()}, {lasted}; run {report.run_id}",
        f"lake {report.lake}",
        "",
    ]
    for step, outcome in report.steps:
        lines.append(f"{step.kind:<{_WIDTH}}{step.what} ({duration(outcome.seconds)})")
        mark = "" if outcome.code in (DONE, NEW_GAPS) else f"{_SAYS[outcome.code]}: "
        lines += [f"{'':{_WIDTH}}{mark}{sentence}" for sentence in outcome.said[:_MOST_LINES]]
        if left := len(outcome.said[_MOST_LINES:]):
            lines.append(f'{"":{_WIDTH}}and {left:,} more, in the log and in `litmine sql "from runs"`')
    return "\n".join(lines)


def foreseen(job: Job, lake: Place, forecasts: Iterable[tuple[Step, Forecast]]) -> Iterable[str]:
    """What each step would do, line by line, and how long all would take."""
    yield f"{'job':<{_WIDTH}}{job.name}{f': {job.about}' if job.about else ''}"
    yield f"{'lake':<{_WIDTH}}{lake}"
    known, unknown = 0.0, []
    for step, forecast in forecasts:
        took = f"about {duration(forecast.seconds)}" if forecast.seconds is not None else "nobody knows how long"
        yield f"{step.kind:<{_WIDTH}}{step.what}: {forecast.says}; {took}"
        known += forecast.seconds or 0.0
        if forecast.seconds is None:
            unknown.append(step.kind)
    rest = f", and what {', '.join(dict.fromkeys(unknown))} takes: no earlier run tells" if unknown else ""
    yield f"{'in all':<{_WIDTH}}about {duration(known)}{rest}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s` or `5 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if minutes else f"{left} s"
    return f"{minutes // 60:,} h {minutes % 60} min"
