"""The rules between types: what each one changes in real sentences, and what holds for any entities."""

from collections import defaultdict
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner.gene_spans import trim_genes
from litmine.tasks.ner.short_forms import spread_definitions
from litmine.tasks.ner.type_rules import Guideline, judged_mentions, settle_types
from litmine.types import Entity
from tests.tasks.ner.test_mention_rules import mark

GENE_TYPES = {"Gene", "Protein", "DNA", "RNA"}
TYPES = ("Gene", "Protein", "Chemical", "Disease", "Species", "CellLine", "CellType", "DNA", "Anatomy")
WORDS = (
    "human", "BRCA1", "gene", "patients", "p.Val600Glu", "tumor", "necrosis", "factor", "HIV-1", "all", "cholesterol",
    "mice", "Men-2", "ab", "protein",
    "COVID-19", "long", "insulin", "resistance", "virus", "sedation", "alcohol", "withdrawal", "and", "V600E",
    "(IR)", "IR",
)  # fmt: skip


def settled(text: str, entities: list[Entity], types: Collection[str] = TYPES) -> list[tuple[str, str]]:
    return [(one.mention, one.entity_type) for one in settle_types(text, entities, types)]


@pytest.mark.parametrize(
    ("mention", "name"),
    [
        ("BRCA1 mutations", "BRCA1"),
        ("wild-type KRAS", "KRAS"),
        ("Serum S100B", "S100B"),
        ("human TLR4 mRNA", "TLR4"),
        ("rad51 mutants", "rad51"),
        ("anti-CD3 antibodies", "CD3"),
        ("p53 protein", "p53"),
        ("Ras proteins", "Ras"),
        ("BRAF V600E", "BRAF"),
        ("BRAF(V600E) mutation", "BRAF"),
        ("V600E-mutated BRAF", "BRAF"),
        ("c.5266dupC BRCA1", "BRCA1"),
        ("Thr(393)/Ser(395)", "Thr(393)/Ser(395)"),
        ("CYP2C19*2", "CYP2C19"),
        ("HLA-B*58:01", "HLA-B"),
        ("HLA-DRB1*15:01 allele", "HLA-DRB1"),
        ("C-reactive protein", "C-reactive protein"),
        ("heat shock protein", "heat shock protein"),
        # The notation of a variant, but a name.
        ("S100B", "S100B"),
        # Too little would remain, or the word is within the name.
        ("Rb gene", "Rb"),
        ("p gene", "p gene"),
        ("human", "human"),
        ("protein kinase C", "protein kinase C"),
        ("gene", "gene"),
    ],
)
def test_a_genes_mention_ends_where_its_name_ends(mention: str, name: str) -> None:
    text = f"The {mention} here"
    (one,) = trim_genes([Entity(mention, "Gene", 4, 4 + len(mention), 0.9)])
    assert one.mention == text[one.start_char : one.end_char] == name
    assert trim_genes([Entity(mention, "Disease", 4, 4 + len(mention), 0.9)])[0].mention == mention


@pytest.mark.parametrize(
    ("marked", "anatomy", "kept"),
    [
        ("<Disease|kidney disease> here", "kidney", False),
        ("<Disease|melanoma> here", "melanoma", False),
        ("<CellType|T cells> here", "T cells", False),
        ("<CellLine|HeLa cells> here", "HeLa", False),
        ("<Gene|liver X receptor> here", "liver", False),
        ("<Chemical|glucose> in the blood", "blood", True),
        ("<Disease|pain> in the left kidney", "left kidney", True),
        ("these cells and tissues", "cells", False),
        ("these cells and tissues", "tissues", False),
        ("dendritic cells", "dendritic cells", True),
    ],
)
def test_anatomy_yields_to_other_types_and_is_a_part_in_particular(marked: str, anatomy: str, kept: bool) -> None:
    text, entities = mark(marked)
    start = text.index(anatomy)
    part = Entity(anatomy, "Anatomy", start, start + len(anatomy), 0.9)
    found = settled(text, [*entities, part])
    assert ((anatomy, "Anatomy") in found) == kept
    judged = judged_mentions(text, [*entities, part], Guideline(frozenset({"Anatomy"})))
    assert [one.mention for one in judged] == [anatomy]


def test_mentions_that_become_one_keep_the_greater_score() -> None:
    pair = [Entity("TP53 gene", "Gene", 0, 9, 0.7), Entity("TP53", "Gene", 0, 4, 0.9)]
    assert trim_genes(pair) == trim_genes(pair[::-1]) == [pair[1]]


