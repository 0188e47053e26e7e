"""Dev questions, copies of them and repeats are removed from training; held-out questions depend on words only."""

from pathlib import Path

import pytest

from litmine.errors import CorpusError
from litmine.tasks.qa.decontamination import DevQuestions, hold_out, remove_leaks_and_repeats
from litmine.tasks.qa.question_files import GoldQuestion, QuestionFile, read_question_file


def file_of(name: str, *questions: GoldQuestion, form: str = "bioasq") -> QuestionFile:
    return QuestionFile(name, Path(f"{name}.json"), form, questions)


def question_of(question_id: str, question: str, text: str = "It is X.", batch: str = "") -> GoldQuestion:
    return GoldQuestion(question_id, question, "factoid", (text,), (("X",),), batch=batch)


def test_dev_questions_and_copies_are_removed_and_logged() -> None:
    bioasq = file_of("bioasq", question_of("1", "Which one?", batch="5B1"), question_of("2", "Which two?", batch="6B2"))
    other = file_of(
        "other",
        question_of("9", "which TWO ?", "Other text."),
        question_of("2", "Renamed"),
        question_of("3", "Which three?"),
    )
    log: list[str] = []
    kept = remove_leaks_and_repeats([other, bioasq], DevQuestions(bioasq, ("6B",)), False, log.append)
    assert [[one.question_id for one in file.questions] for file in kept] == [["3"], ["1"]]
    assert log == ["removed from training, because they are dev questions: 2 of the questions of other ('which TWO ?')"]
    with pytest.raises(CorpusError, match=r"2 of the questions of other .* are also dev questions; remove them"):
        remove_leaks_and_repeats([other, bioasq], DevQuestions(bioasq, ("6B",)), True, log.append)


def test_a_repeat_with_the_same_texts_is_removed() -> None:
    first = file_of("first", question_of("1", "Which?"), question_of("2", "Which?", "Another text."))
    second = file_of("second", question_of("3", "which"), question_of("4", "Who?"))
    log: list[str] = []
    kept = remove_leaks_and_repeats([first, second], None, False, log.append)
    assert [[one.question_id for one in file.questions] for file in kept] == [["1", "2"], ["4"]]
    assert log == ["removed from training, because an earlier file has them: 1 of the questions of second ('which')"]


def test_a_file_with_only_dev_questions_and_a_missing_batch_are_refused() -> None:
    bioasq = file_of("bioasq", question_of("1", "Which?", batch="6B1"))
    with pytest.raises(CorpusError, match="has no training question that is not in the other files"):
        remove_leaks_and_repeats([bioasq], DevQuestions(bioasq, ("6B",)), False, lambda _: None)
    with pytest.raises(CorpusError, match="has no question of 7B; name batches that it has"):
        remove_leaks_and_repeats([bioasq], DevQuestions(bioasq, ("7B",)), False, lambda _: None)


def test_held_out_questions_depend_on_words_only(question_files: Path) -> None:
    many = file_of("many", *(question_of(str(number), f"Which {number}?") for number in range(400)))
    rest, held = hold_out(many, 0.1)
    assert 20 < len(held) < 60
    assert {one.question_id for one in held}.isdisjoint(one.question_id for one in rest.questions)
    again = file_of("again", *reversed(many.questions))
    assert {one.question_id for one in hold_out(again, 0.1)[1]} == {one.question_id for one in held}
    squad = read_question_file(question_files / "squad2.json")
    kept, out = hold_out(squad, 0.3)
    assert out
    assert {one.texts for one in out}.isdisjoint(one.texts for one in kept.questions)
