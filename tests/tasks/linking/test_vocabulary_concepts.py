"""`vocabulary_concepts`: the built-in vocabulary as a source of concepts."""

import pytest

from litmine.tasks.linking.vocabulary_concepts import VocabularyConcepts
from litmine.vocabulary import open_vocabulary


@pytest.fixture(scope="module")
def concepts() -> VocabularyConcepts:
    return VocabularyConcepts(open_vocabulary())


def test_names_of_one_drug_are_one_concept(concepts: VocabularyConcepts) -> None:
    for name in ("paracetamol", "Acetaminophen", "APAP"):
        assert [match.identifier for match in concepts.lookup(name, "Chemical")][:1] == ["MESH:D000082"], name


def test_the_nearest_names_are_of_the_type(concepts: VocabularyConcepts) -> None:
    found = concepts.nearest("myocardial infarctions", "Disease", 5)
    assert found[0].identifier == "MESH:D009203"
    assert len(found) == 5
    assert 0 < found[-1].similarity <= found[0].similarity <= 1.001


def test_facts_of_headings_and_genes(concepts: VocabularyConcepts) -> None:
    heart = concepts.facts("MESH:D009203")
    assert heart is not None
    assert (heart.name, heart.heading, heart.supplementary) == ("Myocardial Infarction", True, False)
    assert heart.depth > 1
    gene = concepts.facts("NCBIGene:7157")
    assert gene is not None
    assert (gene.name, gene.taxon) == ("TP53", 9606)
    assert "TP53" in concepts.names("NCBIGene:7157")
    assert concepts.facts("MESH:D999999999") is None
    assert concepts.names("MESH:D999999999") == []