def test_a_span_has_types_of_the_group_with_most_evidence() -> None:
    text, genes = mark("<Gene|APOE#0.9> and <Gene|APOE#0.6>")
    _, chemicals = mark("<Chemical|APOE#0.5> and <Chemical|APOE#0.7>")
    assert settled(text, genes + chemicals) == [("APOE", "Gene")] * 2
    _, lines = mark("<CellLine|APOE#0.8> and <CellType|APOE#0.7>")
    assert settled(text, genes + lines) == [("APOE", "Gene")] * 2
    assert settled(text, [genes[0], *chemicals]) == [("APOE", "Chemical")] * 2
    assert settled(text, lines) == [("APOE", "CellLine"), ("APOE", "CellType")]


@pytest.mark.parametrize(
    ("marked", "inner", "kept"),
    [
        ("<Gene|angiotensin-converting enzyme>", ("angiotensin", "Chemical"), False),
        ("<Protein|Na+/K+-ATPase>", ("Na", "Chemical"), False),
        ("<Species|Hepatitis C virus>", ("Hepatitis C", "Disease"), False),
        ("<Gene|tumour necrosis factor alpha>", ("tumour", "Disease"), False),
        ("<Disease|cocaine abuse>", ("cocaine", "Chemical"), True),
        ("<Gene|breast cancer susceptibility gene 1>", ("breast cancer", "Disease"), True),
        ("<Species|Escherichia coli>", ("coli", "Gene"), True),
    ],
)
def test_a_part_of_a_longer_name(marked: str, inner: tuple[str, str], kept: bool) -> None:
    text, entities = mark(marked)
    start = text.index(inner[0])
    entities.append(Entity(inner[0], inner[1], start, start + len(inner[0]), 0.99))
    assert (inner in settled(text, entities)) is kept


def test_one_gene_for_a_gene_and_a_protein() -> None:
    text, genes = mark("<Gene|IL-2#0.7> binds")
    _, proteins = mark("<Protein|IL-2#0.9> binds")
    (one,) = settle_types(text, genes + proteins, TYPES)
    assert (one.entity_type, one.score) == ("Gene", 0.9)
    assert settled(text, proteins) == [("IL-2", "Protein")]


def test_a_protein_with_the_name_of_a_gene_is_that_gene() -> None:
    text, entities = mark("<Protein|p53#0.7> and <Gene|p53>, <Protein|MDM2>, <Protein|p53 dimers>")
    found = [("p53", "Gene"), ("p53", "Gene"), ("MDM2", "Protein"), ("p53 dimers", "Protein")]
    assert settled(text, entities) == found
    assert settle_types(text, entities, TYPES)[0].score == 0.7
    judged = judged_mentions(text, entities, Guideline(frozenset({"Protein"})))
    assert [one.mention for one in judged] == ["p53", "MDM2", "p53 dimers"]


@pytest.mark.parametrize(
    ("marked", "name", "types"),
    [
        ("<Chemical|nitroglycerin> (NTG), NTG-induced, <Gene|NTG#0.9>", "NTG", ["Chemical"] * 3),
        ("ribavirin-induced <Disease|anemia> (<Chemical|RIA>), RIA", "RIA", ["Disease"] * 2),
        ("NTG (<Chemical|nitroglycerin>) and NTG", "NTG", ["Chemical"] * 2),
        # A gene of any type stays, and so does a place inside a longer mention.
        ("<Gene|tumor protein 53> (TP53), <Protein|TP53>", "TP53", ["Gene", "Gene"]),
        ("<Protein|tumor protein 53> (TP53); <Gene|tumor protein 53>, TP53", "TP53", ["Gene", "Gene"]),
        ("<Chemical|dopamine> (DA), <Gene|DA receptor>", "DA", ["Chemical"]),
        # None of these says what the short form stands for.
        ("duration of <Disease|catatonia> (DOC), DOC", "DOC", []),
        ("<Chemical|nitroglycerin#0.7> (NTG), NTG", "NTG", []),
        ("<Chemical|retinyl acetate> (RA), <Disease|rheumatoid arthritis> (RA), RA", "RA", []),
        ("<Chemical|potassium> (K), K channels", "K", []),
        # Other words and names.
        ("<Chemical|nitroglycerin> (NTG), NTG2, NTG-2, anti-NTG, NTGs", "NTG", ["Chemical"]),
    ],
)
def test_a_short_form_has_the_type_of_its_long_form(marked: str, name: str, types: list[str]) -> None:
    text, entities = mark(marked)
    found = settle_types(text, entities, TYPES)
    assert [one.entity_type for one in found if one.mention == name] == types
    assert spread_definitions(text, spread_definitions(text, found)) == spread_definitions(text, found)


