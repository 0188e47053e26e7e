"""A row of `trials` in words."""

from typing import Any

import pytest

from litmine.output.trial_text import listed, trial_design, trial_facts

EMPTY: dict[str, Any] = {
    "design": None, "enrolled": None, "arms": None, "populations": None, "interventions": None, "comparators": None,
    "outcomes": None, "results": None, "registry_ids": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("design", "words"),
    [
        (None, ""),
        ({"randomised": True, "blinding": "double", "crossover": True, "phase": "2"},
         "randomised, double-blind, crossover, phase 2"),
        ({"randomised": False, "blinding": "open", "crossover": False, "phase": None}, "not randomised, open-label"),
        ({"randomised": None, "blinding": None, "crossover": False, "phase": None}, ""),
    ],
)  # fmt: skip
def test_a_design_in_words(design: dict[str, Any] | None, words: str) -> None:
    assert trial_design({"design": design}) == words


def test_only_what_the_text_says_is_there() -> None:
    assert trial_facts(EMPTY) == []
    row = EMPTY | {
        "enrolled": 1200,
        "arms": [{"arm": "intervention", "number": 600}, {"arm": "control", "number": None}],
        "populations": [{"mention": "Men"}, {"mention": "men"}],
        "registry_ids": ["NCT00000001"],
    }
    assert trial_facts(row) == [
        ("enrolled", "1,200"),
        ("arms", "intervention 600"),
        ("populations", "Men"),
        ("registered as", "NCT00000001"),
    ]


def test_a_long_list_is_cut() -> None:
    assert listed([str(one) for one in range(9)], 3) == "0; 1; 2; and 6 more"
