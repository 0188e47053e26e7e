"""Reports as JSON: what the contract fixes, and what further options add to it."""

from collections import Counter
from typing import Any

from litmine.tasks.ner.error_analysis import Mistake, count_kinds, most_frequent
from litmine.tasks.ner.report import Report
from litmine.types import Span

_CONTEXT = 60


def report_record(report: Report, intervals: bool, errors: int | None, listed: int) -> dict[str, Any]:
    """Scores by type and `micro`; with `intervals`, the `errors` most frequent mistakes, the other model's, if any.

    Of the mentions that only one of two models finds, `listed` are given.
    """
    record: dict[str, Any] = {name: dict(score) for name, score in report.scores.items()}
    if intervals:
        for name, bounds in report.intervals.items():
            record[name]["intervals"] = bounds
    if errors is not None:
        groups = most_frequent(report.mistakes, errors)
        record["errors"] = {
            "counts": count_kinds(report.mistakes),
            "frequent": [
                {"count": count, **mistake_record(mistake)} for group in groups.values() for count, mistake in group
            ],
        }
    if report.theirs and report.comparison:
        record["against"] = {
            "model": report.theirs.model,
            "scores": report.theirs.scores,
            "difference": {
                name: {"f1": difference.f1, "interval": difference.interval, "p": difference.p}
                for name, difference in report.comparison.differences.items()
            },
            "right_only_in_model": _mentions(report.comparison.only_ours, listed),
            "right_only_in_against": _mentions(report.comparison.only_theirs, listed),
        }
    return record


def mistake_record(mistake: Mistake) -> dict[str, Any]:
    """A mistake with its context; `passage` counts from 1, offsets are of the passage."""
    before, text, after = mistake.context(_CONTEXT)
    return {
        "class": mistake.kind,
        "gold": _span(mistake.text, mistake.gold),
        "found": _span(mistake.text, mistake.found),
        "passage": mistake.passage + 1,
        "before": before,
        "text": text,
        "after": after,
    }


def _span(text: str, span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "mention": text[span.start_char : span.end_char],
        "type": span.entity_type,
        "start_char": span.start_char,
        "end_char": span.end_char,
    }


def _mentions(alone: Counter[tuple[str, str]], listed: int) -> dict[str, Any]:
    frequent = alone.most_common(listed)
    return {
        "count": alone.total(),
        "frequent": [{"mention": mention, "type": kind, "count": count} for (mention, kind), count in frequent],
    }