@pytest.mark.parametrize(("definitions", "mentions"), [(500, 1001), (501, 501)])
def test_a_text_with_very_many_short_forms_keeps_its_mentions(definitions: int, mentions: int) -> None:
    names = ["".join(chr(ord("a") + int(digit)) for digit in str(number)) for number in range(definitions)]
    text, entities = mark(", ".join(f"<Disease|a{name} beta> (A{name}B)" for name in names) + ", AaB")
    assert len(settled(text, entities)) == mentions


@pytest.mark.parametrize(
    ("marked", "name", "types"),
    [
        ("<Chemical|glutamate#1>, glutamate, glutamate-glutamate, glutamate", "glutamate", ["Chemical"] * 3),
        ("<Gene|Notch#1> <Gene|Notch> <DNA|Notch>, Notch", "Notch", ["Gene", "Gene", "DNA", "Gene"]),
        # Within another mention, too short, not certain enough, at too few places.
        ("<Chemical|glutamate#1>, <Disease|glutamate allergy>", "glutamate", ["Chemical"]),
        ("<Chemical|ATP#1>, ATP", "ATP", ["Chemical"]),
        ("<Chemical|salt#0.9>, salt", "salt", ["Chemical"]),
        ("<Anatomy|retina#1>, retina", "retina", ["Anatomy"]),
        ("<Chemical|salt#1>" + ", salt" * 10, "salt", ["Chemical"]),
    ],
)
def test_a_certain_name_is_a_mention_at_its_other_places(marked: str, name: str, types: list[str]) -> None:
    text, entities = mark(marked)
    assert [kind for mention, kind in settled(text, entities) if mention == name] == types


def test_people_are_persons_and_species_are_organisms() -> None:
    text, entities = mark("<Species|Patients#0.9>, some <Species|women#0.8>, <Species|mice#0.7>; MEN 2, Child-Pugh B.")
    people = [("Patients", "Person"), ("women", "Person")]
    assert settled(text, entities) == [*people, ("mice", "Species")]
    assert settled(text, [], {"Gene"}) == []
    assert settled(text, []) == people
    assert [one.entity_type for one in judged_mentions(text, entities, Guideline(frozenset({"Species"})))] == [
        "Species"
    ] * 3


def test_words_that_are_of_no_type() -> None:
    text, entities = mark(
        "<Disease|Labor> in <Disease|all> and <Disease|ALL>; <Chemical|rs1042522>, <Gene|V600E>, <Gene|LDL cholesterol>"
    )
    assert settled(text, entities) == [("ALL", "Disease")]


def test_names_that_the_heads_miss() -> None:
    text, entities = mark(
        "<Disease|COVID> vaccines, long COVID-19, SARS-<Species|CoV-2#0.7>, <Disease|severe COVID-19>."
    )
    found = [
        ("COVID", "Disease"),
        ("long COVID-19", "Disease"),
        ("SARS-CoV-2", "Species"),
        ("severe COVID-19", "Disease"),
    ]
    assert settled(text, entities) == found
    assert settled(text, [], {"Gene"}) == []
    judged = judged_mentions(text, entities, Guideline(frozenset({"Species"})))
    assert [(one.mention, one.score) for one in judged] == [("SARS-CoV-2", 0.7)]


def test_classes_of_drugs_are_chemicals_but_in_evaluations() -> None:
    text, entities = mark(
        "Selective <Chemical|serotonin#0.8> reuptake inhibitors, NSAIDs, antipsychotic drugs; antipsychotic effect"
    )
    names = "Selective serotonin reuptake inhibitors", "NSAIDs", "antipsychotic drugs"
    assert settled(text, entities) == [(one, "Chemical") for one in names]
    assert settled(text, [], {"Disease"}) == []
    judged = judged_mentions(text, entities, Guideline(frozenset({"Chemical"})))
    assert [one.mention for one in judged] == ["serotonin"]


def test_findings_are_diseases_but_in_evaluations() -> None:
    text, entities = mark(
        "Raised serum <Chemical|creatinine> levels and infusion-related reactions; alcohol withdrawal,"
        " withdrawal symptoms; withdrawal of alcohol, opioid withdrawal of patients, increased creatinine clearance"
    )
    names = (
        "Raised serum creatinine levels",
        "infusion-related reactions",
        "alcohol withdrawal",
        "withdrawal symptoms",
    )
    found = settled(text, entities)
    assert [name for name, kind in found if kind == "Disease"] == [*names]
    assert ("creatinine", "Chemical") in found
    assert settled(text, [], {"Chemical"}) == []
    assert judged_mentions(text, [], Guideline(frozenset({"Disease"}))) == []


