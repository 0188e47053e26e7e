"""`abbreviations`: the definitions of each text, with offsets that quote it."""

import json
from hashlib import blake2b
from pathlib import Path

from litmine.lake.articles import NewTexts, read_new_texts
from litmine.lake.lake import Lake
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.abbreviations.model import abbreviation_rows
from litmine.tasks.registry import identify, load_task_model
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


def test_a_change_of_the_rules_changes_the_digest(imported_lake: Path) -> None:
    """If this fails because the abbreviations of the sample changed, increase `_RULES` and record both anew."""
    model = load_task_model("builtin-abbreviations", "abbreviations")
    rows = []
    for part in Lake(imported_lake).parts():
        texts = read_new_texts(imported_lake / "articles" / f"{part}.parquet")
        rows += abbreviation_rows(texts, model.decode(texts.texts, (), None, ()))
    digest = blake2b(json.dumps(sorted(rows)).encode(), digest_size=6).hexdigest()
    assert (identify("builtin-abbreviations"), len(rows), digest) == (
        "builtin-abbreviations@0d23ea488921",
        175,
        "10c5900c2504",
    )
