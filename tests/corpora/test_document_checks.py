"""`document_checks`: each kind of error in litmine's JSON form is dropped and listed with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.document_checks import CorpusReport, Finding
from litmine.corpora.document_files import read_documents
from litmine.corpora.document_formats.json_lines import to_json_line
from litmine.corpora.documents import (
    AnnotatedDocument,
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedSentence,
)
from litmine.corpora.relation_declarations import DECLARATIONS

TEXT = "Aspirin inhibits COX-1 and COX-2."
DRUG = {"id": "T1", "type": "CHEMICAL", "start": 0, "end": 7}
FIRST = {"id": "T2", "type": "GENE-Y", "start": 17, "end": 22}
SECOND = {"id": "T3", "type": "GENE-N", "start": 27, "end": 32}
RELATION = {"type": "CPR:4", "arg1": "T1", "arg2": "T2"}


def read(folder: Path, *documents: dict[str, Any], corpus: str = "ChemProt") -> tuple[list[AnnotatedDocument], Any]:
    file = folder / "read.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in documents), encoding="utf-8")
    report = CorpusReport()
    declaration = DECLARATIONS[corpus] if corpus else None
    return list(read_documents(file, report, declaration)), report


def document(**more: Any) -> dict[str, Any]:
    return {"id": "1", "text": TEXT, "entities": [DRUG, FIRST, SECOND], "relations": [RELATION], **more}


def test_a_document_is_read_whole(tmp_path: Path) -> None:
    more = document(labels=["a"], sentences=[{"start": 0, "end": 33, "labels": ["b"]}, {"start": 0, "end": 7}])
    more["relations"] = [{**RELATION, "qualifiers": ["negated"]}]
    (found,), report = read(tmp_path, more)
    assert found == AnnotatedDocument(
        "1",
        TEXT,
        (
            AnnotatedEntity(0, 7, "Chemical", (), "T1"),
            AnnotatedEntity(17, 22, "Gene", (), "T2"),
            AnnotatedEntity(27, 32, "Gene", (), "T3"),
        ),
        (AnnotatedRelation("inhibits", "T1", "T2", False, ("negated",)),),
        ("a",),
        (AnnotatedSentence(0, 33, ("b",)), AnnotatedSentence(0, 7)),
    )
    assert report.findings == []


@pytest.mark.parametrize(
    ("more", "kind", "what", "entities", "relations"),
    [
        ({"entities": [DRUG, FIRST, {**SECOND, "end": 99}]}, Finding.OFFSETS, "27 to 99", 2, 1),
        ({"entities": [DRUG, FIRST, {**SECOND, "start": -1}]}, Finding.OFFSETS, "-1 to 32", 2, 1),
        ({"entities": [DRUG, FIRST, {**SECOND, "text": "COX-3"}]}, Finding.OFFSETS, "'COX-3'", 2, 1),
        ({"entities": [DRUG, FIRST, {**SECOND, "type": "X"}]}, Finding.UNKNOWN_ENTITY_TYPE, "X 27 to 32", 2, 1),
        ({"entities": [DRUG, FIRST, {**FIRST, "id": "T4"}]}, Finding.REPEATED_MENTION, "'COX-1'", 2, 1),
        ({"entities": [DRUG, FIRST, {**SECOND, "id": "T2"}]}, Finding.REPEATED_ID, "27 to 32", 2, 1),
        ({"relations": [{**RELATION, "type": "CPR:12"}]}, Finding.UNKNOWN_RELATION_TYPE, "CPR:12 T1 T2", 3, 0),
        ({"relations": [{**RELATION, "arg2": "T9"}]}, Finding.MISSING_ENTITY, "CPR:4 T1 T9", 3, 0),
        ({"relations": [{**RELATION, "arg1": "T2"}]}, Finding.SELF_RELATION, "CPR:4 T2 T2", 3, 0),
        ({"relations": [{**RELATION, "arg1": "T3"}]}, Finding.ARGUMENT_TYPES, "CPR:4 T3 T2", 3, 0),
        ({"relations": [RELATION, RELATION]}, Finding.REPEATED_RELATION, "CPR:4 T1 T2", 3, 1),
        ({"sentences": [{"start": 5, "end": 99}]}, Finding.SENTENCE_OFFSETS, "1: 5 to 99", 3, 1),
    ],
)  # fmt: skip
def test_an_error_is_dropped_and_listed(
    tmp_path: Path, more: dict[str, Any], kind: Finding, what: str, entities: int, relations: int
) -> None:
    (other, found), report = read(tmp_path, document(id="0"), document(**more))
    assert report.of(kind) == [("line 2", what)]
    assert report.counts == {kind: 1}
    assert report.dropped == 1
    assert (len(found.entities), len(found.relations), len(found.sentences)) == (entities, relations, 0)
    assert (len(other.entities), len(other.relations)) == (3, 1)
    assert report.lines() == [f"1 {kind}", f"  line 2: {what}"]


def test_a_relation_follows_its_mention(tmp_path: Path) -> None:
    _, report = read(tmp_path, document(entities=[DRUG, {**FIRST, "end": 99}]))
    assert report.counts == {Finding.OFFSETS: 1, Finding.DROPPED_ENTITY: 1}
    repeated = document(entities=[DRUG, FIRST, {**FIRST, "id": "T4"}], relations=[{**RELATION, "arg2": "T4"}])
    (found,), report = read(tmp_path, repeated)
    assert found.relations == (AnnotatedRelation("inhibits", "T1", "T2"),)


def test_a_repeated_document_is_dropped(tmp_path: Path) -> None:
    found, report = read(tmp_path, document(), document())
    assert len(found) == 1
    assert report.of(Finding.REPEATED_DOCUMENT) == [("line 2", "1")]


def test_the_subject_comes_first(tmp_path: Path) -> None:
    (found,), report = read(tmp_path, document(relations=[{**RELATION, "arg1": "T2", "arg2": "T1"}, RELATION]))
    assert found.relations == (AnnotatedRelation("inhibits", "T1", "T2"),)
    assert list(report.counts) == [Finding.REPEATED_RELATION]


def test_relations_of_identifiers(tmp_path: Path) -> None:
    entities = [
        {"type": "Chemical", "start": 0, "end": 7, "identifier": "D001241"},
        {"type": "Disease", "start": 17, "end": 22, "identifier": "D002371|C1"},
    ]
    related = [("D001241", "D002371"), ("MESH:D002371", "D001241"), ("D001241", "D9"), ("D001241", "D001241")]
    relations = [{"type": "CID", "arg1": first, "arg2": second} for first, second in related]
    (found,), report = read(
        tmp_path, {"id": 1, "text": TEXT, "entities": entities, "relations": relations}, corpus="BC5CDR"
    )
    assert found.relations == (AnnotatedRelation("induces", "MESH:D001241", "MESH:D002371", of_identifiers=True),)
    assert report.counts == {Finding.MISSING_ENTITY: 1, Finding.SELF_RELATION: 1, Finding.REPEATED_RELATION: 1}


def test_a_symmetric_relation_is_repeated_in_either_order(tmp_path: Path) -> None:
    entities = [
        {"type": "GeneOrGeneProduct", "start": 17, "end": 22, "identifier": "5742"},
        {"type": "GeneOrGeneProduct", "start": 27, "end": 32, "identifier": "5743"},
        {"type": "SequenceVariant", "start": 0, "end": 7, "identifier": "c|SUB|G|1|A"},
        {"type": "DiseaseOrPhenotypicFeature", "start": 8, "end": 16, "identifier": "D1234567"},
    ]
    related = [("5742", "5743"), ("5743", "5742"), ("D1234567", "c|SUB|G|1|A")]
    relations = [{"type": "Association", "arg1": first, "arg2": second} for first, second in related]
    (found,), report = read(
        tmp_path, {"id": 1, "text": TEXT, "entities": entities, "relations": relations}, corpus="BioRED"
    )
    assert [(one.arg1, one.arg2) for one in found.relations] == [
        ("NCBIGene:5742", "NCBIGene:5743"), ("c|SUB|G|1|A", "MESH:D1234567"),
    ]  # fmt: skip
    assert list(report.counts) == [Finding.REPEATED_RELATION]


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@st.composite
def documents(draw: st.DrawFn) -> AnnotatedDocument:
    text = draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 9)).map(
        lambda one: (one[0], min(len(text), one[0] + one[1]))
    )
    places = draw(st.lists(st.tuples(spans, st.sampled_from(["Gene", "Chemical"])), unique=True, max_size=5))
    numbered = [
        AnnotatedEntity(start, end, kind, (f"MESH:D{number:06}",), f"T{number}")
        for number, ((start, end), kind) in enumerate(places)
    ]
    entities = sorted(numbered, key=lambda one: (one.start, one.end))
    relations = []
    if len(entities) > 1:
        by_ids = draw(st.booleans())
        names = [one.entity_id if by_ids else one.identifiers[0] for one in entities]
        pairs = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), unique=True, max_size=4))
        relations = [AnnotatedRelation("r", one, two, not by_ids, ("q",)) for one, two in pairs if one != two]
    sentences = [AnnotatedSentence(start, end, tuple(draw(st.lists(WORDS)))) for start, end in draw(st.lists(spans))]
    labels = tuple(draw(st.lists(WORDS, max_size=3)))
    return AnnotatedDocument(draw(WORDS), text, tuple(entities), tuple(relations), labels, tuple(sentences))


@given(written=st.lists(documents(), max_size=3, unique_by=lambda one: one.identifier))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, written: list[AnnotatedDocument]
) -> None:
    file = tmp_path_factory.getbasetemp() / "again.jsonl"
    lines = [to_json_line(one) for one in written]
    file.write_bytes("".join(f"{line}\n" for line in lines).encode())
    report = CorpusReport()
    if written:
        assert list(read_documents(file, report)) == written
    assert report.findings == []


def test_a_type_that_is_left_out_on_purpose_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(document()), encoding="utf-8")
    report = CorpusReport()
    (found,) = read_documents(file, report, type_map={"GENE-Y": "-"})
    assert [one.entity_id for one in found.entities] == ["T1", "T3"]
    assert found.relations == ()
    assert report.findings == [
        (Finding.TYPE_LEFT_OUT, "line 1", "17 to 22"), (Finding.TYPE_LEFT_OUT, "line 1", "CPR:4 T1 T2"),
    ]  # fmt: skip
    assert report.dropped == 0
