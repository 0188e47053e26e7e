"""Texts and questions of requests, read by the built-in models, which are loaded once."""

from pathlib import Path

import pytest

from litmine.explore.queries import BusyError
from litmine.explore.scratch import ScratchLake, records_of_texts
from tests.explore.conftest import Client

TEXT = "𝛼: An allergy to penicillin can cause an anaphylactic reaction."


# What the server keeps beside the lake. A thread may still update it when a test begins.
DERIVED = {"search", "concepts"}


def files_of(folder: Path) -> dict[str, int]:
    """The files of a lake and when they changed, without the derived ones and their locks."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not DERIVED & {*path.relative_to(folder).parts}
    }


def test_texts_are_annotated_with_identifiers_and_the_lake_stays_as_it_is(client: Client, explored_lake: Path) -> None:
    before = files_of(explored_lake)
    for _ in range(2):
        answer = client.post("/api/annotate", {"texts": [TEXT, "", "Nothing \ud800 here."]})
        assert answer.status == 200, answer.text
        first, empty, last = answer.json["texts"]
        spans = {(one["mention"], one["entity_type"]): one for one in first["entities"]}
        penicillin = spans["penicillin", "Chemical"]
        assert penicillin["identifier"] == "MESH:D010406"
        assert TEXT[penicillin["start_char"] : penicillin["end_char"]] == "penicillin"
        reaction = spans["anaphylactic reaction", "Disease"]
        assert TEXT[reaction["start_char"] : reaction["end_char"]] == "anaphylactic reaction"
        assert empty == {"text": ""}
        assert last["text"] == "Nothing \ufffd here."
        assert "entities" not in last
    assert files_of(explored_lake) == before


def test_a_question_is_answered_from_articles_that_are_not_retracted(client: Client, explored_lake: Path) -> None:
    before = files_of(explored_lake)
    found = client.get("/api/answers?question=What+does+aspirin+cause%3F").json
    assert found["retrieved"] == 4
    papers = {paper["pmid"] for answer in found["answers"] for paper in answer["papers"]}
    assert papers
    assert 5 not in papers
    page = client.get("/question?question=Does+aspirin+treat+asthma%3F")
    assert page.status == 200
    assert "No verdict" in page.text
    assert "aspirin treats asthma in adults" in page.text
    nothing = client.get("/question?question=What+about+zebras%3F")
    assert "no article in the lake matches the question" in nothing.text
    assert files_of(explored_lake) == before


def test_the_scratch_lake_has_only_the_texts_of_one_request(tmp_path: Path) -> None:
    scratch = ScratchLake(wait=1)
    try:
        for texts in (["one", "two"], ["three"]):
            with scratch.filled(records_of_texts(texts)) as lake:
                assert [text for (text,) in lake.rows("select text from articles order by pmid")] == texts
                folder = lake.path
        assert folder.exists()
    finally:
        scratch.close()
    assert not folder.exists()
    assert [*tmp_path.iterdir()] == []


def test_a_request_does_not_wait_for_ever_for_the_one_before() -> None:
    scratch = ScratchLake(wait=0.05)
    try:
        with scratch.filled([]), pytest.raises(BusyError, match="busy with another request"), scratch.filled([]):
            pass
    finally:
        scratch.close()
