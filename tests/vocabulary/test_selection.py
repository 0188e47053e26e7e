"""The rule of the built-in vocabulary."""

from litmine.vocabulary.assembly import Assembly
from litmine.vocabulary.concept import Concept, NameKind, Source
from litmine.vocabulary.selection import MOST_GENES_OF_A_NAME, BuiltinRule

SYSTEMATIC = "3-chloro-1-(3,4-dichlorophenyl)-4-(4-morpholinyl)-1H-pyrrole-2,5-dione"


def named(*names: str, kind: NameKind = "synonym") -> list[tuple[str, NameKind]]:
    return [(name, kind if place else "preferred") for place, name in enumerate(names)]


def kept(*concepts: Concept) -> dict[str, Concept]:
    """What the rule keeps of some concepts."""
    assembly = Assembly()
    assembly.add(concepts, "file", Source("test", "", "", ""))
    assembly.join()
    assembly.keep(BuiltinRule(assembly.concepts.values(), assembly.taxa_of_mesh))
    return assembly.concepts


def substance(number: int, *names: str) -> Concept:
    return Concept(f"MESH:C{number}", "MeSH", ("Chemical",), named(*names), references=("MESH:D1", "MESH:D2"))


def test_supplementary_chemicals() -> None:
    mouse = Concept("NCBITaxon:7955", "NCBI Taxonomy", ("Species",), named("Danio rerio", "zebrafish"))
    found = kept(
        mouse,
        substance(1, SYSTEMATIC, "RI-1 compound"),
        substance(2, SYSTEMATIC),
        substance(3, "2-aminopyridinium"),
        substance(4, "2-aminopyridinium", "2-AP"),
        substance(5, "eremofarfugin E"),
        substance(6, "TP53 protein, zebrafish"),
        substance(7, "RecA protein, E coli"),
        substance(8, "insulin, neutral"),
    )
    assert {one for one in found if one.startswith("MESH:C")} == {"MESH:C1", "MESH:C4", "MESH:C5", "MESH:C8"}
    assert found["MESH:C1"].names == [("RI-1", "preferred")]
    assert found["MESH:C4"].names == named("2-aminopyridinium", "2-AP")
    assert found["MESH:C5"].references == ("MESH:D1",)


def test_other_records_of_mesh_are_kept_whole() -> None:
    disease = Concept("MESH:C9", "MeSH", ("Disease",), named(SYSTEMATIC), references=("MESH:D1", "MESH:D2"))
    descriptor = Concept("MESH:D9", "MeSH", ("Chemical",), named(SYSTEMATIC), ("D01.1",))
    assert kept(disease, descriptor) == {"MESH:C9": disease, "MESH:D9": descriptor}
    assert disease.references == ("MESH:D1", "MESH:D2")


def test_organisms_of_mesh_join_their_taxon() -> None:
    taxon = Concept("NCBITaxon:1", "NCBI Taxonomy", ("Species",), named("Streptomyces flavus"))
    unknown = Concept("NCBITaxon:2", "NCBI Taxonomy", ("Species",), named("Streptomyces"))
    common = Concept("NCBITaxon:3", "NCBI Taxonomy", ("Species",), named("Danio rerio", "zebrafish"))
    record = Concept("MESH:C1", "MeSH", ("Species",), named("Streptomyces Flavus", "Actinomyces flavus"))
    without = Concept("MESH:C2", "MeSH", ("Species",), named("Cortinarius barbatus"))
    found = kept(taxon, unknown, common, record, without)
    assert list(found) == ["NCBITaxon:1", "NCBITaxon:3"]
    assert ("Actinomyces flavus", "synonym") in found["NCBITaxon:1"].names
    assert found["NCBITaxon:1"].references == ("MESH:C1",)


def test_a_taxon_without_other_names_is_kept_if_it_is_genus_and_species_alone() -> None:
    names = (
        "Streptomyces albus",
        "Streptomyces sp. A1",
        "Streptomyces",
        "Streptomyces albus J1074",
        "Albus novus-mundi",
    )
    taxa = [Concept(f"NCBITaxon:{i}", "NCBI Taxonomy", ("Species",), named(name)) for i, name in enumerate(names)]
    assert list(kept(*taxa)) == ["NCBITaxon:0", "NCBITaxon:4"]


def test_a_heading_of_several_taxa_joins_the_one_that_it_names_or_the_only_species() -> None:
    genus = Concept("NCBITaxon:10088", "NCBI Taxonomy", ("Species",), named("Mus", "mice"))
    mouse = Concept("NCBITaxon:10090", "NCBI Taxonomy", ("Species",), named("Mus musculus", "house mouse"))
    rank = ("species",)
    rat = Concept(
        "NCBITaxon:10116", "NCBI Taxonomy", ("Species",), named("Rattus norvegicus", "rat"), semantic_types=rank
    )
    references = ("NCBITaxon:10088", "NCBITaxon:10090")
    heading = Concept(
        "MESH:D051379", "MeSH", ("Species",), named("Mice", "Mus musculus"), ("B01.100",), references=references
    )
    other = Concept("MESH:D1", "MeSH", ("Species",), named("Rodents"), ("B01.200",), references=references)
    rats = Concept("MESH:D2", "MeSH", ("Species",), named("Rats"), references=("NCBITaxon:10116", *references))
    found = kept(genus, mouse, rat, heading, other, rats)
    assert ("Rats", "synonym") in found["NCBITaxon:10116"].names
    assert ("Mice", "synonym") in found["NCBITaxon:10090"].names
    assert found["NCBITaxon:10090"].tree_numbers == ("B01.100",)
    assert (found["MESH:D051379"].entity_types, found["MESH:D1"].entity_types) == ((), ("Species",))


