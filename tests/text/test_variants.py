"""Genetic variants: forms and their identifiers, what only looks like one, and what holds for any text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from litmine.text.variants import find_variants


def found(text: str) -> list[tuple[str, str | None]]:
    return [(text[one.start_char : one.end_char], one.identifier) for one in find_variants(text)]


@pytest.mark.parametrize(
    ("identifier", "spellings"),
    [
        ("dbSNP:rs1042522", ["rs1042522", "RS1042522", "rs 1042522", "rs#1042522"]),
        (
            "HGVS:p.V600E",
            [
                *("p.Val600Glu", "p.V600E", "V600E", "Val600Glu", "p.(Val600Glu)", "Val-600-Glu", "Val 600 Glu"),
                *("Val600 to Glu", "valine to glutamic acid at codon 600", "valine 600 to glutamic acid"),
                *("valine-to-glutamic acid substitution at position 600", "codon 600 GTG-->GAG"),
                *("glutamic acid for valine at position 600", "codon 600, valine to glutamic acid"),
            ],
        ),
        ("HGVS:p.R97Pfs*23", ["p.Arg97Profs*23", "p.R97PfsX23", "p.Arg97ProfsTer23", "R97Pfs*23"]),
        ("HGVS:p.V311fs", ["V311fs", "p.Val311fs", "p.V311fsX"]),
        ("HGVS:p.Q39*", ["p.Gln39*", "Q39X", "p.Gln39X", "p.Q39Ter", "Gln39stop"]),
        ("HGVS:p.L858=", ["p.Leu858=", "p.L858L"]),
        ("HGVS:p.R-4Q", ["R-4Q"]),
        ("HGVS:p.F508del", ["delta F508", "ΔF508", "F508del", "p.Phe508del", "deltaF508"]),
        ("HGVS:p.E746_A750del", ["p.E746_A750del", "p.Glu746_Ala750del", "E746_A750del"]),
        ("HGVS:p.K23dup", ["p.Lys23dup"]),
        ("HGVS:p.D770_N771insG", ["p.D770_N771insG", "p.Asp770_Asn771insGly"]),
        ("HGVS:p.D46_Q48delinsE", ["p.Asp46_Gln48delinsGlu"]),
        ("HGVS:c.5287G>A", ["c.5287G>A", "5287G>A", "5287 G > A", "5287G->A", "c.5287 G→A", "5287G–>A"]),
        (
            "HGVS:c.1691G>A",
            [
                *("G1691A", "1691G->A", "G1691->A", "G-to-A substitution at position 1691", "c.1691G>A", "c.1,691G>A"),
                *("(G --> A) substitution at position 1691", "guanine to adenine transition at nucleotide 1691"),
            ],
        ),
        ("HGVS:c.-786T>C", ["-786T>C", "T-786C", "-786 T/C", "\u2212786T>C", "-786(T/C)", "c.-786T>C"]),
        ("HGVS:c.IVS2+1G>A", ["IVS2+1G>A", "IVS2 + 1 G > A", "IVS-II+1(G>A)"]),
        ("HGVS:c.88+2T>G", ["c.88+2T>G", "88+2T>G"]),
        ("HGVS:c.*32G>A", ["c.*32G>A"]),
        ("HGVS:m.3243A>G", ["m.3243A>G"]),
        ("HGVS:g.41244000_41244010del", ["g.41244000_41244010del"]),
        ("HGVS:c.35del", ["c.35delG", "35delG", "c.35del", "deletion of G at position 35"]),
        ("HGVS:c.185_186del", ["185delAG", "c.185_186delAG", "c.185-186del", "185_186delAG"]),
        ("HGVS:c.1494_1499del", ["1494del6", "c.1494_1499delTGACCA", "1494-1499del"]),
        ("HGVS:c.1782_1783del", ["1782-83delAG"]),
        ("HGVS:c.1706-2del", ["c.1706-2delA"]),
        ("HGVS:c.899dup", ["899dupC", "c.899dup"]),
        ("HGVS:c.76_77insT", ["c.76_77insT", "76_77insT", "76-77insT"]),
        ("HGVS:c.3512_3513delinsTA", ["c.3512_3513delinsTA"]),
        (None, ["32-bp deletion", "Delta32", "14 bp insertion/deletion", "(CCTTT)14", "G-->A", "Gly-->Ser"]),
        (None, ["G-to-A mutation at codon 456", "stop codon at position 372", "leucine to methionine"]),
    ],
)
def test_every_spelling_has_one_identifier(identifier: str | None, spellings: list[str]) -> None:
    for spelling in spellings:
        for text in (spelling, f"We found {spelling} in two families.", f"a mutation ({spelling}) of a gene"):
            assert found(text) == [(spelling, identifier)], text


@pytest.mark.parametrize(
    "text",
    [
        "T47D, T98G and A549 cells, and L5178Y lymphoma",
        "H5N1, H1N1 and C57BL/6 mice, B6C3F1 mice",
        "p53, S100A4, S100A, S100P, CD300A and cytochrome P4503A",
        "HEK293T cells and HEK293 cells; MCF10A",
        "blood groups A2B and A1; vitamin B12; 10 mM H2O2; IC50; C4A; D2R",
        "A deletion of the gene. A duplication followed.",
        "Patients got T600/G12 or the transdermal M-5041T.",
        "D-Ala2-Met-enkephalinamide and AIN-93G/M",
        "asparaginase turns asparagine into aspartate",
        "Genotypes were Gln/Gln, Gln/Arg and Arg/Arg.",
        "the RS1 gene, p. 123, c. 45, rs12, p.=",
    ],
)
def test_what_only_looks_like_a_variant(text: str) -> None:
    assert found(text) == []


def test_the_text_decides_whether_letters_are_bases_or_amino_acids() -> None:
    assert found("C311A") == [("C311A", "HGVS:c.311C>A")]
    assert found("C311A and L351A")[0] == ("C311A", "HGVS:p.C311A")
    # The base at 463 is in codon 155, and 5947 is far beyond 1851.
    assert found("C463T (P155S)")[0] == ("C463T", "HGVS:c.463C>T")
    assert found("G5947A and R1851Q")[0] == ("G5947A", "HGVS:c.5947G>A")
    assert found("G12C") == [("G12C", "HGVS:p.G12C")]
    assert found("T1270533G") == [("T1270533G", "HGVS:g.1270533T>G")]
    assert found("the mtDNA mutation A3243G") == [("A3243G", "HGVS:m.3243A>G")]


def test_a_gene_before_a_change_is_not_part_of_it() -> None:
    assert found("BRAFV600E") == [("V600E", "HGVS:p.V600E")]
    assert found("GBA1 has a mutation, GBA1N370S.") == [("N370S", "HGVS:p.N370S")]
    assert found("GBA1N370S") == []


def test_sides_of_a_change_that_the_text_names_have_no_identifier() -> None:
    text = "The -308G>A polymorphism: carriers of -308A; Arg399Gln: the 399 Gln allele."
    assert found(text) == [
        *(("-308G>A", "HGVS:c.-308G>A"), ("-308A", None)),
        *(("Arg399Gln", "HGVS:p.R399Q"), ("399 Gln", None)),
    ]
    assert found("carriers of -308A and of 399 Gln") == []


def test_the_longest_of_overlapping_mentions_counts() -> None:
    assert found("T to A transition at nucleotide position 387")[0][0] == "T to A transition at nucleotide position 387"


PIECES = [
    *("V600E", "p.", "c.", "Val", "valine", " to ", "codon ", "rs", "35", "del", "ins", "G>A", "/", "(", ")", "-", "+"),
    *("IVS", "deletion", " of ", "bp", "position", " ", ".", "A", "C", "T", "1", "9", ",", "_", "\u0394", "\u2212"),
    *(
        "\u2192",
        "fs",
        "X",
        "*",
        "stop",
        "dup",
        "\u00e9",
        "\U0001d6fc",
        "\u0130",
        "\n",
        "nucleotide",
        "[",
        "]",
        "allele",
    ),
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
@example("p.[(V1")
@example("codon 1 ACG/ACG")
def test_mentions_of_any_text_are_in_order_and_apart(text: str) -> None:
    mentions = find_variants(text)
    end = 0
    for one in mentions:
        assert end <= one.start_char < one.end_char <= len(text)
        mention = text[one.start_char : one.end_char]
        assert mention == mention.strip()
        assert one.identifier is None or one.identifier.startswith(("dbSNP:rs", "HGVS:"))
        end = one.end_char
    assert find_variants(text) == mentions


@pytest.mark.parametrize(
    "unit",
    [
        *("1", "A", "ACGT", "V600E ", "abV600E ", "abcV600E ", "p.V1_", "c.1", "1,", "1-", "-", "(", "(GCG)6", "35del"),
        *("rs1", "C>T ", "IVS1+", "codon 1 ", "valine to ", "alanine (Ala) to ", "1 bp deletion ", "-308G>A -308A "),
        *("stop codon at ", "deletion/", "\u0394", "G12C "),
    ],
)
def test_a_hostile_text_takes_linear_time(unit: str) -> None:
    # A search whose time grows with the square of the length does not end within the time limit of a test run.
    text = (unit * 100_000)[:300_000]
    assert all(0 < one.end_char - one.start_char < 300 for one in find_variants(text))
