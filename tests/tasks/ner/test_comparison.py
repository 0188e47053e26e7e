"""The comparison of two models' predictions: differences, and mentions that only one model finds."""

from collections.abc import Callable, Sequence

import pytest

from litmine.corpora.corpus import Corpus
from litmine.tasks.ner.confidence import compare
from litmine.tasks.ner.evaluate import Predictions, count_spans
from litmine.tasks.ner.report import make_report
from litmine.types import Span

Predicted = Sequence[Sequence[Span]]


@pytest.fixture
def corpus(make_corpus: Callable[..., Corpus]) -> Corpus:
    return make_corpus(
        "made",
        "An [allergy](Disease) to [penicillin](Chemical).",
        "[Penicillin](Chemical) and [aspirin](Chemical).",
        "Nothing.",
    )


def predicted(corpus: Corpus, spans: Predicted, model: str = "mine") -> Predictions:
    gold = [passage.spans for passage in corpus.passages]
    counts = count_spans(zip(gold, spans, strict=True), corpus.entity_types)
    return Predictions(model, corpus, tuple(map(tuple, spans)), counts)


def test_mentions_that_only_one_model_finds(corpus: Corpus) -> None:
    allergy, penicillin = corpus.passages[0].spans
    again, aspirin = corpus.passages[1].spans
    ours = predicted(corpus, [[penicillin], [again, Span(15, 22, "Disease")], []])
    theirs = predicted(corpus, [[allergy], [aspirin], [Span(0, 7, "Disease")]])
    compared = compare(ours, theirs)
    # The spelling of its first occurrence.
    assert compared.only_ours == {("penicillin", "Chemical"): 2}
    assert compared.only_theirs == {("allergy", "Disease"): 1, ("aspirin", "Chemical"): 1}
    assert list(compared.differences) == ["Chemical", "Disease", "micro"]
    assert compared.differences["Chemical"].f1 == pytest.approx(80.0 - 50.0)
    assert compared.differences["Disease"].f1 == pytest.approx(0.0 - 200 / 3)


def test_the_same_predictions_do_not_differ(corpus: Corpus) -> None:
    ours = predicted(corpus, [passage.spans[:1] for passage in corpus.passages])
    compared = compare(ours, ours)
    assert not compared.only_ours
    assert not compared.only_theirs
    assert {(one.f1, one.p) for one in compared.differences.values()} == {(0.0, 1.0)}


def test_a_report_has_consistent_parts(corpus: Corpus) -> None:
    allergy, _ = corpus.passages[0].spans
    ours = predicted(corpus, [[allergy], [], [Span(0, 7, "Disease")]])
    report = make_report(ours, resamples=200)
    assert (report.theirs, report.comparison, report.unit) == (None, None, "sentences")
    assert report.scores == ours.scores
    assert [mistake.kind for mistake in report.mistakes] == ["missed"] * 3 + ["invented"]
    for name, score in report.scores.items():
        for figure, (low, high) in report.intervals[name].items():
            assert low <= score[figure] <= high