def gene(number: int, taxon: int, symbol: str, *others: tuple[str, NameKind]) -> Concept:
    return Concept(f"NCBIGene:{number}", "NCBI Gene", ("Gene",), [(symbol, "preferred"), *others], taxon=taxon)


def test_human_genes_are_complete_and_others_need_a_symbol() -> None:
    many = [gene(100 + one, 7227, f"Sym{one}", ("histone H3", "full name")) for one in range(MOST_GENES_OF_A_NAME + 1)]
    found = kept(
        gene(1, 9606, "LOC105371512", ("uncharacterized LOC105371512", "full name")),
        gene(2, 10090, "Gm26392", ("predicted gene, 26392", "full name")),
        gene(3, 10090, "Gm548", ("Xyz1", "symbol"), ("predicted gene 548", "full name")),
        gene(4, 7227, "G9a", ("Dmel\\CG2995", "symbol"), ("EG:BACR37P7.1", "symbol"), ("G9a-PA", "synonym")),
        gene(5, 7955, "si:dkey-23a13.6", ("histone H2A-like", "synonym")),
        gene(6, 7955, "trnaa-agc", ("transfer RNA alanine", "full name")),
        *many,
    )
    assert {one for one in found if len(one) < 12} == {"NCBIGene:1", "NCBIGene:3", "NCBIGene:4"}
    assert found["NCBIGene:1"].names[1][0] == "uncharacterized LOC105371512"
    assert found["NCBIGene:3"].names == [("Gm548", "preferred"), ("Xyz1", "symbol")]
    assert found["NCBIGene:4"].names == [("G9a", "preferred"), ("CG2995", "symbol")]
    assert found["NCBIGene:100"].names == [("Sym0", "preferred")]


def test_what_is_left_out_is_counted() -> None:
    rule = BuiltinRule([])
    assert not rule(substance(2, SYSTEMATIC))
    assert not rule(Concept("MONDO:1", "MONDO", ("Disease",), named("a disease")))
    assert rule.left_out == {
        "MeSH": {"supplementary chemicals with long names only": 1},
        "MONDO": {"diseases without a MeSH record": 1},
    }


def test_a_taxon_that_only_mesh_has_is_made_from_its_heading() -> None:
    taxon = Concept("NCBITaxon:7955", "NCBI Taxonomy", ("Species",), named("Danio rerio", "zebrafish"))
    virus = Concept(
        "MESH:D000086402",
        "MeSH",
        ("Species",),
        named("SARS-CoV-2", "2019-nCoV"),
        ("B04.820",),
        references=("NCBITaxon:2697049",),
    )
    unclear = Concept(
        "MESH:D1", "MeSH", ("Species",), named("Grasses"), ("B01.650",), references=("NCBITaxon:1", "NCBITaxon:2")
    )
    found = kept(taxon, virus, unclear, substance(1, "spike protein, SARS-CoV-2", "S protein"))
    made = found["NCBITaxon:2697049"]
    assert made.names == named("SARS-CoV-2", "2019-nCoV")
    assert (made.entity_types, made.tree_numbers, made.references) == (("Species",), ("B04.820",), ("MESH:D000086402",))
    assert found["MESH:D000086402"].entity_types == ()
    assert found["MESH:D1"].entity_types == ("Species",)
    assert len(found) == 5, "NCBI Gene has no genes of such a taxon, so a supplementary record of one is kept"
    virus.entity_types = ("Species",)
    assert set(kept(virus)) == {"MESH:D000086402"}, "without NCBI Taxonomy, headings are the species"


def test_a_heading_whose_taxon_is_missing_joins_the_taxon_of_its_name() -> None:
    species = Concept("NCBITaxon:1773", "NCBI Taxonomy", ("Species",), named("Mycobacterium tuberculosis", "TB germ"))
    virus = Concept("NCBITaxon:1570291", "NCBI Taxonomy", ("Species",), named("Ebola virus", "EBOV"))
    strain = Concept(
        "MESH:D014376", "MeSH", ("Species",), named("Mycobacterium tuberculosis", "Koch's Bacillus"), ("B03.510",),
        references=("NCBITaxon:83332",),
    )  # fmt: skip
    genus = Concept(
        "MESH:D029043", "MeSH", ("Species",), named("Ebolavirus"), ("B04.820",), references=("NCBITaxon:128951",)
    )
    found = kept(species, virus, strain, genus)
    assert list(found) == ["NCBITaxon:1773", "NCBITaxon:1570291", "MESH:D014376", "MESH:D029043"]
    assert found["NCBITaxon:1773"].tree_numbers == ("B03.510",)
    assert ("Koch's Bacillus", "synonym") in found["NCBITaxon:1773"].names
    assert (strain.entity_types, genus.entity_types) == ((), ("Species",)), "two taxa of nearly one name are unclear"
