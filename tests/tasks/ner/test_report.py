"""Tables of scores: control characters in mentions and names are made visible."""

from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.cli.evaluate import print_result
from litmine.corpora.corpus import Corpus, Passage
from litmine.specs import EvaluationResult
from litmine.tasks.ner.evaluate import Predictions, count_spans
from litmine.tasks.ner.report import make_report, report_lines
from litmine.types import Span

TEXT = "The \x1b[2Jpain\nof \u202etsap\x07 " + "and so on " * 20


PrintTable = Callable[..., list[str]]


@pytest.fixture
def print_table(capsys: pytest.CaptureFixture[str]) -> PrintTable:
    """`print_table(span, ...)`: the lines that the command prints for a model that found these spans."""

    def printed(*found: Span) -> list[str]:
        print_result(EvaluationResult(record={}, table=table(*found)), "table")
        return capsys.readouterr().out.splitlines()

    return printed


def table(*found: Span) -> list[str]:
    kind = "Dis\x1b]0;ease"
    corpus = Corpus("evil\x1b[1m", Path("evil.tsv"), (kind,), (Passage(TEXT, (Span(4, 12, kind),)),), True)
    spans = tuple(Span(span.start_char, span.end_char, kind) for span in found)
    predictions = Predictions("mine", corpus, (spans,), count_spans([(corpus.passages[0].spans, spans)], (kind,)))
    nothing = Predictions("other\x9b", corpus, ((),), count_spans([(corpus.passages[0].spans, ())], (kind,)))
    return list(report_lines(make_report(predictions, nothing), 5, 5))


def test_no_control_character_reaches_the_terminal(print_table: PrintTable) -> None:
    for lines in (
        print_table(),
        print_table(Span(4, 12, "")),
        print_table(Span(5, 20, "")),
        print_table(Span(16, 21, "")),
    ):
        shown = "\n".join(lines)
        assert lines[0] == "evil\ufffd[1m: 1 sentences, tagged by mine"
        assert shown.replace("\n", "").isprintable()
        assert "pain" in shown


def test_an_example_is_one_line_with_its_context(print_table: PrintTable) -> None:
    (boundary,) = [line for line in print_table(Span(4, 15, "")) if "«" in line]
    assert boundary == (
        "     1  gold Dis\ufffd]0;ease \ufffd[2Jpain  found Dis\ufffd]0;ease \ufffd[2Jpain of"
        "  The «\ufffd[2Jpain of» \ufffdtsap\ufffd and so on and so on and so on an…"
    )


def test_columns_are_aligned(print_table: PrintTable) -> None:
    _, header, *rows = print_table(Span(4, 12, ""))[:4]
    assert {len(row) for row in rows} == {len(header)}
