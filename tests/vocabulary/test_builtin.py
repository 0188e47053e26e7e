"""The built-in vocabulary as it ships."""

import numpy as np
import pytest

from litmine.vocabulary import Vocabulary, normalise, open_vocabulary


@pytest.fixture(scope="module")
def builtin() -> Vocabulary:
    return open_vocabulary()


def identifiers(vocabulary: Vocabulary, name: str, entity_type: str, taxon: int | None = None) -> list[str]:
    return [vocabulary.identifier(match.concept) for match in vocabulary.lookup(name, entity_type, taxon)]


@pytest.mark.parametrize(
    ("name", "entity_type", "identifier"),
    [
        ("paracetamol", "Chemical", "MESH:D000082"),
        ("acetaminophen", "Chemical", "MESH:D000082"),
        ("APAP", "Chemical", "MESH:D000082"),
        ("heart attack", "Disease", "MESH:D009203"),
        ("tumours of the breast", "Disease", "MESH:D001943"),
        ("breast cancer", "Disease", "MESH:D001943"),
        ("human", "Species", "NCBITaxon:9606"),
        ("mouse", "Species", "NCBITaxon:10090"),
        ("zebrafish", "Species", "NCBITaxon:7955"),
        ("hl60", "CellLine", "CVCL_0002"),
        ("HeLa", "CellLine", "CVCL_0030"),
    ],
)
def test_well_known_names(builtin: Vocabulary, name: str, entity_type: str, identifier: str) -> None:
    assert identifiers(builtin, name, entity_type)[0] == identifier


def test_genes_of_a_species(builtin: Vocabulary) -> None:
    assert identifiers(builtin, "TP53", "Gene", 9606) == ["NCBIGene:7157"]
    assert identifiers(builtin, "Trp53", "Gene", 10090) == ["NCBIGene:22059"]
    assert {"NCBIGene:7157", "NCBIGene:22059"} <= set(identifiers(builtin, "p53", "Gene"))


def test_abbreviated_species(builtin: Vocabulary) -> None:
    assert "NCBITaxon:562" in identifiers(builtin, "E. coli", "Species")
    assert "NCBITaxon:6239" in identifiers(builtin, "C. elegans", "Species")
    assert len(set(identifiers(builtin, "C. elegans", "Species"))) > 1


def test_the_tree_reaches_taxa_and_chemicals(builtin: Vocabulary) -> None:
    neoplasms = builtin.find("MESH:D009369")
    below = {builtin.identifier(row) for row in builtin.descendants(neoplasms)}
    assert {"MESH:D001943", "MESH:D008175"} <= below
    assert "MESH:D009203" not in below
    assert neoplasms in builtin.ancestors(builtin.find("MESH:D001943"))
    animals = {builtin.identifier(row) for row in builtin.ancestors(builtin.find("NCBITaxon:10090"))}
    assert "MESH:D008322" in animals


def test_every_concept_has_a_preferred_name(builtin: Vocabulary) -> None:
    concepts = 0
    for names in builtin.iter_names():
        preferred = names.concepts[names.kinds == 0]
        concepts += len(preferred)
        assert len(np.unique(preferred)) == len(preferred) == names.section.concepts
        assert len(names) == names.section.names
    assert concepts == len(builtin) > 400_000


def test_names_are_in_the_order_of_their_normal_form(builtin: Vocabulary) -> None:
    for names in builtin.iter_names():
        sample = range(0, len(names), len(names) // 500)
        forms = [normalise(names.text(row)) for row in sample]
        assert forms == sorted(forms)


def test_an_unknown_name_has_near_ones(builtin: Vocabulary) -> None:
    nearest = [builtin.identifier(match.concept) for match, _ in builtin.nearest("parkinsonns disease", 5, "Disease")]
    assert "MESH:D010300" in nearest
