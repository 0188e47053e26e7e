"""Exports carry relations, and the readers of annotated documents read the same relations from them."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake
from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.document_files import read_documents
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.formats import read_pubtator
from litmine.errors import DONE
from litmine.lake.documents import DocumentSelection
from litmine.output import bioc
from litmine.output.document import Document, Mention
from litmine.output.pubtator import to_pubtator
from litmine.pipeline.export import ExportResult, export
from litmine.sources.pubtator import read_pubtator as read_articles
from litmine.sources.read_record import ReadRecord
from litmine.types import Article
from tests.tasks.relations.conftest import RelatedLake

Run = Callable[..., CompletedProcess[str]]


def exported(lake: Path, form: str, file: Path, selection: DocumentSelection | None = None) -> ExportResult:
    return export(Lake(lake), form, file, selection)


def read(file: Path) -> list[AnnotatedDocument]:
    report = CorpusReport()
    documents = list(read_documents(file, report))
    assert report.findings == []
    return documents


def test_bioc_gives_the_same_relations_of_mentions(related: RelatedLake, tmp_path: Path) -> None:
    result = exported(related.lake, "bioc", tmp_path / "out.json")
    expected = Lake(related.lake).rows(
        "select pmid, relation_type, subject_start, subject_end, subject_id, object_start, object_end, object_id"
        " from relations order by all"
    )
    assert (result.relations, result.left_out) == (len(expected), 0)
    found = []
    for document in read(tmp_path / "out.json"):
        mentions = {one.entity_id: one for one in document.entities}
        for relation in document.relations:
            pair = mentions[relation.arg1], mentions[relation.arg2]
            spans = [(one.start, one.end, "|".join(one.identifiers) or None) for one in pair]
            found.append((int(document.identifier), relation.relation_type, *spans[0], *spans[1]))
            assert not relation.of_identifiers
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_pubtator_gives_the_same_relations_of_identifiers(related: RelatedLake, tmp_path: Path) -> None:
    file = tmp_path / "out.pubtator"
    result = exported(related.lake, "pubtator", file)
    expected = Lake(related.lake).rows(
        "select pmid, relation_type, subject_id, object_id from document_relations where asserted order by all"
    )
    found = [
        (int(document.identifier), one.relation_type, one.arg1, one.arg2)
        for document in read(file)
        for one in document.relations
        if one.of_identifiers
    ]
    assert sorted(found) == expected
    assert result.relations == len(expected)
    # Readers of mentions alone, and of texts alone, leave the relations out.
    misplaced: list[int] = []
    ((mentions,),) = Lake(related.lake).rows("select count(*) from entities")
    assert sum(len(one.spans) for one in read_pubtator(file, misplaced)) == mentions
    assert misplaced == []
    with file.open("rb") as stream:
        assert [one.record.pmid for one in read_articles(stream) if isinstance(one, ReadRecord)] == [1, 2, 3, 4]


def test_json_lines_have_the_rows_of_the_view(related: RelatedLake, tmp_path: Path) -> None:
    result = exported(related.lake, "jsonl", tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [{"pmid": line["pmid"], **row} for line in lines for row in line["relations"]]
    expected = Lake(related.lake).sql("from relations order by pmid, subject_start, object_start").to_pylist()
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert result.relations == len(expected)
    assert all("relations" in line["litmine"]["tables"] for line in lines)


def test_relations_without_their_mentions_are_counted(run: Run, related: RelatedLake, tmp_path: Path) -> None:
    (total,) = Lake(related.lake).rows("select count(*), count(*) filter (object_type = 'Disease') from relations")
    ran = run("export", "--lake", related.lake, "--format", "bioc", "--type", "Disease", "-o", tmp_path / "x.json")
    assert ran.returncode == DONE
    assert f"note: {total[0]} relations left out, because the file lacks their mentions" in ran.stderr
    chosen = DocumentSelection(entity_types=["Disease", "Chemical"])
    assert exported(related.lake, "bioc", tmp_path / "y.json", chosen) == ExportResult(
        4, 10, total[1], total[0] - total[1]
    )


def document(**said: bool) -> Document:
    text = "No aspirin caused rash."
    mentions = (
        Mention(3, 10, "aspirin", "Chemical", 0.5, "MESH:D1", "m@1"),
        Mention(18, 22, "rash", "Disease", 0.5, "MESH:D2", "m@1"),
    )
    row = {
        "relation_type": "induces", "subject_start": 3, "subject_end": 10, "subject": "aspirin",
        "subject_type": "Chemical", "subject_id": "MESH:D1", "object_start": 18, "object_end": 22, "object": "rash",
        "object_type": "Disease", "object_id": "MESH:D2", "evidence_start": 0, "evidence_end": 23, "negated": False,
        "speculated": False, "score": 0.75, "model": "r@1",
    }  # fmt: skip
    return Document(Article(7, text, None), mentions, {"relations": [row | said]})


@pytest.mark.parametrize("said", ["negated", "speculated"])
def test_what_the_text_does_not_state_is_marked_or_left_out(said: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(f"{bioc.collection_header('')}{bioc.to_bioc(document(**{said: True}))}{bioc.COLLECTION_END}")
    ((relation,),) = (one.relations for one in read(file))
    assert (relation.relation_type, relation.qualifiers) == ("induces", (said,))
    assert "induces" not in to_pubtator(document(**{said: True}))
    assert "7\tinduces\tMESH:D1\tMESH:D2\n" in to_pubtator(document())
