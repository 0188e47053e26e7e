"""`gene_names` and `species_evidence`: other forms of gene mentions, and the species that a text is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.gene_names import gene_forms
from litmine.tasks.linking.species_evidence import FAR, HUMAN, MOUSE, ZEBRAFISH, SpeciesEvidence


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("human TP53", "TP53"),
        ("EGFR gene", "EGFR"),
        ("wild-type p53 protein", "p53"),
        ("hTERT", "TERT"),
        ("Rad51p", "Rad51"),
        ("interleukin 6 (IL-6)", "IL-6"),
        ("interleukins", "interleukin"),
        ("Akt1/PKB", "PKB"),
    ],
)
def test_other_forms_of_a_gene(name: str, form: str) -> None:
    forms = gene_forms(name)
    assert forms[0] == name
    assert form in forms[1:]


@given(st.text(max_size=30))
def test_forms_are_distinct_and_have_letters(name: str) -> None:
    forms = gene_forms(name)
    assert len(set(forms)) == len(forms)
    assert all(len(form) > 1 for form in forms)


TEXT = "Growth of mice. Human cells and patients were compared with mice."


def test_species_are_counted_with_their_places() -> None:
    evidence = SpeciesEvidence(TEXT, title=15)
    assert evidence.count(HUMAN) == 2
    assert evidence.share(MOUSE) == 0.5
    assert evidence.first == MOUSE
    assert evidence.in_title(MOUSE)
    assert not evidence.in_title(HUMAN)
    assert not evidence.in_sentence(HUMAN, 3)
    assert evidence.in_sentence(HUMAN, 25)
    assert evidence.nearest(TEXT.index("cells")) == HUMAN
    assert evidence.distance(HUMAN, TEXT.index("cells")) == len("Human ")
    assert evidence.distance(ZEBRAFISH, 3) == FAR


def test_a_text_without_species_has_no_evidence() -> None:
    evidence = SpeciesEvidence("TP53 is mutated.", title=0)
    assert (evidence.total, evidence.first, evidence.nearest(0), evidence.share(HUMAN)) == (0, None, None, 0.0)
