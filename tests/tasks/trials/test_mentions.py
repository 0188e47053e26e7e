"""Mentions of the heads become rows: numbers of people are whole, and other numbers count no people."""

import pytest

from litmine.tasks.trials.mentions import all_mentions, head_mentions, split_head_name
from litmine.types import Entity

HEAD = "total-participants (PICO-Corpus)"


@pytest.mark.parametrize(
    ("text", "marked", "mention", "number"),
    [
        ("At that time 19,196 patients had", "196", "19,196", 19196),
        ("for 14,710 and 10 patients", "14", "14,710", 14710),
        ("in 20 clinical centers", "20", "20", None),
        ("Sixty-three percent of patients", "Sixty-three", "Sixty-three", None),
        ("aged 40 years", "40", "40", None),
        ("Of 37 patients (30 women", "37", "37", 37),
        ("n = 30.", "n = 30", "n = 30", 30),
        ("Twelve, of 5", "Twelve", "Twelve", 12),
    ],
)
def test_numbers_of_people(text: str, marked: str, mention: str, number: int | None) -> None:
    start = text.index(marked)
    (found,) = head_mentions(text, [Entity(marked, HEAD, start, start + len(marked), 0.9)])
    assert (found.mention, found.number) == (mention, number)
    assert text[found.start_char : found.end_char] == found.mention
    assert (found.element, found.guideline) == ("total-participants", "PICO-Corpus")


def test_other_mentions_stay_as_they_are() -> None:
    (found,) = head_mentions("1,204 adults", [Entity("204 adults", "Population (EBM-NLP)", 2, 12, 0.5)])
    assert (found.mention, found.number) == ("204 adults", None)
    assert split_head_name("Outcome") == ("Outcome", "")


def test_a_rule_gives_the_number_of_people_where_no_head_does() -> None:
    text = "A total of 72 men took part."
    (found,) = all_mentions(text, [])
    assert (found.mention, found.element, found.guideline, found.number) == ("72", "total-participants", "rules", 72)
    (found,) = all_mentions(text, [Entity("72", HEAD, 11, 13, 0.75)])
    assert found.guideline == "PICO-Corpus"
    assert len(all_mentions(text, [Entity("72", HEAD, 11, 13, 0.25)])) == 2
