"""The three forms of files, told by what they hold, and what is wrong with one in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import CorpusError
from litmine.tasks.qa.question_files import Asked, read_file


def written(folder: Path, content: Any) -> Path:
    file = folder / "mine.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def bioasq(folder: Path, **asked: Any) -> tuple[Asked, ...]:
    question = {"id": "1", "body": "Which?", "type": "factoid", "snippets": [{"text": "It is X."}], **asked}
    return read_file(written(folder, {"questions": [question]})).questions


def test_forms_are_told_apart(question_files: Path) -> None:
    read = {name: read_file(question_files / f"{name}.json") for name in ("squad1", "squad2", "bioasq", "pubmedqa")}
    assert {name: file.form for name, file in read.items()} == {
        "squad1": "squad", "squad2": "squad", "bioasq": "bioasq", "pubmedqa": "pubmedqa",
    }  # fmt: skip
    assert [len(file.questions) for file in read.values()] == [16, 24, 24, 6]
    assert read["pubmedqa"].left_out == 2


def test_squad_s_offsets_are_not_believed_and_white_space_goes(tmp_path: Path) -> None:
    marked = [{"text": " aspirin \n", "answer_start": 99}, {"text": "Aspirin", "answer_start": -1}]
    qas = [{"id": 7, "question": " Which? ", "answers": marked}, {"id": 8, "question": "Who?", "answers": []}]
    file = written(tmp_path, {"data": [{"paragraphs": [{"context": "It is aspirin.", "qas": qas}]}]})
    answered, unanswerable = read_file(file).questions
    assert answered == Asked("7", "Which?", "factoid", ("It is aspirin.",), (("aspirin", "Aspirin"),))
    assert unanswerable.unanswerable


@pytest.mark.parametrize(
    ("kind", "exact", "answers"),
    [
        ("factoid", [["X", "x1 ", ""], ["Y"]], (("X", "x1"), ("Y",))),
        ("factoid", ["X", "x1", ""], (("X", "x1"),)),
        ("factoid", "X", (("X",),)),
        ("list", [["X", "x1"], "Y"], (("X", "x1"), ("Y",))),
        ("list", ["X", "Y"], (("X",), ("Y",))),
    ],
)
def test_bioasq_s_exact_answers_over_the_years(
    tmp_path: Path, kind: str, exact: Any, answers: tuple[tuple[str, ...], ...]
) -> None:
    (asked,) = bioasq(tmp_path, type=kind, exact_answer=exact)
    assert asked.answers == answers


@pytest.mark.parametrize(("said", "yes"), [("yes", True), ("No", False), (["Yes."], True)])
def test_bioasq_s_yes_and_no(tmp_path: Path, said: Any, yes: bool) -> None:
    (asked,) = bioasq(tmp_path, type="yesno", exact_answer=said)
    assert asked.yes is yes
    assert not asked.unanswerable


def test_a_snippet_that_stands_twice_is_one_text(tmp_path: Path) -> None:
    snippets = [{"text": "It is X."}, {"text": "It is X."}, {"text": " "}, {"text": "X it is."}]
    (asked,) = bioasq(tmp_path, exact_answer=[["X"]], snippets=snippets)
    assert asked.texts == ("It is X.", "X it is.")


def test_pubmedqa_s_parts_are_one_text_with_labels(question_files: Path) -> None:
    first, second = read_file(question_files / "pubmedqa.json").questions[:2]
    assert first.texts == ("METHODS: We gave it. RESULTS: Nobody got an allergy.",)
    assert (first.yes, second.yes) == (True, False)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1], r"is neither SQuAD's JSON \(data\), nor BioASQ's"),
        ({"rows": []}, "is neither SQuAD's JSON"),
        ({"data": []}, "holds no question with an answer; leave it out"),
        (
            {"data": [{"paragraphs": [{"context": 3, "qas": []}]}]},
            "question 1 is not as squad has them: 3 stands where",
        ),
        ({"questions": [{"id": "1", "type": "list", "body": "?"}]}, "holds no question with an answer"),
        ({"questions": [{"type": "yesno"}]}, "question 1 is not as bioasq has them: 'id' is missing"),
        (
            {"questions": [{"id": "1", "type": "yesno", "body": "?", "exact_answer": "perhaps"}]},
            "a yes/no question is answered 'perhaps'",
        ),
        ({"1": {"QUESTION": "?", "CONTEXTS": [], "final_decision": "so"}}, "question 1 is answered 'so'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: Any, sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        read_file(written(tmp_path, content))


def test_what_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(CorpusError, match=r"mine\.json cannot be read as JSON"):
        read_file(tmp_path / "mine.json")
