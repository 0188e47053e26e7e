"""The number of people that a trial enrolled, by rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.counts import parse_count
from litmine.text.enrolment import find_enrolment


def number_of(text: str) -> int | None:
    """The number that is found, read."""
    found = find_enrolment(text)
    return None if found is None else parse_count(text[found.start_char : found.end_char])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A total of 1292 ambulatory men with osteoporosis were randomized.", 1292),
        ("A total of 1,292 patients took part.", 1292),
        ("In this trial, 72 obese subjects were randomised to two diets.", 72),
        ("Forty-eight healthy volunteers with no history of asthma were studied.", 48),
        ("One hundred and twenty women aged 20 to 40 years were enrolled.", 120),
        ("We randomly assigned 625 patients to aspirin or placebo.", 625),
        ("This study investigated 30 adolescents.", 30),
        ("Patients with gout (N=273) took colchicine.", 273),
        ("In a phase 3 trial, 61 patients were randomised.", 61),
        ("😀 72 children were recruited.", 72),
        ("Of all, 40 patients were randomised to aspirin and 41 to placebo. A total of 81 patients had results.", 81),
    ],
)
def test_what_is_plainly_said(text: str, number: int) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "40 patients were randomised to aspirin and 41 to placebo.",
        "We randomly assigned 40 patients to aspirin and 41 to placebo.",
        "A total of 40 women (20.5%) had pain.",
        "In this phase 3 trial, patients were randomised.",
        "At 13 centres patients were enrolled.",
        "Pain fell in the aspirin group (n = 30).",
        "After 12 weeks patients were randomised again.",
        "Of the rats, 20 were randomised.",
        "In 4.5 patients were included.",
        "12% patients were included.",
        "Severe (N = 149) and mild (N = 79) depression.",
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    assert find_enrolment(text) is None


WORDS = st.sampled_from(
    ["total of ", "12 ", "1,204 ", "patients ", "were ", "randomised ", "forty-", "(N = ", ")", "to ", "and "]
)


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
def test_what_is_found_is_a_number(text: str) -> None:
    found = find_enrolment(text)
    if found is not None:
        assert parse_count(text[found.start_char : found.end_char]) is not None


@pytest.mark.parametrize("piece", ["12 ", "forty ", "total of 12 x ", "12 patients and ", "1 234 "])
def test_a_very_long_text_has_an_answer(piece: str) -> None:
    # Rules whose time grows with the square of the length would take hours.
    assert find_enrolment(piece * 10_000) is None
