"""Texts that do not answer a question: from those of the others, half of them such as a search would find."""

from random import Random

from litmine.tasks.qa.examples import OtherTexts
from litmine.tasks.qa.question_files import Asked

# Fifty texts and more are alike at most, so that there must be more texts than that.
CROWD = [
    Asked(f"c{n}", "Who was it?", "factoid", (f"Person {n} came with case {n}.",), ((f"{n}",),)) for n in range(200)
]
LATEX = Asked("a", "Does latex cause urticaria?", "factoid", ("Latex gloves did.",), (("gloves",),))
ALIKE = Asked(
    "b", "What is urticaria?", "factoid", ("Urticaria follows latex.", "Urticaria from latex gloves."), (("x",),)
)


def drawn(asked: Asked, questions: list[Asked], count: int = 1, seeds: int = 200) -> list[list[str]]:
    others = OtherTexts(questions)
    return [others.draw(asked, count, Random(seed)) for seed in range(seeds)]


def test_neither_its_own_nor_one_with_its_answer() -> None:
    found = [text for texts in drawn(LATEX, [LATEX, ALIKE, *CROWD], count=3) for text in texts]
    assert len(set(found)) > 50
    assert not {"Latex gloves did.", "Urticaria from latex gloves."}.intersection(found)


def test_half_are_like_the_question() -> None:
    found = [text for texts in drawn(LATEX, [LATEX, ALIKE, *CROWD]) for text in texts]
    assert 60 < found.count("Urticaria follows latex.") < 140


def test_none_twice_and_no_more_than_there_are() -> None:
    assert {tuple(sorted(texts)) for texts in drawn(LATEX, [LATEX, ALIKE], count=3)} == {("Urticaria follows latex.",)}
    assert drawn(LATEX, [LATEX], seeds=1) == [[]]


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(LATEX, [LATEX, ALIKE, *CROWD], count=2) == drawn(LATEX, [LATEX, ALIKE, *CROWD], count=2)
