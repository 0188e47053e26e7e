"""The formats of question files, detected by content, and errors in one sentence."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import CorpusError
from litmine.tasks.qa.question_files import GoldQuestion, read_question_file


def write(folder: Path, content: Any) -> Path:
    file = folder / "mine.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def bioasq(folder: Path, **fields: Any) -> tuple[GoldQuestion, ...]:
    question = {"id": "1", "body": "Which?", "type": "factoid", "snippets": [{"text": "It is X."}], **fields}
    return read_question_file(write(folder, {"questions": [question]})).questions


def test_formats_are_detected(question_files: Path) -> None:
    read = {
        name: read_question_file(question_files / f"{name}.json") for name in ("squad1", "squad2", "bioasq", "pubmedqa")
    }
    assert {name: file.form for name, file in read.items()} == {
        "squad1": "squad", "squad2": "squad", "bioasq": "bioasq", "pubmedqa": "pubmedqa",
    }  # fmt: skip
    assert [len(file.questions) for file in read.values()] == [16, 24, 24, 6]
    assert read["pubmedqa"].left_out == 2


def test_squad_offsets_are_ignored_and_white_space_is_stripped(tmp_path: Path) -> None:
    marked = [{"text": " aspirin \n", "answer_start": 99}, {"text": "Aspirin", "answer_start": -1}]
    qas = [{"id": 7, "question": " Which? ", "answers": marked}, {"id": 8, "question": "Who?", "answers": []}]
    file = write(tmp_path, {"data": [{"paragraphs": [{"context": "It is aspirin.", "qas": qas}]}]})
    answered, unanswerable = read_question_file(file).questions
    assert answered == GoldQuestion("7", "Which?", "factoid", ("It is aspirin.",), (("aspirin", "Aspirin"),))
    assert unanswerable.unanswerable


@pytest.mark.parametrize(
    ("kind", "exact", "answers"),
    [
        ("factoid", [["X", "x1 ", ""], ["Y"]], (("X", "x1"), ("Y",))),
        ("factoid", ["X", "x1", ""], (("X", "x1"),)),
        ("factoid", "X", (("X",),)),
        ("list", [["X", "x1"], "Y"], (("X", "x1"), ("Y",))),
        ("list", ["X", "Y"], (("X",), ("Y",))),
        ("factoid", 23, (("23",),)),
        ("factoid", [[23]], (("23",),)),
        ("factoid", [23, 1.5], (("23", "1.5"),)),
        ("factoid", [[["X", "x1"]], "Y"], (("X", "x1"), ("Y",))),
        ("list", [["X", ["x1", 0]], None, "Y"], (("X", "x1", "0"), ("Y",))),
    ],
)
def test_bioasq_exact_answers_of_all_years(
    tmp_path: Path, kind: str, exact: Any, answers: tuple[tuple[str, ...], ...]
) -> None:
    (gold,) = bioasq(tmp_path, type=kind, exact_answer=exact)
    assert gold.answers == answers


@pytest.mark.parametrize(
    ("answer", "yes"), [("yes", True), ("No", False), (["Yes."], True), ([["no"]], False), (False, False)]
)
def test_bioasq_yes_and_no(tmp_path: Path, answer: Any, yes: bool) -> None:
    (gold,) = bioasq(tmp_path, type="yesno", exact_answer=answer)
    assert gold.yes is yes
    assert not gold.unanswerable


def test_a_repeated_snippet_is_one_text(tmp_path: Path) -> None:
    snippets = [{"text": "It is X."}, {"text": "It is X."}, {"text": " "}, {"text": "X it is."}]
    (gold,) = bioasq(tmp_path, exact_answer=[["X"]], snippets=snippets)
    assert gold.texts == ("It is X.", "X it is.")


@pytest.mark.parametrize(
    ("snippets", "texts"),
    [
        (None, ()),
        ([{"document": "http://x/1"}, {"text": None}, {"text": "A."}], ("A.",)),
        (["A.", {"text": "B."}], ("A.", "B.")),
    ],
)
def test_snippets_may_be_missing(tmp_path: Path, snippets: Any, texts: tuple[str, ...]) -> None:
    (gold,) = bioasq(tmp_path, exact_answer=[["X"]], snippets=snippets)
    assert gold.texts == texts


def test_a_question_file_of_another_encoding_is_read_or_named(tmp_path: Path) -> None:
    content = json.dumps({"data": [{"paragraphs": [{"context": "Naïve.", "qas": [
        {"id": 1, "question": "Who?", "answers": [{"text": "Naïve"}]}]}]}]}, ensure_ascii=False)  # fmt: skip
    file = tmp_path / "mine.json"
    for encoding in ("utf-8-sig", "utf-16", "utf-16-be"):
        file.write_bytes(content.encode(encoding))
        assert read_question_file(file).questions[0].answers == (("Naïve",),)
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(CorpusError, match=r"line 1: it is not UTF-8 \(perhaps Latin-1 or Windows-1252\); save"):
        read_question_file(file)


def test_pubmedqa_parts_are_joined_with_labels(question_files: Path) -> None:
    first, second = read_question_file(question_files / "pubmedqa.json").questions[:2]
    assert first.texts == ("METHODS: We gave it. RESULTS: Nobody got an allergy.",)
    assert (first.yes, second.yes) == (True, False)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1], r"is neither SQuAD JSON \(key data\), nor BioASQ JSON"),
        ({"rows": []}, "is neither SQuAD JSON"),
        ({"data": []}, "has no question with an answer; leave it out"),
        (
            {"data": [{"paragraphs": [{"context": 3, "qas": []}]}]},
            "question 1 is not valid squad JSON: 3 is not a text",
        ),
        ({"questions": [{"id": "1", "type": "list", "body": "?"}]}, "has no question with an answer"),
        ({"questions": [{"type": "yesno"}]}, "question 1 is not valid bioasq JSON: 'id' is missing"),
        (
            {"questions": [{"id": "1", "type": "yesno", "body": "?", "exact_answer": "perhaps"}]},
            "the answer to a yes/no question is 'perhaps'",
        ),
        (
            {"questions": [{"id": "1", "type": "list", "body": "?", "exact_answer": [{"a": 1}]}]},
            r"question 1 is not valid bioasq JSON: \{'a': 1\} is not a text; correct it",
        ),
        ({"questions": [3]}, "question 1 is not valid bioasq JSON: it is not an object; correct it"),
        ({"1": {"QUESTION": "?", "CONTEXTS": [], "final_decision": "so"}}, "the answer to question 1 is 'so'"),
    ],
)
def test_invalid_files_are_refused(tmp_path: Path, content: Any, sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        read_question_file(write(tmp_path, content))


def test_a_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(CorpusError, match=r"mine\.json cannot be read as JSON"):
        read_question_file(tmp_path / "mine.json")


def judgement(number: str, code: str, evidence: str = "It fell.\n", **fields: str) -> dict[str, str]:
    names = {"intervention": "aspirin", "comparator": "placebo", "outcome": "mortality"}
    common = {"prompt": number, "label_code": code, "evidence": evidence, "split": "train", "valid": "True"}
    return common | names | fields


def write_judgements(folder: Path, *judgements: dict[str, str]) -> Path:
    file = folder / "annotations.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, judgements)).encode()))
    return file


def test_judgements_become_yes_no_questions(tmp_path: Path) -> None:
    file = write_judgements(tmp_path, *(judgement(str(number), code) for number in range(20) for code in ["-1"]))
    read = read_question_file(file)
    assert (read.name, read.form, read.left_out) == ("annotations", "evidence_inference", 0)
    asked = {question.question: question.yes for question in read.questions}
    assert asked == {
        "Does aspirin increase mortality compared with placebo?": False,
        "Does aspirin reduce mortality compared with placebo?": True,
        "Is there a difference in mortality between aspirin and placebo?": True,
    }
    assert {question.texts for question in read.questions} == {("It fell.",)}


def test_judgements_without_difference_are_answered_no(tmp_path: Path) -> None:
    read = read_question_file(write_judgements(tmp_path, *(judgement(str(number), "0") for number in range(20))))
    assert {question.yes for question in read.questions} == {False}


def test_doubtful_judgements_are_left_out(tmp_path: Path) -> None:
    file = write_judgements(
        tmp_path,
        judgement("1", "1"), judgement("1", "1"), judgement("2", "1"), judgement("2", "0"),
        judgement("3", "1", split="validation"), judgement("4", "1", valid="False"), judgement("5", "1", evidence=" "),
    )  # fmt: skip
    read = read_question_file(file)
    assert [question.question_id for question in read.questions] == ["1"]
    assert read.left_out == 6


def test_a_damaged_compressed_file_is_named(tmp_path: Path) -> None:
    file = write_judgements(tmp_path, judgement("1", "1"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CorpusError, match=r"annotations\.jsonl\.gz cannot be read as JSON"):
        read_question_file(file)
