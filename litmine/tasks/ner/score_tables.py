"""Reports as tables: scores with intervals, two models side by side, mistakes in their context.

Names and mentions stand on one line here; what else in them could control a terminal, the command makes visible.
"""

from collections import Counter
from collections.abc import Iterator

from litmine.tasks.ner.comparison import Comparison
from litmine.tasks.ner.error_analysis import KINDS, Mistake, count_kinds, most_frequent
from litmine.tasks.ner.evaluate import Predictions
from litmine.tasks.ner.report import Report
from litmine.types import Span

_CONTEXT = 40
_WIDEST = 44


def report_lines(report: Report, errors: int | None, listed: int) -> Iterator[str]:
    """The report of one corpus; of mistakes the `errors` most frequent, of mentions one model alone finds `listed`."""
    corpus = report.ours.corpus
    yield f"{_cut(corpus.name)}: {len(corpus.passages):,} {report.unit}, read by {_cut(report.ours.model)}"
    yield from _scores(report)
    if report.theirs and report.comparison:
        yield from _comparison(report, report.theirs, report.comparison, listed)
    if errors is not None:
        yield from _mistakes(report, errors)


def _scores(report: Report) -> Iterator[str]:
    width = _width(report)
    yield f"{'':{width}}{'precision':>10}{'recall':>10}{'F1':>10}{'95 % interval':>18}{'support':>10}"
    for name, score in report.scores.items():
        shown = "".join(f"{score[key]:>10.2f}" for key in ("precision", "recall", "f1"))
        low, high = report.intervals[name]["f1"]
        yield f"{_cut(name):{width}}{shown}{f'{low:.2f} to {high:.2f}':>18}{int(score['support']):>10}"


def _comparison(report: Report, theirs: Predictions, comparison: Comparison, listed: int) -> Iterator[str]:
    width, other = _width(report), theirs.scores
    yield ""
    yield f"against {_cut(theirs.model)}"
    yield f"{'':{width}}{'F1':>10}{'its F1':>10}{'difference':>12}{'95 % interval':>18}{'p':>8}"
    for name, difference in comparison.differences.items():
        low, high = difference.interval
        yield (
            f"{_cut(name):{width}}{report.scores[name]['f1']:>10.2f}{other[name]['f1']:>10.2f}"
            f"{difference.f1:>+12.2f}{f'{low:+.2f} to {high:+.2f}':>18}{difference.p:>8.3f}"
        )
    for model, alone in ((report.ours.model, comparison.only_ours), (theirs.model, comparison.only_theirs)):
        yield ""
        yield f"right in {_cut(model)} alone: {alone.total():,} mentions"
        yield from _mentions(alone, listed)


def _mentions(alone: Counter[tuple[str, str]], listed: int) -> Iterator[str]:
    for (mention, kind), count in alone.most_common(listed):
        yield f"{count:>6}  {_cut(kind)} {_cut(mention)}"


def _mistakes(report: Report, errors: int) -> Iterator[str]:
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
    return f"{_cut(span.entity_type)} {_cut(text[span.start_char : span.end_char])}"


def _example(mistake: Mistake) -> str:
    """The mention between « and », in what stands around it, on one line."""
    start, end = mistake.bounds
    before, text, after = mistake.context(_CONTEXT)
    left = "…" if start > _CONTEXT else ""
    right = "…" if end + _CONTEXT < len(mistake.text) else ""
    return f"{left}{_line(before)}«{_line(text)}»{_line(after)}{right}"


def _width(report: Report) -> int:
    return max(12, *(len(_cut(name)) + 2 for name in report.scores))


def _cut(text: str) -> str:
    text = _line(text)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _line(text: str) -> str:
    """The text on one line; outer space stays, as one."""
    inner = " ".join(text.split())
    return f"{' ' if text[:1].isspace() else ''}{inner}{' ' if inner and text[-1:].isspace() else ''}"
