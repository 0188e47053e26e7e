"""Damage in any format gives documents that hold, or a CorpusError: never another error, never a wrong offset."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.relation_corpus import read_relation_corpus
from litmine.errors import CorpusError

JSON_LINES = json.dumps(
    {
        "id": "1", "text": "Lithium, tremor.",
        "entities": [
            {"id": "T1", "type": "Chemical", "start": 0, "end": 7, "identifier": "D1"},
            {"id": "T2", "type": "Disease", "start": 9, "end": 15, "identifier": "D2"},
        ],
        "relations": [{"type": "CID", "arg1": "T1", "arg2": "T2"}],
        "sentences": [{"start": 0, "end": 16, "labels": ["a"]}],
    }
)  # fmt: skip
BIOC = json.dumps(
    {"documents": [{"id": "1", "passages": [{"offset": 0, "text": "Lithium, tremor.", "annotations": [
        {"id": "1", "infons": {"type": "Chemical"}, "text": "Lithium", "locations": [{"offset": 0, "length": 7}]},
    ]}], "relations": [{"id": "R", "infons": {"type": "CID"}, "nodes": [{"refid": "1"}, {"refid": "2"}]}]}]}
)  # fmt: skip
PHEE = json.dumps(
    {"id": "1_1", "context": "Rash after A.", "annotations": [{"events": [{
        "event_id": "E1", "event_type": "Adverse_event", "Effect": {"text": [["Rash"]], "start": [[0]]},
        "Treatment": {"Drug": {"text": [["A"]], "start": [[11]]}},
    }]}]}
)  # fmt: skip
DDI = """<document id="D"><sentence id="D.s" text="A and B"><entity id="D.s.e0" charOffset="0-0" type="drug" text="A"/>
<entity id="D.s.e1" charOffset="6-6" type="drug" text="B"/><pair e1="D.s.e0" e2="D.s.e1" ddi="true" type="int"/>
</sentence></document>"""
FILES = {
    "BC5CDR": ("a.pubtator", "1|t|Lithium\n1|a|tremor\n1\t0\t7\tLithium\tChemical\tD1\n1\tCID\tD1\tD1\n"),
    "jsonl": ("a.jsonl", JSON_LINES),
    "bioc": ("a.json", BIOC),
    "PHEE": ("a.jsonl", PHEE),
    "GAD": ("a.tsv", "Is @GENE$ a cause of @DISEASE$?\t1\n"),
    "DDI2013": ("a.xml", DDI),
    "brat": ("a.ann", "T1\tCHEMICAL 0 1\tA\nT2\tGENE 6 7\tB\nR1\tCPR:4 Arg1:T1 Arg2:T2\n"),
    "ADE": ("DRUG-AE.rel", "1|Rash after A.|Rash|30|34|A|41|42\n"),
    "DrugProt": ("entities.tsv", "1\tT1\tCHEMICAL\t0\t1\tA\n1\tT2\tGENE\t3\t4\tB\n"),
}
BESIDE = {
    "brat": {"a.txt": "A and B"},
    "DrugProt": {"abstracts.tsv": "1\tA.\tB.\n", "relations.tsv": "1\tINHIBITOR\tArg1:T1\tArg2:T2\n"},
}
FOLDERS = frozenset({"brat", "ADE", "DrugProt"})
UNDECLARED = frozenset({"jsonl", "bioc", "brat"})


@pytest.mark.parametrize("name", list(FILES))
@given(
    place=st.integers(0, 400),
    length=st.integers(0, 12),
    instead=st.binary(max_size=4) | st.sampled_from([b'"', b"\t", b"9"]),
)
def test_damage_is_refused_or_dropped(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: int, length: int, instead: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    folder.mkdir(exist_ok=True)
    file, content = FILES[name]
    for other, text in BESIDE.get(name, {}).items():
        (folder / other).write_text(text, encoding="utf-8")
    damaged = content.encode()
    place %= len(damaged)
    (folder / file).write_bytes(damaged[:place] + instead + damaged[place + length :])
    try:
        corpus = read_relation_corpus(folder if name in FOLDERS else folder / file, "" if name in UNDECLARED else name)
    except CorpusError:
        return
    for document in corpus.documents:
        names = {one.entity_id for one in document.entities} | {i for one in document.entities for i in one.identifiers}
        spans = [(one.start, one.end) for one in document.entities]
        spans += [(one.start, one.end) for one in document.sentences]
        assert all(0 <= start < end <= len(document.text) for start, end in spans)
        assert all({one.arg1, one.arg2} <= names and one.arg1 != one.arg2 for one in document.relations)


@pytest.mark.parametrize("name", list(FILES))
def test_what_is_damaged_above_is_sound(tmp_path: Path, name: str) -> None:
    file, content = FILES[name]
    for other, text in {file: content, **BESIDE.get(name, {})}.items():
        (tmp_path / other).write_text(text, encoding="utf-8")
    corpus = read_relation_corpus(tmp_path if name in FOLDERS else tmp_path / file, "" if name in UNDECLARED else name)
    assert sum(len(one.entities) for one in corpus.documents) >= 1
    assert sum(len(one.relations) for one in corpus.documents) == (name not in {"BC5CDR", "bioc"})
