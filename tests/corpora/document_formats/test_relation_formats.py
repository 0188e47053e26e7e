"""Each format of relation corpora: hand-made files, with what is wrong in them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from litmine.corpora.document_checks import Finding
from litmine.corpora.documents import AnnotatedDocument, AnnotatedRelation
from litmine.corpora.relation_corpus import CorpusCounts, RelationCorpus, count_documents, read_relation_corpus
from litmine.errors import CorpusError


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_text(content, encoding="utf-8")
    return folder


def relations(corpus: RelationCorpus) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Type, words (or identifier) of the two arguments, qualifiers."""
    found: list[tuple[str, str, str, tuple[str, ...]]] = []
    for document in corpus.documents:
        words = {one.entity_id: document.text[one.start : one.end] for one in document.entities if one.entity_id}
        found += [
            (one.relation_type, words.get(one.arg1, one.arg1), words.get(one.arg2, one.arg2), one.qualifiers)
            for one in document.relations
        ]
    return found


def mentions(document: AnnotatedDocument) -> list[tuple[str, str]]:
    return [(document.text[one.start : one.end], one.entity_type) for one in document.entities]


PUBTATOR = """1|t|Lithium and tremor.
1|a|Tremor, ataxia.
1\t0\t7\tLithium\tChemical\tD008094
1\t12\t18\ttremor\tDisease\tD014202
1\t20\t26\ttremor\tDisease\tD014202
1\t28\t34\tXtaxia\tDisease\tD001259
1\tCID\tD008094\tD014202
1\tCID\tD008094\tD001259
1\tCID\tD008094\tD000000
1\tPPI\tD008094\tD014202
"""


