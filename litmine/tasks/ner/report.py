"""The evaluation report of one corpus: scores with intervals, errors and the comparison of two models.

`report_record` gives the JSON form and `report_lines` the table. Names and mentions are put on one line here; the
command escapes other terminal control characters.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from litmine.tasks.ner.confidence import RESAMPLES, Comparison, Interval, bootstrap, compare
from litmine.tasks.ner.error_analysis import KINDS, Mistake, count_kinds, find_mistakes, most_frequent
from litmine.tasks.ner.evaluate import Predictions, Scores
from litmine.types import Span


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Scores (percent) and 95 % intervals by type and `micro`, mistakes, and the comparison of two models if any."""

    ours: Predictions
    theirs: Predictions | None
    scores: Scores
    intervals: dict[str, dict[str, Interval]]
    mistakes: tuple[Mistake, ...] = field(repr=False)
    comparison: Comparison | None

    @property
    def unit(self) -> str:
        """The unit of the bootstrap resamples."""
        return "sentences" if self.ours.corpus.continuous else "documents"


def make_report(ours: Predictions, theirs: Predictions | None = None, resamples: int = RESAMPLES) -> EvaluationReport:
    """Score predictions, and compare them with another model's (`theirs`) on the same corpus."""
    return EvaluationReport(
        ours,
        theirs,
        ours.scores,
        bootstrap(ours.counts, ours.corpus.entity_types, resamples),
        tuple(find_mistakes(ours.corpus.passages, ours.spans)),
        compare(ours, theirs, resamples) if theirs else None,
    )


_CONTEXT_IN_RECORD = 60


def report_record(report: EvaluationReport, intervals: bool, errors: int | None, listed: int) -> dict[str, Any]:
    """The report as JSON: scores by type and `micro`, and optional parts.

    `intervals` adds the 95 % intervals. `errors` is the number of most frequent mistakes to add for each kind. With two
    models, `listed` is the number of mentions to list that only one of them finds.
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
            "right_only_in_model": _mentions_record(report.comparison.only_ours, listed),
            "right_only_in_against": _mentions_record(report.comparison.only_theirs, listed),
        }
    return record


def mistake_record(mistake: Mistake) -> dict[str, Any]:
    """A mistake with its context as JSON; `passage` counts from 1, and offsets refer to the passage."""
    before, text, after = mistake.context(_CONTEXT_IN_RECORD)
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


def _mentions_record(mentions: Counter[tuple[str, str]], listed: int) -> dict[str, Any]:
    frequent = mentions.most_common(listed)
    return {
        "count": mentions.total(),
        "frequent": [{"mention": mention, "type": kind, "count": count} for (mention, kind), count in frequent],
    }


_CONTEXT_IN_TABLE = 40
_MAX_WIDTH = 44


def report_lines(report: EvaluationReport, errors: int | None, listed: int) -> Iterator[str]:
    """The report as lines of text; `errors` and `listed` as in `report_record`."""
    corpus = report.ours.corpus
    yield f"{_shorten(corpus.name)}: {len(corpus.passages):,} {report.unit}, tagged by {_shorten(report.ours.model)}"
    yield from _score_lines(report)
    if report.theirs and report.comparison:
        yield from _comparison_lines(report, report.theirs, report.comparison, listed)
    if errors is not None:
        yield from _mistake_lines(report, errors)


def _score_lines(report: EvaluationReport) -> Iterator[str]:
    width = _width(report)
    yield f"{'':{width}}{'precision':>10}{'recall':>10}{'F1':>10}{'95 % interval':>18}{'support':>10}"
    for name, score in report.scores.items():
        shown = "".join(f"{score[key]:>10.2f}" for key in ("precision", "recall", "f1"))
        low, high = report.intervals[name]["f1"]
        yield f"{_shorten(name):{width}}{shown}{f'{low:.2f} to {high:.2f}':>18}{int(score['support']):>10}"


def _comparison_lines(
    report: EvaluationReport, theirs: Predictions, comparison: Comparison, listed: int
) -> Iterator[str]:
    width, other = _width(report), theirs.scores
    yield ""
    yield f"against {_shorten(theirs.model)}"
    yield f"{'':{width}}{'F1':>10}{'its F1':>10}{'difference':>12}{'95 % interval':>18}{'p':>8}"
    for name, difference in comparison.differences.items():
        low, high = difference.interval
        yield (
            f"{_shorten(name):{width}}{report.scores[name]['f1']:>10.2f}{other[name]['f1']:>10.2f}"
            f"{difference.f1:>+12.2f}{f'{low:+.2f} to {high:+.2f}':>18}{difference.p:>8.3f}"
        )
    for model, mentions in ((report.ours.model, comparison.only_ours), (theirs.model, comparison.only_theirs)):
        yield ""
        yield f"found only by {_shorten(model)}: {mentions.total():,} gold mentions"
        yield from _mention_lines(mentions, listed)


def _mention_lines(mentions: Counter[tuple[str, str]], listed: int) -> Iterator[str]:
    for (mention, kind), count in mentions.most_common(listed):
        yield f"{count:>6}  {_shorten(kind)} {_shorten(mention)}"


def _mistake_lines(report: EvaluationReport, errors: int) -> Iterator[str]:
    counts = count_kinds(report.mistakes)
    yield ""
    yield "errors: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    for kind, group in most_frequent(report.mistakes, errors).items():
        if group:
            yield ""
            yield f"{kind}: {KINDS[kind]}"
            rows = [(f"{times:>6}", *_pair(mistake)) for times, mistake in group]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row, (_, mistake) in zip(rows, group, strict=True):
                cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
                yield "  ".join([*cells, _example(mistake)])


def _pair(mistake: Mistake) -> tuple[str, str]:
    sides = ("gold", mistake.gold), ("found", mistake.found)
    gold, found = (f"{side} {_mention(mistake.text, span)}" if span else "" for side, span in sides)
    return gold, found


def _mention(text: str, span: Span) -> str:
    return f"{_shorten(span.entity_type)} {_shorten(text[span.start_char : span.end_char])}"


def _example(mistake: Mistake) -> str:
    """The mention between « and » with its context, on one line."""
    start, end = mistake.bounds
    before, text, after = mistake.context(_CONTEXT_IN_TABLE)
    left = "…" if start > _CONTEXT_IN_TABLE else ""
    right = "…" if end + _CONTEXT_IN_TABLE < len(mistake.text) else ""
    return f"{left}{_one_line(before)}«{_one_line(text)}»{_one_line(after)}{right}"


def _width(report: EvaluationReport) -> int:
    return max(12, *(len(_shorten(name)) + 2 for name in report.scores))


def _shorten(text: str) -> str:
    text = _one_line(text)
    return text if len(text) <= _MAX_WIDTH else text[: _MAX_WIDTH - 1] + "…"


def _one_line(text: str) -> str:
    """The text on one line, with single spaces; one leading and one trailing space stay."""
    inner = " ".join(text.split())
    return f"{' ' if text[:1].isspace() else ''}{inner}{' ' if inner and text[-1:].isspace() else ''}"
