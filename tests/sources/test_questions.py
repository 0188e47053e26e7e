"""Reading files of questions, and guessing the types of questions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import QuestionError
from litmine.sources.question_types import guess_type
from litmine.sources.questions import parse_question, read_questions
from litmine.types import QUESTION_TYPES, Question


def read(folder: Path, content: str | bytes) -> list[Question]:
    path = folder / "questions"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_questions(path)


EXPECTED = [
    Question("a", "Which gene is mutated?", "factoid"),
    Question("7", "Is it, really?", "yesno", guessed=True),
    Question("c", "Name the drugs", "list"),
]
JSONL = """
{"question_id": "a", "question": " Which  gene is\\nmutated? ", "question_type": "factoid", "else": [1]}

{"id": 7, "body": "Is it, really?"}
{"id": "c", "text": "Name the drugs", "type": "LIST", "question_type": null}
"""
CSV = """Question_ID, question ,question_type
a,"Which gene is
mutated?",factoid
7,"Is it, really?",
c,Name the drugs,List
"""
BIOASQ = {
    "questions": [
        {"id": "a", "body": "Which gene is mutated?", "type": "factoid", "documents": [], "snippets": []},
        {"id": "7", "body": "Is it, really?", "type": "summary"},
        {"id": "c", "body": "Name the drugs", "type": "list"},
    ]
}


@pytest.mark.parametrize(
    "content",
    [
        JSONL,
        JSONL.replace("\n", "\r\n"),
        "\ufeff" + JSONL.strip(),
        CSV,
        "\ufeff" + CSV.replace("\n", "\r\n"),
        CSV.replace('"Is it, really?"', "<>").replace(",", ";").replace("<>", '"Is it, really?"'),
        CSV.replace('"Is it, really?"', "<>").replace(",", "\t").replace("<>", '"Is it, really?"'),
        json.dumps(BIOASQ),
        json.dumps(BIOASQ, indent=1),
    ],
    ids=["JSONL", "CR LF", "marked", "CSV", "CSV with CR LF", "semicolons", "tabs", "BioASQ", "BioASQ in lines"],
)
def test_each_format_gives_the_same_questions(tmp_path: Path, content: str) -> None:
    assert [replace(question, summary=False) for question in read(tmp_path, content)] == EXPECTED


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(BIOASQ),
        JSONL.replace('really?"', 'really?", "type": " SUMMARY"'),
        CSV.replace('?",\n', '?",summary\n'),
    ],
    ids=["BioASQ", "JSONL", "CSV"],
)
def test_a_summary_question_is_marked_and_its_type_is_guessed(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == [EXPECTED[0], replace(EXPECTED[1], summary=True), EXPECTED[2]]


def test_a_question_without_an_id_has_its_number(tmp_path: Path) -> None:
    assert [question.question_id for question in read(tmp_path, "question\nWhat?\nWho?\n")] == ["1", "2"]
    assert [question.question_id for question in read(tmp_path, '{"question": "What?"}\n\n{"question": "Who?"}')] == [
        "1",
        "2",
    ]


def test_json_lines_that_mention_questions_are_not_bioasq(tmp_path: Path) -> None:
    (question,) = read(tmp_path, json.dumps({"question": 'What is {"questions": [1]}?'}))
    assert question.text == 'What is {"questions": [1]}?'


def test_ten_thousand_questions(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"question": f"What is gene {number}?"}) for number in range(10_000))
    assert len(read(tmp_path, lines)) == 10_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no questions"),
        ("\n \n", "has no questions"),
        ("question\n", "has no questions"),
        ('{"questions": []}', "has no questions"),
        ('{"question": "What?"}\n{"question": " "}', "line 2: the question is empty"),
        ('{"question": "What?"}\n{"id": 2}', "line 2: the question is empty"),
        ('{"question": "What?"}\n{"question": "?!"}', "line 2: the question '?!' has no word"),
        ('{"question": "What?"}\n\n{"question": "Who?"', "line 3: it is not JSON"),
        ('{"question": "What?"}\n["Who?"]', "line 2: it is not a JSON object"),
        ('{"question": "What?"}\n{"question": ["Who?"]}', "line 2: the question is neither a string"),
        ('{"question": "What?"}\n{"question": "Who?", "id": true}', "line 2: the question_id is neither a string"),
        ('{"question": "What?", "type": "maybe"}', "line 1: the question type 'maybe' is not one of factoid, list"),
        ('{"question": "What?", "type": "factiod"}', "yesno, yes/no, summary (did you mean factoid?)"),
        (
            '{"id": 1, "question": "What?"}\n{"id": "1", "question": "Who?"}',
            "line 2: the id '1' is already used in line 1",
        ),
        ('{"question": "What?", "id": 2}\n{"question": "Who?"}', "line 2: the id '2' is already used in line 1"),
        ('{"question": ' + "[" * 100_000, "line 1: it is not JSON"),
        ('{"question": "What?", "id": ' + "1" * 5000 + "}", "line 1: it is not JSON"),
        (b'{"question": "What?"}\n{"question": "\xff"}', "line 2: it is not UTF-8"),
        ("Which gene is mutated?\nWhy?\n", "line 1: it is not JSON Lines"),
        ("id,answer\n1,2\n", "line 1: it is not JSON Lines"),
        ("id,question\n1,What?\n2,\n", "line 3: the question is empty"),
        ("id,question\n1,What?\n2\n", "line 3: the question is empty"),
        ("id,question\n1,What?\n2,Who, if any?\n", "line 3: it has more fields than the 2 of the first line"),
        ('id,question\n1,What?\n2,"Who"x\n', "line 3: it is not CSV"),
        ('id,question\n1,What?\n2,"Who', "line 3: it is not CSV"),
        ("id,question\n1,What?\n1,Who?\n", "line 3: the id '1' is already used in line 2"),
        ("question\n" + "x" * 200_000 + "\n", "line 2: it is not CSV"),
        ('{\n"questions": [\n{"id": 1,\n "body": }\n]}', "line 4: it is not JSON"),
        ('{"questions": [{"body": "What?"}, 5]}', "question 2: it is not a JSON object"),
        ('{"questions": [{"body": "What?"}, {"body": ""}]}', "question 2: the question is empty"),
        (
            '{"questions": [{"body": "What?", "id": 1}, {"body": "Who?", "id": 1}]}',
            "question 2: the id '1' is already used in",
        ),
        (b"\x1f\x8b\x08\x00", "line 1: it is not UTF-8"),
        (b"\x00\x01\x02", "line 1: it is not JSON Lines"),
    ],
)
def test_an_invalid_file_gives_one_sentence(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(QuestionError) as caught:
        read(tmp_path, content)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="No such file"):
        read_questions(tmp_path / "none")
    with pytest.raises(QuestionError, match="directory"):
        read_questions(tmp_path)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: ("question\n" + text).encode()))
def test_any_bytes_give_questions_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    sentence, questions = "", []
    try:
        questions = read_questions(path)
    except QuestionError as error:
        sentence = str(error)
    assert bool(questions) != bool(sentence)
    assert "\n" not in sentence
    assert len({question.question_id for question in questions}) == len(questions)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5), st.booleans())
def test_any_text_is_read_back(tmp_path_factory: pytest.TempPathFactory, words: list[str], ascii_only: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "written"
    path.write_text(
        "\n".join(json.dumps({"question": f"x {word}"}, ensure_ascii=ascii_only) for word in words), encoding="utf-8"
    )
    assert [question.text for question in read_questions(path)] == [" ".join(f"x {word}".split()) for word in words]


def test_a_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, r'{"question": "a\ud800b", "id": "\udfff"}')[0] == Question(
        "\ufffd", "a\ufffdb", "factoid", guessed=True
    )
    assert parse_question("a\ud800").text == "a\ufffd"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is aspirin an antiplatelet drug?", "yesno"),
        ("  does p53 bind DNA", "yesno"),
        ("Dengue is a disease of E. coli. Is it, then?", "yesno"),
        ("Isolates of which bacterium cause it?", "factoid"),
        ("List the symptoms of anaphylaxis.", "list"),
        ("Please name three drugs", "list"),
        ("What are the symptoms of anaphylaxis?", "list"),
        ("Which drugs cause anaphylaxis?", "list"),
        ("In which cell types is it found?", "list"),
        ("Mutations are frequent. Which human genes have them?", "list"),
        ("What is the cause of diabetes?", "factoid"),
        ("Which gene causes diseases of the liver?", "factoid"),
        ("Which virus is it?", "factoid"),
        ("What can cause an anaphylactic reaction?", "factoid"),
        ("Where is insulin made?", "factoid"),
        ("How many chromosomes are there?", "factoid"),
        ("", "factoid"),
    ],
)
def test_the_type_is_guessed_from_the_words(question: str, expected: str) -> None:
    assert guess_type(question) == expected


@given(st.text())
def test_any_text_has_a_type(question: str) -> None:
    assert guess_type(question) in QUESTION_TYPES


def test_a_stated_type_is_not_guessed() -> None:
    assert parse_question("Is it?", "q", "factoid") == Question("q", "Is it?", "factoid", guessed=False)
    assert parse_question("Is it?", "q", "Yes/No").guessed is False
    assert parse_question("Is it?") == Question("1", "Is it?", "yesno", guessed=True)
