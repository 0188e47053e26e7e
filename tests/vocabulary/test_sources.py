"""Readers of the publishers' files."""

import gzip
import io
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from litmine.errors import VocabularyError
from litmine.vocabulary.concept import Concept, Source
from litmine.vocabulary.sources.cellosaurus import read_cellosaurus
from litmine.vocabulary.sources.gene_info import read_gene_info
from litmine.vocabulary.sources.hgnc import read_hgnc
from litmine.vocabulary.sources.mesh_ascii import read_mesh_ascii
from litmine.vocabulary.sources.mesh_xml import read_mesh_xml
from litmine.vocabulary.sources.mondo import read_mondo
from litmine.vocabulary.sources.source_file import looks_like, version_in_name
from litmine.vocabulary.sources.taxonomy import read_taxdump


def source() -> Source:
    return Source("test", "", "", "")


def by_identifier(concepts: Iterable[Concept]) -> dict[str, Concept]:
    return {concept.identifier: concept for concept in concepts}


def names(concept: Concept) -> list[str]:
    return [name for name, _ in concept.names]


def test_mesh_xml(files: Path) -> None:
    found = by_identifier(read_mesh_xml(files / "desc2024.xml"))
    drug, kidney = found["MESH:D000082"], found["MESH:D007674"]
    assert names(drug)[0] == "Acetaminophen"
    assert {"Paracetamol", "APAP"} <= set(names(drug))
    assert drug.entity_types == ("Chemical",)
    assert drug.definition == "Analgesic antipyretic derivative of acetanilide."
    assert drug.references == ()
    assert kidney.tree_numbers == ("C12.050.351.968.419", "C12.200.777.419")
    assert (kidney.entity_types, kidney.semantic_types) == (("Disease",), ("T047",))
    assert found["MESH:D004926"].references == ("NCBITaxon:562",)
    supplementary = by_identifier(read_mesh_xml(files / "supp2024.xml"))
    assert supplementary["MESH:C038792"].references == ("MESH:D000082",)
    assert supplementary["MESH:C596385"].entity_types == ("Disease",)


def test_mesh_ascii(files: Path) -> None:
    found = by_identifier(read_mesh_ascii(files / "d2024.bin"))
    assert list(found) == ["MESH:D009203", "MESH:D051379"]
    attack = found["MESH:D009203"]
    assert names(attack) == ["Myocardial Infarction", "Heart Attack", "Infarct, Myocardial"]
    assert attack.tree_numbers == ("C14.280.647.500", "C14.907.585.500")
    assert attack.definition.startswith("NECROSIS of the MYOCARDIUM")
    assert found["MESH:D051379"].references == ("NCBITaxon:10090",)
    (kounis,) = read_mesh_ascii(files / "c2024.bin")
    assert names(kounis) == ["Kounis syndrome type 1", "allergic angina"]
    assert (kounis.entity_types, kounis.references) == (("Disease",), ("heading:Myocardial Infarction",))


def test_gene_info(files: Path) -> None:
    found = by_identifier(read_gene_info(files / "gene_info"))
    assert list(found) == ["NCBIGene:7157", "NCBIGene:22059"]
    gene = found["NCBIGene:7157"]
    assert gene.names[0] == ("TP53", "preferred")
    assert ("BCC7", "symbol") in gene.names
    assert ("tumor protein p53", "full name") in gene.names
    assert ("phosphoprotein p53", "synonym") in gene.names
    assert (gene.taxon, gene.references) == (9606, ("HGNC:11998",))
    assert list(by_identifier(read_gene_info(files / "gene_info", [10090]))) == ["NCBIGene:22059"]


def test_hgnc(files: Path) -> None:
    found = by_identifier(read_hgnc(files / "hgnc_complete_set.txt"))
    assert list(found) == ["HGNC:11998", "HGNC:5"]
    assert found["HGNC:11998"].same_as == "NCBIGene:7157"
    assert names(found["HGNC:11998"]) == ["TP53", "p53", "LFS1", "tumor protein p53", "Li-Fraumeni syndrome"]


@pytest.mark.parametrize("form", ["folder", "tar.gz", "tar"])
def test_taxdump(files: Path, tmp_path: Path, form: str) -> None:
    path = files / "taxdump"
    if form != "folder":
        path = tmp_path / f"taxdump.{form}"
        with tarfile.open(path, "w:gz" if form == "tar.gz" else "w") as archive:
            for name in ("citations.dmp", "names.dmp", "nodes.dmp"):
                content = (files / "taxdump" / name).read_bytes() if name != "citations.dmp" else b"x"
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    found = by_identifier(read_taxdump(path))
    assert names(found["NCBITaxon:562"]) == ["Escherichia coli", "Bacterium coli"]
    assert found["NCBITaxon:562"].parents == ("NCBITaxon:561",)
    assert found["NCBITaxon:562"].semantic_types == ("species",)
    assert names(found["NCBITaxon:9606"]) == ["Homo sapiens", "human"]


def test_mondo(files: Path) -> None:
    stated = source()
    found = by_identifier(read_mondo(files / "mondo.obo", stated))
    assert stated.version == "2024-03-04"
    assert list(found) == ["MONDO:0005240", "MONDO:0000001"]
    kidney = found["MONDO:0005240"]
    assert names(kidney) == ["kidney disorder", "renal disease"]
    assert (kidney.same_as, kidney.definition) == ("MESH:D007674", 'A disease "of" the kidney.')
    assert (kidney.references, kidney.parents) == (("MESH:D007674", "DOID:557"), ("MONDO:0000001",))