@pytest.mark.parametrize(
    ("marked", "harm"),
    [
        ("<Disease|nausea>, sedation, and <Disease|dizziness>", True),
        ("sedation and <Disease|nausea>", True),
        ("Sedation/<Disease|hypotension>", True),
        ("<Disease|vomiting>, or oversedation", True),
        ("side effects such as sedation", True),
        ("The incidence of sedation was low", True),
        ("excessive sedation with fentanyl", False),
        ("significantly more sedation at night", True),
        ("Sedation was the most frequent problem", True),
        ("sedation occurred in two", True),
        ("the incidence of sedation scores above 3", False),
        ("conscious sedation for endoscopy", False),
        ("<Disease|nausea> or\nsedation", False),
        ("<Disease|nausea> after sedation", False),
        ("sedation with propofol against <Disease|nausea>", False),
        ("sedation-<Disease|nausea>", False),
        ("sedation, <Chemical|propofol>", False),
    ],
)
def test_sedation_is_a_finding_in_a_list_of_findings_and_where_it_is_called_a_harm(marked: str, harm: bool) -> None:
    text, entities = mark(marked)
    assert any("sedation" in name.lower() for name, _ in settled(text, entities)) is harm


def test_a_virus_is_an_organism() -> None:
    text, entities = mark("<Disease|encephalitis virus>, <Disease|virus infection>, <Disease|infection by a virus>")
    assert settled(text, entities) == [
        ("encephalitis virus", "Species"),
        ("virus infection", "Disease"),
        ("infection by a virus", "Disease"),
    ]
    assert settled(text, entities, {"Disease"}) == [(one.mention, "Disease") for one in entities]
    _, species = mark("<Species|encephalitis virus#0.5> and virus infection")
    assert settled(text, entities + species) == settled(text, entities)


def test_a_guideline_has_only_its_types_and_keeps_parts_and_words() -> None:
    text, genes = mark("the <Gene|serotonin transporter gene#0.6> of <Gene|ketamine#0.6>")
    _, chemicals = mark("the <Chemical|serotonin> transporter gene of <Chemical|ketamine#0.5>")
    both = genes + chemicals
    chemical = judged_mentions(text, both, Guideline(frozenset({"Chemical"})))
    assert [one.mention for one in chemical] == ["serotonin", "ketamine"]
    gene = judged_mentions(text, both, Guideline(frozenset({"Gene"})))
    assert [one.mention for one in gene] == ["serotonin transporter gene", "ketamine"]
    bare = judged_mentions(text, both, Guideline(frozenset({"Gene"}), bare_genes=True))
    assert [one.mention for one in bare] == ["serotonin transporter", "ketamine"]
    assert settled(text, both) == [("serotonin transporter", "Gene"), ("ketamine", "Gene")]


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    """A text of words that the rules know, and entities over runs of its words."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    text = " ".join(words)
    ends = [len(" ".join(words[: place + 1])) for place in range(len(words))]
    found = {}
    for _ in range(draw(st.integers(0, 10))):
        first = draw(st.integers(0, len(words) - 1))
        last = draw(st.integers(first, min(first + 3, len(words) - 1)))
        start, end, kind = ends[first] - len(words[first]), ends[last], draw(st.sampled_from(TYPES))
        found[start, end, kind] = Entity(text[start:end], kind, start, end, draw(st.sampled_from((0.5, 0.7, 0.9))))
    return text, sorted(found.values(), key=lambda one: (one.start_char, one.end_char, one.entity_type))


@given(marked_texts())
def test_for_any_entities(marked: tuple[str, list[Entity]]) -> None:
    text, entities = marked
    found = settle_types(text, entities, TYPES)
    assert found == sorted(found, key=lambda one: (one.start_char, one.end_char, one.entity_type))
    assert all(text[one.start_char : one.end_char] == one.mention for one in found)
    spans = defaultdict(set)
    for one in found:
        spans[one.start_char, one.end_char].add(one.entity_type)
    for types in spans.values():
        assert len(types) == 1 or types <= GENE_TYPES or types <= {"CellLine", "CellType"}
        assert not {"Gene", "Protein"} <= types
    assert len(found) == len({(one.start_char, one.end_char, one.entity_type) for one in found})
    assert settle_types(text, found, TYPES) == found
    judged = judged_mentions(text, entities, Guideline(frozenset({"Disease", "Chemical"})))
    assert {one.entity_type for one in judged} <= {"Disease", "Chemical"}
    assert all(text[one.start_char : one.end_char] == one.mention for one in judged)
