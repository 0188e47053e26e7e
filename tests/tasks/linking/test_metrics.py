"""`metrics`: accuracy at 1, and F1 of mentions and of documents, on cases that are counted by hand."""

from litmine.tasks.linking.metrics import GoldLink, accuracy_by_type, end_to_end


def test_any_gold_identifier_counts_and_the_first_prediction_is_judged() -> None:
    links = [
        GoldLink("Disease", ["A", "B"], ["B"]),
        GoldLink("Disease", ["A"], ["B", "A"]),
        GoldLink("Disease", ["A"], []),
        GoldLink("Chemical", ["C"], ["C"]),
        GoldLink("Chemical", [], ["C"]),
    ]
    assert accuracy_by_type(links) == {
        "Chemical": {"accuracy": 100.0, "support": 1},
        "Disease": {"accuracy": 100 / 3, "support": 3},
        "micro": {"accuracy": 50.0, "support": 4},
    }
    assert accuracy_by_type([]) == {}


def test_end_to_end_counts_spans_types_identifiers_and_documents() -> None:
    gold = [(0, 4, "Disease", ["A"]), (9, 12, "Disease", ["A"]), (20, 25, "Chemical", ["B"]), (30, 31, "Chemical", [])]
    predicted = [(0, 4, "Disease", ["A"]), (9, 11, "Disease", ["A"]), (20, 25, "Chemical", ["C"])]
    scores = end_to_end([(gold, predicted)])
    assert scores["Disease"] == {"precision": 50.0, "recall": 50.0, "f1": 50.0, "support": 2}
    assert scores["Chemical"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert scores["micro"]["support"] == 3
    assert scores["documents"]["Disease"] == {"precision": 100.0, "recall": 100.0, "f1": 100.0, "support": 1}
    assert scores["documents"]["micro"] == {"precision": 50.0, "recall": 50.0, "f1": 50.0, "support": 2}


def test_nothing_is_scored_without_mentions() -> None:
    assert end_to_end([([], [])]) == {"documents": {}}
