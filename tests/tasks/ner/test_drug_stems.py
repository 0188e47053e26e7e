"""Names of drugs by the stems of international nonproprietary names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner.drug_stems import find_drug_names
from litmine.tasks.ner.type_rules import settle_types
from litmine.types import Entity


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in find_drug_names(text)]


def test_drugs_are_found_by_their_stems() -> None:
    text = "Gefitinib and pembrolizumab, osimertinib-resistant cells; sotorasib, nirmatrelvir (tacrolimus)."
    assert found(text) == ["Gefitinib", "pembrolizumab", "osimertinib", "sotorasib", "nirmatrelvir", "tacrolimus"]


@pytest.mark.parametrize(
    "word",
    [
        "april", "intercept", "histidine", "cystatin", "cholesterol", "tinib", "mab", "GEFITINIB", "gefitinib2",
        "anti-gefitinib", "gefitinibs", "Platin", "taxel", "olol",
    ],
)  # fmt: skip
def test_other_words_are_no_drugs(word: str) -> None:
    assert found(f"The {word} here") == []


@given(st.text(st.sampled_from("aeimnopqrstuvxyzABİß -.\n"), max_size=60))
def test_offsets_are_those_of_whole_words(text: str) -> None:
    for start, end in find_drug_names(f"{text} gefitinib {text}"):
        word = f"{text} gefitinib {text}"[start:end]
        assert word.isalpha()
        assert word.isascii()
    assert (len(text) + 1, len(text) + 10) in list(find_drug_names(f"{text} gefitinib {text}"))


@pytest.mark.parametrize("wrong", ["Gene", "Protein", "Anatomy"])
def test_a_drug_has_no_other_type(wrong: str) -> None:
    text = "Cetuximab was given."
    kept = settle_types(text, [Entity("Cetuximab", wrong, 0, 9, 0.9)], {wrong, "Chemical"})
    assert kept == [Entity("Cetuximab", "Chemical", 0, 9, 1.0)]
    both = [Entity("Cetuximab", wrong, 0, 9, 0.9), Entity("Cetuximab", "Chemical", 0, 9, 0.6)]
    assert settle_types(text, both, {wrong, "Chemical"}) == [Entity("Cetuximab", "Chemical", 0, 9, 0.6)]


def test_a_tagger_without_chemicals_finds_no_drugs() -> None:
    assert settle_types("Gefitinib was given.", [], {"Gene"}) == []
