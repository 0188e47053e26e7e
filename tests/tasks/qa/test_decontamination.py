"""Dev questions and their copies are never learnt from, nothing is taught twice, and what is held out stays so."""

from pathlib import Path

import pytest

from litmine.errors import CorpusError
from litmine.tasks.qa.decontamination import DevSet, hold_out, separate
from litmine.tasks.qa.question_files import Asked, QuestionFile, read_file


def file_of(name: str, *questions: Asked, form: str = "bioasq") -> QuestionFile:
    return QuestionFile(name, Path(f"{name}.json"), form, questions)


def asked(question_id: str, question: str, text: str = "It is X.", batch: str = "") -> Asked:
    return Asked(question_id, question, "factoid", (text,), (("X",),), batch=batch)


def test_dev_questions_and_their_copies_go_and_are_told() -> None:
    bioasq = file_of("bioasq", asked("1", "Which one?", batch="5B1"), asked("2", "Which two?", batch="6B2"))
    other = file_of(
        "other", asked("9", "which TWO ?", "Other text."), asked("2", "Renamed"), asked("3", "Which three?")
    )
    said: list[str] = []
    kept = separate([other, bioasq], DevSet(bioasq, ("6B",)), False, said.append)
    assert [[one.question_id for one in file.questions] for file in kept] == [["3"], ["1"]]
    assert said == ["leak, left out of training: 2 questions of other ('which TWO ?') are in the dev set"]
    with pytest.raises(CorpusError, match=r"2 questions of other .* are in the dev set; take them out"):
        separate([other, bioasq], DevSet(bioasq, ("6B",)), True, said.append)


def test_what_was_taught_over_the_same_texts_goes_the_second_time() -> None:
    first = file_of("first", asked("1", "Which?"), asked("2", "Which?", "Another text."))
    second = file_of("second", asked("3", "which"), asked("4", "Who?"))
    said: list[str] = []
    kept = separate([first, second], None, False, said.append)
    assert [[one.question_id for one in file.questions] for file in kept] == [["1", "2"], ["4"]]
    assert said == ["left out the second time: 1 questions of second ('which') were taught before over the same texts"]


def test_a_file_that_is_all_dev_and_batches_that_are_not_there() -> None:
    bioasq = file_of("bioasq", asked("1", "Which?", batch="6B1"))
    with pytest.raises(CorpusError, match="has no question of its own to learn from"):
        separate([bioasq], DevSet(bioasq, ("6B",)), False, lambda _: None)
    with pytest.raises(CorpusError, match="holds no question of 7B; name batches that it has"):
        separate([bioasq], DevSet(bioasq, ("7B",)), False, lambda _: None)


def test_held_out_by_the_words_alone(question_files: Path) -> None:
    many = file_of("many", *(asked(str(number), f"Which {number}?") for number in range(400)))
    rest, held = hold_out(many, 0.1)
    assert 20 < len(held) < 60
    assert {one.question_id for one in held}.isdisjoint(one.question_id for one in rest.questions)
    again = file_of("again", *reversed(many.questions))
    assert {one.question_id for one in hold_out(again, 0.1)[1]} == {one.question_id for one in held}
    squad = read_file(question_files / "squad2.json")
    kept, out = hold_out(squad, 0.3)
    assert out
    assert {one.texts for one in out}.isdisjoint(one.texts for one in kept.questions)
