"""`abbreviations`: the definitions of each text, with offsets that quote it."""

from litmine.lake.articles import NewTexts
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.abbreviations.model import abbreviation_rows
from litmine.text.abbreviations import Abbreviation, find_abbreviations


def test_rows_have_both_forms_and_are_sorted_by_pmid() -> None:
    first, second = "Tumour necrosis factor (TNF) and heat shock protein (HSP).", "No short form."
    texts = NewTexts([9, 5, 7], [1, 2, 3], [first, second, first], [[], [], []])
    found: list[list[Abbreviation] | FailedItem] = [
        find_abbreviations(first),
        find_abbreviations(second),
        FailedItem("poisoned"),
    ]
    assert abbreviation_rows(texts, found) == [
        (9, 1, 24, 27, "TNF", 0, 22, "Tumour necrosis factor"),
        (9, 1, 53, 56, "HSP", 33, 51, "heat shock protein"),
    ]
