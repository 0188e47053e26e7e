"""Words of a trial's design, by rules."""

import pytest

from litmine.text.trial_design import find_design


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "A phase II/III, double-blind, randomised, placebo-controlled crossover trial",
            ["phase 2/3", "blinding double", "allocation randomised", "control placebo", "model crossover"],
        ),
        ("a non-randomized, open-label phase 1b study", ["allocation nonrandomised", "blinding open", "phase 1"]),
        ("patients were randomly assigned to two arms", ["allocation randomised"]),
        ("patients were not randomly allocated", ["allocation nonrandomised"]),
        ("assessor-blinded, cluster-randomised", ["blinding single", "model cluster", "allocation randomised"]),
        ("Phases 2 and 3", ["phase 2/3"]),
        ("phase I detoxification, phase 3 of the study, Mendelian randomization", []),
        ("a multicentre trial", ["centres multi"]),
        ("We searched MEDLINE; ten trials were included.", ["report review", "report review"]),
        ("a random sample of blind people who searched for help", []),
    ],
)
def test_words_with_their_values(text: str, found: list[str]) -> None:
    words = find_design(text)
    assert [f"{one.element} {one.value}" for one in words] == found
    assert all(0 <= one.start_char < one.end_char <= len(text) for one in words)
