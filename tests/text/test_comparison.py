"""What comparisons of drugs deny: the harm of the drug compared with, and of the drug that had less of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.comparison import OBJECT, SUBJECT, compares, denied_by_comparison


def denied(text: str) -> bool:
    """Whether a comparison denies it; A is the drug, O the harm."""
    wording = (
        text.replace(" A", f" {SUBJECT}")
        .replace("A ", f"{SUBJECT} ")
        .replace(" O", f" {OBJECT}")
        .replace("O ", f"{OBJECT} ")
    )
    assert wording.count(SUBJECT) == wording.count(OBJECT) == 1, wording
    return compares(text) and denied_by_comparison(wording)


@pytest.mark.parametrize(
    "text",
    [
        "In comparison with A , weight gain and O were seen with lithium.",
        "Compared with oral A , lithium caused O and rash.",
        "Lithium caused rash and, compared with A , more O .",
        "Rash was more frequent with lithium, and O more frequent with lithium than A .",
        "O (31%) and rash (18%) occurred in more patients in the lithium group than in the A group (18%).",
        "Dry eyes and O were more frequent with lithium (19%) than with placebo (12%) or A (14%).",
        "Lithium caused significantly higher rates of O than did A .",
        "Many more patients on lithium had O than patients treated with placebo or A SR.",
        "Those on lithium were more likely than patients receiving A to report O .",
        "O was increased with lithium compared with A .",
    ],
)
def test_the_drug_compared_with_does_not_have_the_harm(text: str) -> None:
    assert denied(text)


@pytest.mark.parametrize(
    "text",
    [
        "A was followed by significantly fewer headaches and O than lithium.",
        "Fewer patients on A had O .",
        "The incidence of O was significantly lower in the A group than with placebo.",
        "Frequency of rash and O were less in the A group.",
        "O was less with A than with lithium.",
        "A was associated with a reduced incidence and severity of rash and O .",
        "A has a lower risk of O than lithium.",
        "Patients on A were less likely than others to have O .",
        "The frequency of O with A was not significantly greater than with placebo.",
        "O with A did not significantly differ from placebo.",
        "No differences were found in sleep, number of falls, or O in persons on A compared with placebo.",
        "A caused no more O than placebo.",
    ],
)
def test_a_drug_with_less_of_the_harm_does_not_have_it(text: str) -> None:
    assert denied(text)


@pytest.mark.parametrize(
    "text",
    [
        "O was more frequent with A than with lithium.",
        "In comparison with lithium, O was seen with A .",
        "Lithium was followed by significantly fewer headaches and O than A .",
        "The incidence of O was lower with lithium than with A .",
        # A harm that is milder or rarer is there.
        "O was less severe with A than with lithium.",
        "A produced less O than lithium.",
        "Lithium caused more rash and less O than A .",
        # Other comparisons: of numbers, of times, and of doses.
        "O occurred in more than 10% of those on A .",
        "O was seen with A at higher doses than usual.",
        "After a lower dose of A he had O .",
        "A was given for less than a week, and then came O .",
        "Fewer patients had a rash; A caused O .",
        "Fewer patients had a rash, but A caused O .",
        "Nightmares were fewer, and caused by lithium, while O was seen with A .",
        "There were no differences in safety with the exception of O which was more frequent in the A group.",
        "More rash than O was seen with A .",
        "A more or less extensive O was seen.",
    ],
)
def test_other_comparisons_deny_nothing(text: str) -> None:
    assert not denied(text)


WORDS = st.sampled_from(
    ["more", "less", "fewer", "than", "with", "O", "A", ",", "compared", "no", "not", ";", "risk of"]
)


@given(
    st.one_of(st.text(), st.lists(WORDS.map(lambda word: {"O": OBJECT, "A": SUBJECT}.get(word, word))).map(" ".join))
)
def test_a_comparison_needs_a_harm(wording: str) -> None:
    assert not denied_by_comparison(wording.replace(OBJECT, ""))
    assert denied_by_comparison(wording) in (False, True)


@pytest.mark.parametrize(
    "piece", ["less ", "more with ", "than with x or ", "fewer than ", f"{OBJECT} ", "no differences in "]
)
def test_a_very_long_text_has_an_answer(piece: str) -> None:
    # Rules whose time grows with the square of the length would take hours.
    denied_by_comparison(f"{SUBJECT} {piece * 10_000}")
