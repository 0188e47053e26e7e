"""Negatives: texts of other questions without an answer, half of them similar to the question."""

from random import Random

from litmine.tasks.qa.examples import NegativeSampler
from litmine.tasks.qa.question_files import GoldQuestion

# More texts than the 50 that may count as similar.
CROWD = [
    GoldQuestion(f"c{n}", "Who was it?", "factoid", (f"Person {n} came with case {n}.",), ((f"{n}",),))
    for n in range(200)
]
LATEX = GoldQuestion("a", "Does latex cause urticaria?", "factoid", ("Latex gloves did.",), (("gloves",),))
SIMILAR = GoldQuestion(
    "b", "What is urticaria?", "factoid", ("Urticaria follows latex.", "Urticaria from latex gloves."), (("x",),)
)


def draw(gold: GoldQuestion, questions: list[GoldQuestion], count: int = 1, seeds: int = 200) -> list[list[str]]:
    sampler = NegativeSampler(questions)
    return [sampler.draw(gold, count, Random(seed)) for seed in range(seeds)]


def test_negatives_are_not_the_question_s_own_and_contain_no_answer() -> None:
    found = [text for texts in draw(LATEX, [LATEX, SIMILAR, *CROWD], count=3) for text in texts]
    assert len(set(found)) > 50
    assert not {"Latex gloves did.", "Urticaria from latex gloves."}.intersection(found)


def test_half_of_the_negatives_are_similar_to_the_question() -> None:
    found = [text for texts in draw(LATEX, [LATEX, SIMILAR, *CROWD]) for text in texts]
    assert 60 < found.count("Urticaria follows latex.") < 140


def test_negatives_are_unique_and_limited_by_the_texts() -> None:
    assert {tuple(sorted(texts)) for texts in draw(LATEX, [LATEX, SIMILAR], count=3)} == {("Urticaria follows latex.",)}
    assert draw(LATEX, [LATEX], seeds=1) == [[]]


def test_the_same_seed_draws_the_same_negatives() -> None:
    assert draw(LATEX, [LATEX, SIMILAR, *CROWD], count=2) == draw(LATEX, [LATEX, SIMILAR, *CROWD], count=2)
