"""`annotated_documents`: PubTator and JSON lines give the same documents, and damage is named with its line."""

import gzip
import json
from pathlib import Path

import pytest

from litmine.corpora.annotated_documents import AnnotatedDocument, AnnotatedEntity, read_annotated_documents
from litmine.errors import CorpusError

PUBTATOR = """1|t|Breast and ovarian cancer.
1|a|TP53 in patients.
1\t0\t25\tBreast and ovarian cancer\tCompositeMention\tD001943|D010051
1\t27\t31\tTP53\tGene\t7157(Tax:9606)
1\t35\t43\tpatients\tSpecies\t9606
1\tCID\tD001943\tD010051

2|t|No mention.
2|a|
2\t0\t2\tNo\tDisease\t-1
"""
MENTIONS = (
    AnnotatedEntity(0, 25, "Disease", ("MESH:D001943", "MESH:D010051")),
    AnnotatedEntity(27, 31, "Gene", ("NCBIGene:7157",)),
    AnnotatedEntity(35, 43, "Species", ("NCBITaxon:9606",)),
)
MAP = {"CompositeMention": "Disease"}


def read(path: Path, content: str | bytes, **more: object) -> list[AnnotatedDocument]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_annotated_documents(path, **more))  # type: ignore[arg-type]


def test_pubtator_has_identifiers_as_the_lake_shows_them(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a.pubtator", PUBTATOR, type_map=MAP)
    assert first == AnnotatedDocument("1", "Breast and ovarian cancer. TP53 in patients.", MENTIONS)
    assert second.entities == (AnnotatedEntity(0, 2, "Disease"),)
    assert read(tmp_path / "a.gz", gzip.compress(PUBTATOR.encode()), type_map=MAP) == [first, second]


def test_json_lines_are_read_into_the_same_form(tmp_path: Path) -> None:
    document = {
        "id": "1",
        "text": "Breast and ovarian cancer. TP53 in patients.",
        "entities": [
            {"type": one.entity_type, "start": one.start, "end": one.end, "identifier": "|".join(one.identifiers)}
            for one in reversed(MENTIONS)
        ],
        "labels": ["ignored"],
    }
    lines = f"{json.dumps(document)}\n\n{json.dumps({'id': 2, 'text': 'Plain.'})}\n"
    assert read(tmp_path / "a.jsonl", lines) == [
        AnnotatedDocument("1", "Breast and ovarian cancer. TP53 in patients.", MENTIONS),
        AnnotatedDocument("2", "Plain.", ()),
    ]


def test_types_are_dropped_and_misplaced_mentions_are_left_out(tmp_path: Path) -> None:
    misplaced: list[str] = []
    content = "1|t|Asthma.\n1|a|\n1\t1\t6\tAsthma\tDisease\tD001249\n1\t0\t6\tAsthma\tOther\tD001249\n"
    documents = read(tmp_path / "a.pubtator", content, type_map={"Other": "-"}, misplaced=misplaced)
    assert documents == [AnnotatedDocument("1", "Asthma.", ())]
    assert misplaced == ["line 3: 'Asthma'"]
    beyond = '{"id": 1, "text": "ab", "entities": [{"type": "Disease", "start": 1, "end": 9}]}'
    assert read(tmp_path / "b.jsonl", beyond, misplaced=misplaced)[0].entities == ()
    assert misplaced[1] == "line 1: 1 to 9"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": 1}', "line 1: not an annotated document"),
        ('{"id": 1, "text": "a"}\n{"id"', "line 2: not an annotated document"),
        ("id,text\n1,a\n", "line 1"),
        ("1|t|Asthma.\n1|a|\n1\t0\tx\tAsthma\tDisease\tD1\n", "line 3: not a PubTator mention"),
        (gzip.compress(PUBTATOR.encode())[:-20], "cannot be read to its end"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / "damaged", content)
