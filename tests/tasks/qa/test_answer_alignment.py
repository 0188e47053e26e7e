"""Occurrences of answers in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.qa.answer_alignment import find_occurrences


def found(text: str, *answers: str) -> list[str]:
    return [text[start:end] for start, end in find_occurrences(answers, text)]


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("Aspirin, and aspirin again, not aspirins", "aspirin", ["Aspirin", "aspirin"]),
        ("the Ca2+ ATPase pump", "Ca(2+)-ATPase", ["Ca2+ ATPase"]),
        ("the Ca(2+)-ATPase pump", "Ca(2+) ATPase", ["Ca(2+)-ATPase"]),
        ("a rate of 5% or 5 mm", "5%", ["5%", "5"]),
        ("held at -70 mV here", "-70 mV", ["-70 mV"]),
        ("the transporter MCT8 is", "monocarboxylate transporter 8 (MCT8)", ["MCT8"]),
        ("TNF-α, TNFα and TNF α", "TNF-α", ["TNF-α", "TNFα", "TNF α"]),
        ("in 1973, not 19731", "1973.", ["1973"]),
        ("nothing", "???", []),
    ],
)
def test_an_answer_matches_despite_case_and_punctuation(text: str, answer: str, expected: list[str]) -> None:
    assert found(text, answer) == expected


def test_occurrences_of_synonyms_are_sorted_and_unique() -> None:
    assert found("SERCA2, or SERCA", "serca", "SERCA", "serca2") == ["SERCA2", "SERCA"]


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3), st.text(max_size=60))
def test_every_occurrence_is_inside_the_text(answers: list[str], text: str) -> None:
    expected = find_occurrences(answers, text)
    assert expected == sorted(set(expected))
    assert all(0 <= start < end <= len(text) for start, end in expected)


@given(st.from_regex(r"[A-Za-z0-9α-ω]{1,8}([ -][A-Za-z0-9]{1,8}){0,2}", fullmatch=True), st.text(max_size=20))
def test_an_answer_between_spaces_is_found(answer: str, around: str) -> None:
    text = f"{around} {answer} {around}"
    assert (len(around) + 1, len(around) + 1 + len(answer)) in find_occurrences([answer], text)
