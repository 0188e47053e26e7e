"""Building, storing and looking up: a vocabulary of small files, and tables of names as hypothesis makes them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import UnknownConceptError, VocabularyError
from litmine.vocabulary import storage
from litmine.vocabulary.build import SourceFiles, build_vocabulary, tables_of
from litmine.vocabulary.concept import Concept
from litmine.vocabulary.describe import describe_vocabulary, describe_what
from litmine.vocabulary.hierarchy import check_acyclic
from litmine.vocabulary.ngrams import TrigramIndex
from litmine.vocabulary.normalise import Agreement, normalise
from litmine.vocabulary.species_names import AbbreviatedNames
from litmine.vocabulary.storage import MANIFEST, read_manifest
from litmine.vocabulary.vocabulary import Names, Vocabulary


def identifiers(
    vocabulary: Vocabulary, name: str, entity_type: str | None = None, taxon: int | None = None
) -> list[str]:
    """The concepts that a lookup finds, each once, in order."""
    found = (vocabulary.identifier(match.concept) for match in vocabulary.lookup(name, entity_type, taxon))
    return list(dict.fromkeys(found))


def test_names_of_one_concept_lead_to_it(small: Vocabulary) -> None:
    for name in ("paracetamol", "acetaminophen", "APAP", "Acetaminophens"):
        assert identifiers(small, name, "Chemical") == ["MESH:D000082"]
    assert identifiers(small, "disease of the kidneys") == ["MESH:D007674"]
    assert identifiers(small, "heart attacks") == ["MESH:D009203"]
    assert identifiers(small, "HL 60") == ["CVCL_0002"]
    assert identifiers(small, "no such name") == []
    assert identifiers(small, "") == []


def test_the_best_agreement_comes_first(small: Vocabulary) -> None:
    matches = small.lookup("p53", "Gene")
    # Of the human gene, the symbol P53 came first: a name that differs in case only is left out.
    assert [(small.identifier(one.concept), one.agreement, one.kind) for one in matches] == [
        ("NCBIGene:22059", Agreement.EXACT, "symbol"),
        ("NCBIGene:7157", Agreement.CASE, "symbol"),
    ]
    assert identifiers(small, "p53", "Gene", taxon=9606) == ["NCBIGene:7157"]
    assert identifiers(small, "p53", "Disease") == []


def test_sources_are_joined(small: Vocabulary) -> None:
    kidney = small.find("MESH:D007674")
    assert ("renal disease", "synonym") in small.names_of(kidney)
    assert {"MONDO:0005240", "DOID:557"} <= set(small.references(kidney))
    assert small.find_or_none("MONDO:0005240") is None
    assert small.find_or_none("MONDO:0000001") is not None
    gene = small.find("NCBIGene:7157")
    assert ("Li-Fraumeni syndrome", "synonym") in small.names_of(gene)
    assert small.find_or_none("HGNC:11998") is None
    assert small.names_of(small.find("HGNC:5"))[0] == ("A1BG", "preferred")
    assert small.references(small.find("MESH:C000657744")) == ("MESH:D009203",)
    taxon = small.find("NCBITaxon:562")
    assert ("Alkalescens-Dispar Group", "synonym") in small.names_of(taxon)
    assert small.tree_numbers(taxon) == ("B03.440.450.425.325.300",)
    assert small.references(taxon) == ("MESH:D004926",)
    heading = small.find("MESH:D004926")
    assert (small.entity_types(heading), small.tree_numbers(heading)) == ((), small.tree_numbers(taxon))
    assert identifiers(small, "Escherichia coli") == ["MESH:D004926", "NCBITaxon:562"]
    assert identifiers(small, "Escherichia coli", "Species") == ["NCBITaxon:562"]


def test_a_form_stands_once_for_each_concept(small: Vocabulary) -> None:
    hela = small.find("CVCL_0030")
    assert [name for name, _ in small.names_of(hela)] == ["HeLa", "Henrietta Lacks cells"]
    assert (small.preferred_name(hela), small.name_count(hela)) == ("HeLa", 2)


def test_abbreviated_species_stay_ambiguous(small: Vocabulary) -> None:
    assert identifiers(small, "E. coli", "Species") == ["NCBITaxon:562"]
    assert identifiers(small, "E coli") == ["NCBITaxon:562"]
    assert identifiers(small, "S. aureus") == ["NCBITaxon:1280", "NCBITaxon:46170"]
    assert identifiers(small, "Staph. aureus") == ["NCBITaxon:1280"]
    assert identifiers(small, "T. aureus") == []
    assert {match.agreement for match in small.lookup("S. aureus")} == {Agreement.WORDS}


def test_hierarchy(small: Vocabulary) -> None:
    failure, kidney = small.find("MESH:D051437"), small.find("MESH:D007674")
    assert small.ancestors(failure) == [kidney]
    assert small.descendants(kidney) == [failure]
    assert small.ancestors(kidney) == []
    coli, genus = small.find("NCBITaxon:562"), small.find("NCBITaxon:561")
    assert small.ancestors(coli) == [genus]
    assert small.descendants(genus) == [coli]


def test_nearest_names(small: Vocabulary) -> None:
    best, score = small.nearest("acetaminophene", 3)[0]
    assert small.identifier(best.concept) == "MESH:D000082"
    assert 0.7 < score < 1
    assert all(small.accepts(match.concept, "Disease") for match, _ in small.nearest("acetaminophene", 3, "Disease"))
    assert all(small.taxon(one.concept) == 9606 for one, _ in small.nearest("tumor antigen", 9, "Gene", 9606))
    assert small.nearest("", 3) == small.nearest("---", 3) == []


def test_an_unknown_identifier_is_said_with_what_is_there(small: Vocabulary) -> None:
    with pytest.raises(UnknownConceptError, match="it has MESH:D000082"):
        small.find("D000082")
    with pytest.raises(UnknownConceptError, match="it has NCBIGene:7157"):
        small.find("7157")
    with pytest.raises(UnknownConceptError, match=r"has no concept MESH:D999999$"):
        small.find("MESH:D999999")


def test_describe(small: Vocabulary) -> None:
    whole = "\n".join(describe_vocabulary(small))
    assert small.reference in whole
    for part in ("MONDO 2024-03-04", "CC BY 4.0", "Bairoch", "desc2024.xml, supp2024.xml", "2 concepts read"):
        assert part in whole
    concept = list(describe_what(small, "MESH:D051437"))
    assert concept[0] == "MESH:D051437\tRenal Insufficiency"
    assert "below          MESH:D007674 Kidney Diseases" in concept
    assert "definition     Analgesic antipyretic derivative of acetanilide." in list(describe_what(small, "apap"))
    several = list(describe_what(small, "p53"))
    assert [line.split("\t")[0] for line in several] == ["NCBIGene:22059", "NCBIGene:7157"]
    with pytest.raises(
        UnknownConceptError, match=r"no name or identifier paracetamoll; the nearest names are Paracetamol"
    ):
        list(describe_what(small, "paracetamoll"))


def test_the_digest_is_that_of_the_content(all_files: SourceFiles, small: Vocabulary, tmp_path: Path) -> None:
    again = build_vocabulary(all_files, tmp_path / "again", "other").manifest
    assert again.digest == small.manifest.digest
    file = all_files.mesh[0]
    file.write_text(file.read_text().replace("Nephropathy", "Nephropathia"))
    changed = build_vocabulary(all_files, tmp_path / "again", "other").manifest
    assert changed.digest != again.digest
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        "README.md",
        f"concepts-{changed.digest}.parquet",
        f"names-{changed.digest}.parquet",
        MANIFEST,
    ]
    assert identifiers(Vocabulary(tmp_path / "again"), "Nephropathia") == ["MESH:D007674"]


def test_a_build_that_is_killed_leaves_the_vocabulary_before_it(
    all_files: SourceFiles, small: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def kill(*_: object, **__: object) -> str:
        raise KilledError

    file = all_files.mesh[0]
    file.write_text(file.read_text().replace("Nephropathy", "Nephropathia"))
    # The manifest is written after the data files.
    monkeypatch.setattr("litmine.vocabulary.storage.json.dumps", kill)
    monkeypatch.setattr(storage, "_content_digest", lambda _: "0" * 12)
    with pytest.raises(KilledError):
        build_vocabulary(all_files, small.folder, "small")
    monkeypatch.undo()
    assert len([*small.folder.glob("*.parquet")]) == 4
    assert identifiers(Vocabulary(small.folder), "nephropathy") == ["MESH:D007674"]


@pytest.mark.parametrize("pattern", ["concepts-*", "names-*"])
@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_damaged_files_are_an_error(small: Vocabulary, pattern: str, damage: str) -> None:
    (file,) = small.folder.glob(pattern)
    content = file.read_bytes()
    file.unlink()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        # A page of the first column, which its checksum covers.
        file.write_bytes(content[:60] + bytes(byte ^ 255 for byte in content[60:70]) + content[70:])
    opened = Vocabulary(small.folder)
    with pytest.raises(VocabularyError, match="missing or damaged"):
        opened.find(opened.identifier(opened.lookup("apap")[0].concept))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "{", "damaged"),
        (lambda _: "[]", "damaged"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "another version of litmine"),
        (lambda text: text.replace('"normalisation": 1', '"normalisation": 0'), "another version of litmine"),
        (lambda text: text.replace('"sections"', '"parts"'), "damaged"),
    ],
    ids=["cut", "list", "format", "normalisation", "key"],
)
def test_damaged_manifests_are_an_error(small: Vocabulary, change: Callable[[str], str], message: str) -> None:
    file = small.folder / MANIFEST
    file.write_text(change(file.read_text()))
    with pytest.raises(VocabularyError, match=message):
        read_manifest(small.folder)


def test_duplicates_and_long_names_are_reported(files: Path, tmp_path: Path) -> None:
    file = files / "gene_info"
    rows = file.read_text()
    row = rows.splitlines()[1]
    file.write_text(rows + row.replace("TP53\t-\tBCC7", "TP53\t-\tNEWNAME") + "\n" + row.replace("7157", "1") + "\n")
    huge = "x" * 10_000_000
    text = file.read_text().replace("phosphoprotein p53", huge, 1)
    file.write_text(text)
    built = build_vocabulary(SourceFiles(gene=[file]), tmp_path / "genes", "genes")
    duplicates, long_names = built.problems
    assert duplicates == f"{file}: identifiers that stand more than once: 1 (NCBIGene:7157); their records were joined"
    assert "names of more than 1,000 characters: 1 (xxxxxxxxxxxxxxxxxxxx... of NCBIGene:7157)" in long_names
    vocabulary = Vocabulary(tmp_path / "genes")
    assert identifiers(vocabulary, "newname") == ["NCBIGene:7157"]
    assert max(len(name) for name, _ in vocabulary.names_of(vocabulary.find("NCBIGene:7157"))) < 1000
    counts = json.loads((tmp_path / "genes" / MANIFEST).read_text())["sources"][0]["counts"]
    assert counts["concepts read"] == 4


def test_malformed_rows_are_reported_and_the_rest_is_built(files: Path, tmp_path: Path) -> None:
    genes, hgnc = files / "gene_info", files / "hgnc_complete_set.txt"
    rows = genes.read_text()
    row = rows.splitlines()[1]
    damaged = [row.replace("\t7157", "\t71S7"), row.replace("9606\t7157", "96O6\t8")]
    genes.write_text("\n".join([rows.rstrip("\n"), *damaged, ""]))
    hgnc.write_text(hgnc.read_text().replace("\t7157\n", "\t715?\n"))
    built = build_vocabulary(SourceFiles(gene=[genes], hgnc=hgnc), tmp_path / "genes", "genes")
    malformed, unequal = built.problems
    identifiers_named = "NCBIGene:71S7, NCBIGene:8 of the taxon 96O6"
    assert malformed == f"{genes}: malformed identifiers: 2 ({identifiers_named}); these concepts were left out"
    what = "malformed identifiers of equal concepts"
    assert unequal == f"{hgnc}: {what}: 1 (NCBIGene:715? of HGNC:11998); these concepts were not joined"
    vocabulary = Vocabulary(tmp_path / "genes")
    assert [vocabulary.find_or_none(one) is not None for one in ("NCBIGene:22059", "HGNC:11998")] == [True, True]


def test_malformed_places_and_records_without_a_name_are_reported(files: Path, tmp_path: Path) -> None:
    file = files / "d2024.bin"
    again = "*NEWRECORD\nRECTYPE = D\nMH = Heart Attack, Old\nMN = C99.100\nMN = c14-280\nST = T190\nUI = D009203\n"
    long = f"*NEWRECORD\nRECTYPE = D\nMH = {'x' * 2000}\nMN = C01.100\nUI = D000001\n"
    other = f"*NEWRECORD\nRECTYPE = D\nMH = {'y' * 2000}\nENTRY = Short\nMN = C01.200\nUI = D000002\n"
    malformed = "*NEWRECORD\nRECTYPE = D\nMH = Other\nMN = C01.300\nUI = 000003\n"
    file.write_text(f"{file.read_text()}\n{again}\n{long}\n{other}\n{malformed}")
    built = build_vocabulary(SourceFiles(mesh=[file]), tmp_path / "mesh", "mesh")
    assert [sentence.removeprefix(f"{file}: ").partition(";")[0] for sentence in built.problems] == [
        "identifiers that stand more than once: 1 (MESH:D009203)",
        "malformed identifiers: 1 (MESH:000003)",
        "malformed tree numbers: 1 (c14-280 of MESH:D009203)",
        f"names of more than 1,000 characters: 2 ({'x' * 20}... of MESH:D000001, {'y' * 20}... of MESH:D000002)",
        "concepts without any other name: 1 (MESH:D000001)",
    ]
    vocabulary = Vocabulary(tmp_path / "mesh")
    attack = vocabulary.find("MESH:D009203")
    assert vocabulary.tree_numbers(attack) == ("C14.280.647.500", "C14.907.585.500", "C99.100")
    assert vocabulary.semantic_types(attack) == ("T047", "T190")
    assert vocabulary.names_of(vocabulary.find("MESH:D000002")) == [("Short", "preferred")]
    assert vocabulary.find_or_none("MESH:D000001") is None


def test_no_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="name at least one file"):
        build_vocabulary(SourceFiles(), tmp_path / "none", "none")
    assert not (tmp_path / "none").exists()


def test_a_cycle_is_shown() -> None:
    check_acyclic({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, "file")
    with pytest.raises(VocabularyError, match=r"file: the tree is cyclic \(b is below c is below b\)"):
        check_acyclic({"a": ["b"], "b": ["c"], "c": ["b"]}, "file")
    deep = {str(number): [str(number + 1)] for number in range(100_000)}
    check_acyclic(deep, "file")


NAME = st.text("aAbB αβ12-,s", min_size=1, max_size=8).filter(str.strip)


@given(st.lists(st.lists(NAME, min_size=1, max_size=4), min_size=1, max_size=12), NAME)
def test_lookup_finds_what_a_scan_finds(concepts: list[list[str]], asked: str) -> None:
    made = [
        Concept(f"MESH:{row}", "MeSH", ("Disease",), [(name, "preferred") for name in names])
        for row, names in enumerate(concepts)
    ]
    table, ((section, names),) = tables_of(made)
    stored = Names(section, _encoded(names))
    found = {int(stored.concepts[row]) for row in stored.rows(normalise(asked))}
    ordered = table["identifier"].to_pylist()
    expected = {
        ordered.index(f"MESH:{row}")
        for row, texts in enumerate(concepts)
        if normalise(asked) in {normalise(text) for text in texts}
    }
    assert found == expected
    for row in range(len(ordered)):
        forms = [normalise(stored.text(place)) for place in stored.of_concept(row)]
        assert len(forms) == len(set(forms))
        assert set(forms) == {normalise(text) for text in concepts[int(ordered[row].partition(":")[2])]}


def _encoded(names: pa.Table) -> pa.Table:
    """Names as they come from a file, with kinds as a dictionary."""
    return names.set_column(2, "kind", names["kind"].combine_chunks().dictionary_encode())


@given(st.lists(st.text(max_size=12), min_size=1, max_size=20))
def test_a_name_is_its_own_nearest(names: list[str]) -> None:
    index = TrigramIndex(pa.array(names, pa.string()))
    for row, name in enumerate(names):
        found = dict(index.nearest(name, len(names)))
        if any(character.isalnum() and character.isascii() for character in name):
            assert found[row] == pytest.approx(1, abs=1e-4)
            assert max(found.values()) <= 1.0001
    assert index.nearest(names[0], 3, np.zeros(len(names), dtype=bool)) == []


@given(st.text(max_size=20))
def test_any_text_may_be_asked_as_an_abbreviated_name(name: str) -> None:
    index = AbbreviatedNames(pa.array(["Escherichia coli", "Human", "", "Ä b"], pa.string()))
    assert index.find(name) in ([], [0])