@pytest.mark.parametrize("name", ["cellosaurus.txt", "cellosaurus.obo"])
def test_cellosaurus(files: Path, name: str) -> None:
    stated = source()
    found = by_identifier(read_cellosaurus(files / name, stated))
    assert stated.version == "48.0"
    assert list(found) == ["CVCL_0030", "CVCL_0002"]
    assert {"HeLa", "He-La"} <= set(names(found["CVCL_0030"]))


def test_gzip_reads_as_plain(files: Path, tmp_path: Path) -> None:
    packed = tmp_path / "gene_info.gz"
    packed.write_bytes(gzip.compress((files / "gene_info").read_bytes()))
    assert [*read_gene_info(packed)] == [*read_gene_info(files / "gene_info")]


READERS = {
    "desc2024.xml": read_mesh_xml,
    "d2024.bin": read_mesh_ascii,
    "gene_info": read_gene_info,
    "hgnc_complete_set.txt": read_hgnc,
    "mondo.obo": lambda path: read_mondo(path, source()),
    "cellosaurus.txt": lambda path: read_cellosaurus(path, source()),
    "taxdump": read_taxdump,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "other", ["desc2024.xml", "d2024.bin", "gene_info", "mondo.obo", "cellosaurus.txt", "empty", "junk"]
)
def test_a_file_of_another_form_is_refused_with_what_it_looks_like(files: Path, reader: str, other: str) -> None:
    (files / "empty").write_bytes(b"")
    (files / "junk").write_bytes(bytes(range(1, 256)) * 20)
    if reader != other:
        with pytest.raises(VocabularyError, match=re.escape(str(files / other))) as raised:
            list(READERS[reader](files / other))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("reader", [name for name in READERS if name != "taxdump"])
def test_incomplete_gzip_is_an_error(files: Path, reader: str) -> None:
    packed = files / f"{reader}.gz"
    packed.write_bytes(gzip.compress((files / reader).read_bytes() * (1 if "xml" in reader else 50))[:-30])
    with pytest.raises(VocabularyError, match=r"gzip data are incomplete|damaged"):
        list(READERS[reader](packed))


def test_xml_that_declares_entities_is_refused(files: Path) -> None:
    file = files / "desc2024.xml"
    text = file.read_text()
    doctype = text[text.index("<!DOCTYPE") : text.index("<DescriptorRecordSet Lang")]
    file.write_text(text.replace(doctype, '<!DOCTYPE DescriptorRecordSet [<!ENTITY a "b">]>'))
    with pytest.raises(VocabularyError, match="declares entities"):
        list(read_mesh_xml(file))


def test_damaged_xml_names_the_record(files: Path) -> None:
    file = files / "desc2024.xml"
    file.write_text(file.read_text().replace("<String>Kidney Diseases</String>", "<String>Kidney Diseases", 1))
    with pytest.raises(VocabularyError, match="the XML is damaged after record 1"):
        list(read_mesh_xml(file))


@pytest.mark.parametrize(
    ("reader", "old", "new"),
    [
        (
            "mondo.obo",
            "[Term]\nid: MONDO:0000001\nname: disease",
            "[Term]\nid: MONDO:0000001\nname: d\nis_a: MONDO:0005240",
        ),
        ("taxdump/nodes.dmp", "561\t|\t1\t|", "561\t|\t562\t|"),
    ],
)
def test_a_cyclic_tree_is_refused(files: Path, reader: str, old: str, new: str) -> None:
    file = files / reader
    changed = file.read_text().replace(old, new)
    assert changed != file.read_text()
    file.write_text(changed)
    with pytest.raises(VocabularyError, match="the tree is cyclic"):
        list(READERS[reader.partition("/")[0]](files / reader.partition("/")[0]))


def test_a_table_without_header_is_refused(files: Path) -> None:
    file = files / "gene_info"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(VocabularyError, match="first line has no column '#tax_id'"):
        list(read_gene_info(file))


def test_a_short_row_is_refused(files: Path) -> None:
    file = files / "gene_info"
    file.write_text(file.read_text() + "9606\t1\tA1BG\n")
    with pytest.raises(VocabularyError, match="line 5 has 3 cells where the header has 16"):
        list(read_gene_info(file))


def test_latin_1_is_refused(files: Path) -> None:
    (files / "d2024.bin").write_bytes("*NEWRECORD\nRECTYPE = D\nMH = Sjögren\n".encode("latin-1"))
    with pytest.raises(VocabularyError, match="line 3 is not UTF-8"):
        list(read_mesh_ascii(files / "d2024.bin"))


@pytest.mark.parametrize("reader", ["d2024.bin", "gene_info", "hgnc_complete_set.txt", "mondo.obo", "cellosaurus.txt"])
def test_a_file_that_ends_within_a_line_is_refused(files: Path, reader: str) -> None:
    file = files / reader
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    with pytest.raises(VocabularyError, match=r"has no line end, so the file may be cut off|ends within an entry"):
        list(READERS[reader](file))


def test_utf_16_reads_as_utf_8(files: Path) -> None:
    wide = files / "wide.bin"
    wide.write_text((files / "d2024.bin").read_text(), encoding="utf-16")
    assert [*read_mesh_ascii(wide)] == [*read_mesh_ascii(files / "d2024.bin")]


def test_forms_are_recognised(files: Path) -> None:
    assert looks_like(files / "desc2024.xml") == "MeSH descriptors in XML"
    assert looks_like(files / "supp2024.xml") == "MeSH supplementary records in XML"
    assert looks_like(files / "hgnc_complete_set.txt") == "a table of HGNC"
    assert looks_like(files / "taxdump" / "names.dmp") == "names.dmp or nodes.dmp of NCBI Taxonomy"
    assert version_in_name(Path("desc2024.xml")) == ("2024", "")
    assert version_in_name(Path("hgnc_complete_set_2024-03-01.txt")) == ("2024-03-01", "2024-03-01")
    assert version_in_name(Path("gene_info.gz")) == ("", "")
