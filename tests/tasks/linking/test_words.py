"""`words`: names that mean the same have one form, and names are compared by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.words import Agreement, agreement, characters, form, stem, tokens, word_classes


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Diseases, Kidney", "kidney disease"),
        ("TNF-α", "TNF alpha"),
        ("haemorrhage", "Hemorrhages"),
        ("tumour of the liver", "liver tumor"),
        ("Sjögren syndrome", "Sjogren Syndrome"),
        ("type II diabetes", "diabetes type 2"),
        ("µ-opioid", "mu opioid"),
    ],
)
def test_names_that_mean_the_same_have_one_form(first: str, second: str) -> None:
    assert form(first) == form(second)
    assert agreement(first, second) >= Agreement.WORDS


@pytest.mark.parametrize(
    ("first", "second"), [("type 1 diabetes", "type 2 diabetes"), ("IL-1", "IL-10"), ("BRCA1", "BRCA2"), ("", "a")]
)
def test_other_names_have_another_form(first: str, second: str) -> None:
    assert agreement(first, second) == Agreement.NONE


def test_agreement_is_graded() -> None:
    names = ["HL-60", "hl-60", "HL 60", "60 HL", "HL-61"]
    assert [agreement("HL-60", name) for name in names] == [
        Agreement.EXACT,
        Agreement.CASE,
        Agreement.CHARACTERS,
        Agreement.WORDS,
        Agreement.NONE,
    ]


def test_classes_join_synonyms_of_disease_names() -> None:
    assert word_classes("Kidney cancers") == word_classes("renal tumour") == ("renal", "neoplasm")


def test_singular_of_short_and_latin_words_stays() -> None:
    assert [stem(word) for word in ("gas", "nodules", "virus", "diabetes", "pancreatitis", "masses")] == [
        "gas",
        "nodule",
        "virus",
        "diabete",
        "pancreatitis",
        "mass",
    ]


@given(st.text(max_size=60))
def test_form_of_any_text(name: str) -> None:
    assert form(name) == form(f" {name} ")
    assert agreement(name, name) == Agreement.EXACT
    assert characters(name) == "".join(tokens(name))


@given(st.lists(st.sampled_from(["kidney", "acute", "failure", "type", "2"]), min_size=1, max_size=5), st.randoms())
def test_order_of_words_does_not_matter(words: list[str], random: object) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert form(" ".join(words)) == form(" ".join(shuffled))
