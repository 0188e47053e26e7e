"""`mention_names`: long forms of the article's abbreviations, and the parts of composite mentions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.mention_names import Mention, full_names, parts_of_composite


def mentions_of(text: str, *found: str, entity_type: str = "Disease") -> list[Mention]:
    """The mentions of a text, in the order given, each the next place of its words."""
    placed: list[Mention] = []
    for words in found:
        start = text.index(words, placed[-1].end if placed else 0)
        placed.append(Mention(start, start + len(words), entity_type))
    return placed


def test_an_abbreviation_gets_the_long_form_of_its_article() -> None:
    text = "Myocardial infarction (MI) is frequent. MI recurs."
    assert full_names(text, mentions_of(text, "Myocardial infarction", "MI", "MI")) == [
        "Myocardial infarction",
        "Myocardial infarction",
        "Myocardial infarction",
    ]


def test_without_a_definition_a_mention_is_its_own_name() -> None:
    assert full_names("MI recurs.", mentions_of("MI recurs.", "MI")) == ["MI"]


def test_the_plural_and_the_first_word_of_a_name_are_expanded() -> None:
    text = "Neuroendocrine tumor (NET) and glucose-6-phosphate dehydrogenase (G6PD) deficiency: NETs, G6PD deficiency."
    assert full_names(text, mentions_of(text, "NETs", "G6PD deficiency")) == [
        "Neuroendocrine tumor",
        "glucose-6-phosphate dehydrogenase deficiency",
    ]


def test_a_mention_in_brackets_after_a_mention_with_its_letter_is_its_short_form() -> None:
    text = "Phlorizin (P) and testosterone [T] were given. P and T were low."
    found = mentions_of(text, "Phlorizin", "P", "testosterone", "T", "P", "T", entity_type="Chemical")
    assert full_names(text, found) == [
        *("Phlorizin", "Phlorizin", "testosterone", "testosterone", "Phlorizin", "testosterone"),
    ]


def test_a_mention_in_brackets_with_another_letter_or_type_is_no_short_form() -> None:
    text = "Aspirin (T) and tumor (Thy1)."
    found = [*mentions_of(text, "Aspirin", "T", entity_type="Chemical"), *mentions_of(text, "tumor")]
    thy1 = text.index("Thy1")
    assert full_names(text, [*found, Mention(thy1, thy1 + 4, "Gene")]) == ["Aspirin", "T", "tumor", "Thy1"]


@pytest.mark.parametrize(
    ("composite", "parts"),
    [
        ("breast and ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("breast/ovarian cancer", ["breast cancer", "ovarian cancer"]),
        ("brain, breast, and prostate cancer", ["brain cancer", "breast cancer", "prostate cancer"]),
        ("cancer of the breast and ovary", ["cancer of the breast", "cancer of the ovary"]),
        ("liver damage and renal failure", ["liver damage", "renal failure"]),
        ("nausea and vomiting", ["nausea", "vomiting"]),
        ("diabetes mellitus", []),
        ("and", []),
    ],
)
def test_parts_of_composite(composite: str, parts: list[str]) -> None:
    assert parts_of_composite(composite) == parts


@given(st.text(alphabet="ab (),/[]andor", max_size=40), st.integers(0, 40), st.integers(1, 8))
def test_any_mention_has_a_name(text: str, start: int, length: int) -> None:
    end = min(len(text), start + length)
    if start < end:
        names = full_names(text, [Mention(start, end, "Disease")])
        assert len(names) == 1
        assert names[0]
        assert all(parts_of_composite(names[0]))
