"""The tables that the built-in vocabulary is built from."""

import gzip
from pathlib import Path

import pytest

from litmine.errors import VocabularyError
from litmine.vocabulary.build import SourceFiles, build_vocabulary
from litmine.vocabulary.sources.tables import find_tables
from litmine.vocabulary.vocabulary import Vocabulary

TABLES = {
    "MeSH/descriptors_2024.tsv": "id\tname\tsynonyms\ttree_numbers\tncbi_taxon\n"
    "D001943\tBreast Neoplasms\tBreast Tumors|Tumor, Breast\tC04.588.180|C17.800.090.500\t\n"
    "D002334\tCarnitine O-Palmitoyltransferase\t\tD08.811.913\t\n"
    "D008661\tMetabolism, Inborn Errors\t\tC16.320.565\t\n"
    "D051379\tMice\tMouse\tB01.050.150\t10090|10092\n",
    "MeSH/descriptor_semantic_types.psv": "D001943|Breast Neoplasms|T191|1\nD002334|Carnitine|T116;T126|2\n",
    "MeSH/supplementary_2024_chemical.tsv": "id\tname\tsynonyms\theading_mapped_to\n"
    "C1\tbevonium\tpiribenzil\tD002334\n"
    "C2\tCarnitine palmitoyl transferase 2 deficiency\t\tD002334,D008661\n",
    "MeSH/supplementary_2024_disease.tsv": "id\tname\tsynonyms\theading_mapped_to\nC3\tJalili syndrome\t\tD008661\n",
    "MeSH/to_other_vocabularies.tsv": "source\tid\tname\ttarget\ttarget_id\ttarget_name\n"
    "MESH\tD001943\tBreast Neoplasms\tDOID\tDOID:1612\tbreast cancer\n"
    "MESH\tC3\tJalili syndrome\tHP\tHP:1\tx\n",
    "NCBI-Gene/mouse_10090.tsv": "gene_id\tsymbol\tsynonyms\tname\ttype\tother_names\tdbxrefs\n"
    "22059\tTrp53\tbbl|p53\ttransformation related protein 53\tprotein-coding\t\tMGI:MGI:98834\n",
    "NCBI-Taxonomy/names_2024.tsv": "tax_id\trank\tscientific_name\tcommon_name\twikipedia_title\n"
    "10090\tspecies\tMus musculus\thouse mouse\tHouse mouse\n"
    "10092\tsubspecies\tMus musculus domesticus\twestern European house mouse\t\n",
    "Cellosaurus/cellosaurus_2020.tsv": "id\tname\tsynonyms\nCVCL_0002\tHL-60\tHL 60|HL60\n",
    "MONDO/mondo_2024.tsv": "id\tname\tsynonyms\txrefs\n"
    "MONDO:0007254\tbreast cancer\tmammary cancer\tDOID:1612\n"
    "MONDO:0021100\tbreast neoplasm\tneoplasm of breast\tMESH:D001943\n"
    "MONDO:0000001\tsome disease\t\tOMIM:1\n",
}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        file = tmp_path / "tables" / f"{name}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode()))
    return tmp_path / "tables"


def test_tables_make_a_vocabulary(tables: Path, tmp_path: Path) -> None:
    built = build_vocabulary(SourceFiles(tables=tables), tmp_path / "made", "made", builtin_rule=True)
    assert built.problems == []
    assert {source.name: source.version for source in built.manifest.sources} == {
        "MeSH": "2024",
        "NCBI Gene": "",
        "NCBI Taxonomy": "2024",
        "Cellosaurus": "2020",
        "MONDO": "2024",
    }
    made = Vocabulary(tmp_path / "made")
    breast = made.find("MESH:D001943")
    assert made.semantic_types(breast) == ("T191",)
    assert made.tree_numbers(breast) == ("C04.588.180", "C17.800.090.500")
    assert {"MONDO:0007254", "MONDO:0021100"} == set(made.references(breast))
    assert [made.identifier(match.concept) for match in made.lookup("mammary cancers", "Disease")] == ["MESH:D001943"]
    assert made.entity_types(made.find("MESH:C1")) == ("Chemical",)
    assert made.entity_types(made.find("MESH:C2")) == made.entity_types(made.find("MESH:C3")) == ("Disease",)
    assert [made.identifier(match.concept) for match in made.lookup("mouse", "Species")] == ["NCBITaxon:10090"]
    assert made.semantic_types(made.find("NCBITaxon:10090")) == ("species",)
    assert made.taxon(made.find("NCBIGene:22059")) == 10090
    assert made.find_or_none("MONDO:0000001") is None
    (mondo,) = [source for source in built.manifest.sources if source.name == "MONDO"]
    assert mondo.counts["left out: diseases without a MeSH record"] == 1


def test_all_is_kept_without_the_rule(tables: Path, tmp_path: Path) -> None:
    build_vocabulary(SourceFiles(tables=tables), tmp_path / "made", "made")
    assert Vocabulary(tmp_path / "made").find_or_none("MONDO:0000001") is not None


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="has no tables"):
        find_tables(tmp_path)


def test_a_table_of_genes_needs_its_taxon(tables: Path, tmp_path: Path) -> None:
    file = tables / "NCBI-Gene" / "mouse_10090.tsv.gz"
    file.rename(file.with_name("mouse.tsv.gz"))
    with pytest.raises(VocabularyError, match="does not end in the number of a taxon"):
        build_vocabulary(SourceFiles(tables=tables), tmp_path / "made", "made")
    assert not (tmp_path / "made").exists()