@pytest.mark.parametrize("packed", [False, True])
def test_pubtator_with_relation_lines(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "train.pubtator"
    file.write_bytes(gzip.compress(PUBTATOR.encode()) if packed else PUBTATOR.encode())
    corpus = read_relation_corpus(file, "BC5CDR")
    assert relations(corpus) == [("induces", "MESH:D008094", "MESH:D014202", ())]
    assert corpus.report.findings == [
        (Finding.OFFSETS, "line 6", "'Xtaxia'"),
        (Finding.DROPPED_ENTITY, "line 8", "CID D008094 D001259"),
        (Finding.MISSING_ENTITY, "line 9", "CID D008094 D000000"),
        (Finding.UNKNOWN_RELATION_TYPE, "line 10", "PPI D008094 D014202"),
    ]


def test_novelty_is_a_qualifier(tmp_path: Path) -> None:
    lines = ["1|t|BRAF in melanoma", "1|a|", "1\t0\t4\tBRAF\tGeneOrGeneProduct\t673"]
    lines += ["1\t8\t16\tmelanoma\tDiseaseOrPhenotypicFeature\tD008545", "1\tAssociation\tD008545\t673\tNovel"]
    file = tmp_path / "a.pubtator"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = read_relation_corpus(file, "BioRED")
    assert relations(found) == [("associated_with", "NCBIGene:673", "MESH:D008545", ("novel",))]


def bioc(annotations: list[dict[str, Any]], related: list[dict[str, Any]], offset: int = 9) -> str:
    passages = [{"offset": 0, "text": "Lithium.", "annotations": annotations}, {"offset": offset, "text": "A tremor."}]
    return json.dumps({"documents": [{"id": "1", "passages": passages, "relations": related}]}, indent=1)


DRUG = {"id": "0", "infons": {"type": "ChemicalEntity", "identifier": "D008094"}, "text": "Lithium",
        "locations": [{"offset": 0, "length": 7}]}  # fmt: skip
EFFECT = {"id": "1", "infons": {"type": "DiseaseOrPhenotypicFeature", "identifier": "D014202"}, "text": "tremor",
          "locations": [{"offset": 11, "length": 6}]}  # fmt: skip
BY_IDENTIFIER = {"id": "R0", "infons": {"entity1": "D008094", "entity2": "D014202", "type": "Positive_Correlation",
                 "novel": "Novel"}, "nodes": []}  # fmt: skip
BY_NODE = {"id": "R1", "infons": {"type": "Association"}, "nodes": [{"refid": "1"}, {"refid": "0"}]}


def test_bioc_relations_name_identifiers_or_annotations(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(bioc([DRUG, EFFECT], [BY_IDENTIFIER, BY_NODE]), encoding="utf-8")
    corpus = read_relation_corpus(file, "BioRED")
    (document,) = corpus.documents
    assert document.text == "Lithium. A tremor."
    assert document.relations == (
        AnnotatedRelation("positively_correlated", "MESH:D008094", "MESH:D014202", True, ("novel",)),
        AnnotatedRelation("associated_with", "0", "1"),
    )
    file.write_text(bioc([DRUG, {**EFFECT, "locations": [{"offset": 12, "length": 6}]}], [BY_NODE]), encoding="utf-8")
    assert read_relation_corpus(file, "BioRED").report.counts == {Finding.OFFSETS: 1, Finding.DROPPED_ENTITY: 1}
    file.write_text(bioc([], [{**BY_NODE, "nodes": [{"refid": "1"}]}]), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"document 1: not BioC JSON .* relation R1 has 1 arguments"):
        read_relation_corpus(file)
    file.write_text(bioc([], [], offset=3), encoding="utf-8")
    with pytest.raises(CorpusError, match="begins before the end of the passage before it"):
        read_relation_corpus(file)


ANNOTATIONS = """T1\tCHEMICAL 0 7\tAspirin
T2\tGENE-Y 17 20;24 25\tCOX 1
T3\tGENE-Y 30 35\tCOX-9
T4\tSPECIES 0 7\tAspirin
#1\tAnnotatorNotes T1\tsure
R1\tCPR:4 Arg1:T1 Arg2:T2
A1\tNegation R1
A2\tCertainty R1 Low
N1\tReference T1 MESH:D001241\tAspirin
R2\tCPR:4 Arg1:T1 Arg2:T3
R3\tCPR:4 Arg1:T1 Arg2:T8
R4\tCPR:4 Arg1:T1 Arg2:T1
R5\tCPR:4 Arg1:T2 Arg2:T1
R6\tCPR:99 Arg1:T1 Arg2:T2
E1\tBinding:T2 Theme:T1
"""


def test_brat(tmp_path: Path) -> None:
    write(tmp_path, a__ann=ANNOTATIONS, a__txt="Aspirin\rinhibits COX or 1 and COX-2.", b__ann="", b__txt="None.")
    corpus = read_relation_corpus(tmp_path, "ChemProt")
    assert [one.identifier for one in corpus.documents] == ["a", "b"]
    assert mentions(corpus.documents[0]) == [("Aspirin", "Chemical"), ("COX or 1", "Gene")]
    assert corpus.documents[0].entities[0].identifiers == ("MESH:D001241",)
    assert relations(corpus) == [("inhibits", "Aspirin", "COX or 1", ("negation", "certainty low"))]
    assert corpus.report.findings == [
        (Finding.UNREAD, "a.ann, line 15", "E1\tBinding:T2 Theme:T1"),
        (Finding.INTERRUPTED, "a.ann, line 2", "'COX or 1'"),
        (Finding.OFFSETS, "a.ann, line 3", "'COX-9'"),
        (Finding.UNKNOWN_ENTITY_TYPE, "a.ann, line 4", "SPECIES 'Aspirin'"),
        (Finding.DROPPED_ENTITY, "a.ann, line 10", "CPR:4 T1 T3"),
        (Finding.MISSING_ENTITY, "a.ann, line 11", "CPR:4 T1 T8"),
        (Finding.SELF_RELATION, "a.ann, line 12", "CPR:4 T1 T1"),
        (Finding.REPEATED_RELATION, "a.ann, line 13", "CPR:4 T2 T1"),
        (Finding.UNKNOWN_RELATION_TYPE, "a.ann, line 14", "CPR:99 T1 T2"),
    ]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CorpusError, match=r"a\.ann has no text: .*a\.txt does not exist"):
        read_relation_corpus(tmp_path)


def test_tables_of_chemprot_and_drugprot(tmp_path: Path) -> None:
    entities = (
        "1\tT1\tCHEMICAL\t0\t7\tAspirin\n1\tT2\tGENE-Y\t18\t21\tCOX\n9\tT1\tGENE\t0\t1\tA\n1\tT3\tGENE\tx\t1\tA\n"
    )
    chemprot = "1\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n1\tCPR:3\tN\tACTIVATOR\tArg1:T1\tArg2:T2\n"
    tables = {"train_abstracts__tsv": "1\tAspirin.\tInhibits COX.\n", "train_entities__tsv": entities}
    folder = write(tmp_path / "a", **tables, train_relations__tsv=chemprot)
    corpus = read_relation_corpus(folder, "ChemProt")
    assert relations(corpus) == [("inhibits", "Aspirin", "COX", ())]
    assert corpus.report.findings == [
        (Finding.UNREAD, "train-entities.tsv, line 3", "there is no abstract of 9"),
        (Finding.UNREAD, "train-entities.tsv, line 4", "'x' to '1' are no offsets"),
        (Finding.UNREAD, "train-relations.tsv, line 2", "CPR:3 is marked as not judged"),
    ]
    drugprot = "1\tINHIBITOR\tArg1:T1\tArg2:T2\n9\tINHIBITOR\tArg1:T1\tArg2:T2\n"
    corpus = read_relation_corpus(write(folder, train_relations__tsv=drugprot), "DrugProt")
    assert relations(corpus) == [("inhibits", "Aspirin", "COX", ())]
    assert corpus.report.of(Finding.OTHER_DOCUMENT) == [("train-relations.tsv, line 2", "INHIBITOR T1 T2")]
    write(folder, train_entities__tsv="1\tT1\n")
    with pytest.raises(CorpusError, match=r"train-entities\.tsv, line 1: 2 columns instead of 6 or more"):
        read_relation_corpus(folder)


DDI = """<?xml version="1.0" encoding="UTF-8"?>
<document id="D.1">
 <sentence id="D.1.s0" text="Take warfarin &amp; food.">
  <entity id="D.1.s0.e0" charOffset="5-12" type="drug" text="warfarin"/>
 </sentence>
 <sentence id="D.1.s1" text="Aspirin raises loop or thiazide diuretics.">
  <entity id="D.1.s1.e0" charOffset="0-6" type="brand" text="Aspirin"/>
  <entity id="D.1.s1.e1" charOffset="15-18;32-40" type="group" text="loop diuretics"/>
  <entity id="D.1.s1.e2" charOffset="23-39" type="group" text="thiazide diuretics"/>
  <pair id="D.1.s1.p0" e1="D.1.s1.e0" e2="D.1.s1.e1" ddi="true" type="mechanism"/>
  <pair id="D.1.s1.p1" e1="D.1.s1.e0" e2="D.1.s1.e2" ddi="true" type="effect"/>
  <pair id="D.1.s1.p2" e1="D.1.s1.e0" e2="D.2.s1.e0" ddi="true" type="effect"/>
  <pair id="D.1.s1.p3" e1="D.1.s1.e0" e2="D.1.s0.e0" ddi="false"/>
 </sentence>
</document>"""


def test_ddi_xml(tmp_path: Path) -> None:
    corpus = read_relation_corpus(write(tmp_path, a__xml=DDI), "DDI2013")
    (document,) = corpus.documents
    assert document.text == "Take warfarin & food. Aspirin raises loop or thiazide diuretics."
    assert [(one.start, one.end) for one in document.sentences] == [(0, 21), (22, 64)]
    assert [words for words, _ in mentions(document)] == ["warfarin", "Aspirin", "loop or thiazide diuretics"]
    assert relations(corpus) == [("interaction_mechanism", "Aspirin", "loop or thiazide diuretics", ())]
    assert list(corpus.report.counts) == [
        Finding.OFFSETS, Finding.INTERRUPTED, Finding.DROPPED_ENTITY, Finding.OTHER_DOCUMENT,
    ]  # fmt: skip
    assert corpus.report.of(Finding.OFFSETS) == [("a.xml, D.1, D.1.s1", "'thiazide diuretics'")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><document id="&c;"/>', "declares a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><document id="1"/>', "declares a document type"),
        ('<document id="1"><sentence id="2"/></document>', r"line 1: not XML of DDI 2013 \(KeyError"),
        ('<document id="1"><entity id="2" charOffset="1-2"/></document>', r"not XML of DDI 2013 \(IndexError"),
        ('<document id="1">', "not XML of DDI 2013"),
        ('<document id="&unknown;"/>', "not XML of DDI 2013"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_bombs_and_damage_are_refused(tmp_path: Path, content: str, message: str, encoding: str) -> None:
    (tmp_path / "a.xml").write_bytes(content.encode(encoding))
    with pytest.raises(CorpusError, match=message):
        read_relation_corpus(tmp_path, "DDI2013")


MASKED = [
    ("@GENE$ does not cause @DISEASE$.", "0"),
    ("In @DISEASE$, @GENE$ is mutated.", "1"),
    ("Only @GENE$ here.", "1"),
    ("@GENE$ or @DISEASE$.", "2"),
]


@pytest.mark.parametrize("form", ["json", "two", "three"])
def test_masked_sentences(tmp_path: Path, form: str) -> None:
    file = tmp_path / "train"
    if form == "json":
        lines = [json.dumps({"text": text, "label": int(label), "fold": 3}) for text, label in MASKED]
    elif form == "two":
        lines = [f"{text}\t{label}" for text, label in MASKED]
    else:
        lines = ["index\tsentence\tlabel", *(f"{row}\t{text}\t{label}" for row, (text, label) in enumerate(MASKED))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    corpus = read_relation_corpus(file, "GAD")
    assert relations(corpus) == [("associated_with", "@GENE$", "@DISEASE$", ())]
    assert mentions(corpus.documents[1]) == [("@DISEASE$", "Disease"), ("@GENE$", "Gene")]
    assert corpus.documents[0].identifier == {"json": "3-s1", "two": "s1", "three": "s2"}[form]
    assert [what for _, what in corpus.report.of(Finding.UNREAD)] == [
        "1 masked mentions instead of a gene and a disease", "the label is '2', not 0 or 1",
    ]  # fmt: skip


# "1", a blank line, a title, a blank line: the abstract begins at 30.
PAIRS = """1|Rash after drug A and rash after B.|Rash|30|34|drug A|41|47
1|Rash after drug A and rash after B.|rash|52|56|B|63|64
1|Rash after drug A and rash after B.|rash|52|56|B|63|64
1|Rash after drug A and rash after B.|fever|70|75|B|63|64
2|Nausea after C.|Nausea|10|16|C|99|100
"""


def test_offsets_of_ade_count_in_the_document(tmp_path: Path) -> None:
    dose = "3|He took 5 mg of D.|5 mg|108|112|D|116|117\n"
    negative = "4 NEG Nothing happened.\n4 NEG Nothing happened.\n2 NEG Nausea after C.\n"
    corpus = read_relation_corpus(
        write(tmp_path, DRUG_AE__rel=PAIRS, DRUG_DOSE__rel=dose, ADE_NEG__txt=negative), "ADE"
    )
    assert [one.identifier for one in corpus.documents] == ["1-1", "2-1", "3-1", "4-1"]
    assert corpus.declaration is not None
    assert corpus.declaration.article_of("12-3") == "12"
    first, second, third, fourth = corpus.documents
    assert [(one.start, one.end) for one in first.entities] == [(0, 4), (11, 17), (22, 26), (33, 34)]
    assert relations(corpus) == [
        ("adverse_effect", "drug A", "Rash", ()), ("adverse_effect", "B", "rash", ()),
        ("adverse_effect", "C", "Nausea", ()), ("has_dose", "D", "5 mg", ()),
    ]  # fmt: skip
    assert [one.labels for document in (first, second, fourth) for one in document.sentences] == [
        ("adverse_effect",), ("adverse_effect",), (),
    ]  # fmt: skip
    assert third.sentences == ()
    assert corpus.report.findings == [
        (Finding.REPEATED_DOCUMENT, "ADE-NEG.txt, line 2", "4: Nothing happened."),
        (Finding.CONTRADICTION, "ADE-NEG.txt, line 3", "2: Nausea after C."),
        (Finding.OFFSETS, "DRUG-AE.rel, line 4", "'fever'"),
        (Finding.REPEATED_RELATION, "DRUG-AE.rel, line 3", "adverse_effect T3 T4"),
        (Finding.DROPPED_ENTITY, "DRUG-AE.rel, line 4", "adverse_effect T3 T5"),
        (Finding.RELOCATED, "DRUG-AE.rel, line 5", "'C' in Nausea after C."),
    ]
    write(tmp_path, DRUG_AE__rel="1|a|b\n")
    with pytest.raises(CorpusError, match=r"DRUG-AE\.rel, line 1: 3 columns divided by \| instead of 8"):
        read_relation_corpus(tmp_path, "ADE")


def argument(*pieces: tuple[str, int]) -> dict[str, Any]:
    return {"text": [[words] for words, _ in pieces], "start": [[start] for _, start in pieces]}


def test_phee(tmp_path: Path) -> None:
    text = "Oral A and B for gout caused no severe rash."
    drugs = argument(("A", 5), ("B", 11))
    adverse = {
        "event_id": "E1", "event_type": "Adverse_event", "Effect": argument(("rash", 39)), "Negated": {"value": True},
        "Severity": {"value": "High"}, "Speculated": {"value": False},
        "Treatment": {
            "Drug": drugs, "Disorder": argument(("gout", 17)), "Route": argument(("Oral", 0)),
            "Combination": [{"Drug": drugs}],
        },
    }  # fmt: skip
    wanted = {
        "event_id": "E2", "event_type": "Potential_therapeutic_event",
        "Treatment": {"Drug": argument(("A", 5)), "Dosage": argument(("5 mg", 9))},
        "Effect": {"text": [["no", "rash"]], "start": [[29, 39]]},
    }  # fmt: skip
    line = {"id": "1_1", "context": text, "annotations": [{"events": [adverse, wanted, {**wanted, "event_type": "X"}]}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(line), encoding="utf-8")
    corpus = read_relation_corpus(tmp_path / "a.jsonl", "PHEE")
    said = ("negated", "severity high")
    assert relations(corpus) == [
        ("adverse_effect", "A", "rash", said), ("adverse_effect", "B", "rash", said),
        ("treats", "A", "gout", ()), ("treats", "B", "gout", ()),
        ("has_route", "A", "Oral", ()), ("has_route", "B", "Oral", ()), ("cotreatment", "A", "B", ()),
        ("therapeutic_effect", "A", "no severe rash", ()),
    ]  # fmt: skip
    assert corpus.documents[0].sentences[0].labels == ("adverse_event", "potential_therapeutic_event")
    assert corpus.report.findings == [
        (Finding.UNREAD, "line 1, E2", "unknown type of event X"),
        (Finding.INTERRUPTED, "line 1, E2", "'no severe rash'"),
        (Finding.OFFSETS, "line 1, E2", "'5 mg'"),
        (Finding.DROPPED_ENTITY, "line 1, E2", "dosage Drug:5-6 Dosage:9-13"),
    ]


def test_a_mention_with_distant_parts_is_its_longest_part(tmp_path: Path) -> None:
    text = "Severe, as we saw in many patients who took D, bleeding occurred."
    ann = "T1\tAdverseEffect 0 6;47 55\tSevere bleeding\n"
    corpus = read_relation_corpus(write(tmp_path, a__ann=ann, a__txt=text), "ADE")
    assert mentions(corpus.documents[0]) == [("bleeding", "AdverseEffect")]
    assert list(corpus.report.counts) == [Finding.INTERRUPTED]
    assert corpus.report.dropped == 0


def test_counts_and_names(tmp_path: Path) -> None:
    file = tmp_path / "a.pubtator"
    file.write_text(PUBTATOR, encoding="utf-8")
    counts = count_documents(read_relation_corpus(file, "BC5CDR").documents)
    assert counts == CorpusCounts(1, 35, 0, {"Chemical": 1, "Disease": 2}, {"induces": 1}, {})
    with pytest.raises(
        CorpusError, match=r"'BC6CDR' is no corpus with relations \(did you mean BC5CDR\?\); use one of"
    ):
        read_relation_corpus(file, "BC6CDR")
    with pytest.raises(CorpusError, match="is no corpus with relations; it needs"):
        read_relation_corpus(tmp_path)
    with pytest.raises(CorpusError, match="cannot be read as a corpus"):
        read_relation_corpus(tmp_path / "missing")
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="has no document"):
        read_relation_corpus(tmp_path / "empty.jsonl")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_of_lines(tmp_path: Path, encoding: str) -> None:
    line = json.dumps({"id": "1", "text": "Naïve: β-blocker.", "entities": []}, ensure_ascii=False)
    for name, content in (("a.jsonl", f"{line}\n"), ("a.pubtator", "1|t|Naïve: β-blocker.\n1|a|\n")):
        (tmp_path / name).write_bytes(content.encode(encoding))
        assert read_relation_corpus(tmp_path / name).documents[0].text == "Naïve: β-blocker."


@pytest.mark.parametrize("start", [b"<document>", b'{"source": "a",'])
def test_a_packed_bomb_is_not_unpacked_whole(tmp_path: Path, start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litmine.corpora.document_files.MAX_OBJECT_BYTES", 1 << 20)
    (tmp_path / "a.gz").write_bytes(gzip.compress(start + b"\n" + b" " * (1 << 21)))
    with pytest.raises(CorpusError, match="has more than 1 MiB in one object"):
        read_relation_corpus(tmp_path / "a.gz")


@pytest.mark.parametrize(
    "content", ["null", "[]", '{"id": 1, "text": "a", "labels": "abc"}', '{"id": 1, "text": "a", "entities": [1]}']
)
def test_other_json_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"id": 0, "text": "a"}}\n{content}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"a\.jsonl, line 2: not an annotated document"):
        read_relation_corpus(tmp_path / "a.jsonl")
