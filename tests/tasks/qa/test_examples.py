"""Training examples: windows, the columns of answers, and windows labelled "no answer"."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.examples import (
    NEITHER,
    NO_VERDICT,
    YES,
    ExampleOptions,
    ReaderExample,
    ReaderExampleMaker,
    collate,
)
from litmine.tasks.qa.pairs import PairLayout, make_layout
from litmine.tasks.qa.question_files import GoldQuestion

NO_ANSWER = (((0, 0),),)


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Tokenizer:
    return read_tokenizer(tiny_base)


@pytest.fixture(scope="module")
def layout(tiny_base: Path, tokenizer: Tokenizer) -> PairLayout:
    from transformers import AutoConfig

    return make_layout(tokenizer, AutoConfig.from_pretrained(tiny_base))


def make(
    tokenizer: Tokenizer,
    layout: PairLayout,
    gold: GoldQuestion,
    *,
    window: int = 64,
    overlap: int = 8,
    most_words: int = 12,
    unanswered: float = 0.0,
    one_window: bool = False,
    verdict_texts: int = 0,
) -> list[ReaderExample]:
    options = ExampleOptions(
        WordTokenizer(tokenizer), layout, window, overlap, most_words, unanswered, one_window, verdict_texts
    )
    return ReaderExampleMaker(options, 1).examples([gold])


def question_of(text: str, *answers: tuple[str, ...], yes: bool | None = None) -> GoldQuestion:
    return GoldQuestion("1", "Which drug was given?", "factoid", (text,), answers, yes)


def answer_tokens(tokenizer: Tokenizer, example: ReaderExample) -> list[list[str]]:
    """The tokens of each occurrence of each answer."""
    return [[word(tokenizer, example, first, last) for first, last in places] for places in example.answers]


def word(tokenizer: Tokenizer, example: ReaderExample, first: int, last: int) -> str:
    """The tokens of these columns, joined."""
    return "".join(tokenizer.id_to_token(int(i)) or "" for i in example.ids[first : last + 1]).replace("##", "")


def test_every_occurrence_of_every_answer_is_labelled(tokenizer: Tokenizer, layout: PairLayout) -> None:
    text = "Heparin and lidocaine: heparin, that is unfractionated heparin sodium."
    (example,) = make(
        tokenizer, layout, question_of(text, ("heparin", "heparin sodium"), ("lidocaine",), ("morphine",))
    )
    assert answer_tokens(tokenizer, example) == [["heparin", "heparin", "heparin", "heparinsodium"], ["lidocaine"]]
    assert example.verdict == NO_VERDICT
    assert example.starts[0] == example.ends[0] == 0


def test_spans_start_and_end_with_complete_words(tokenizer: Tokenizer, layout: PairLayout) -> None:
    (example,) = make(tokenizer, layout, question_of("Lidocaine xyzzyphobia helps", ("lidocaine",)))
    begins = layout.row(
        np.array(tokenizer.encode(question_of("").question, add_special_tokens=False).ids), np.array([])
    )[2]
    words = [word(tokenizer, example, *ends) for ends in zip(example.starts[1:], example.ends[1:], strict=True)]
    assert words == ["lidocaine", "xyzzyphobia", "helps"]
    assert example.starts[1] == begins
    assert example.ends[-1] == len(example.ids) - 2


def test_every_occurrence_in_a_long_text_is_complete_in_one_window(tokenizer: Tokenizer, layout: PairLayout) -> None:
    text = " ".join(["the patient"] * 20 + ["got heparin"] + ["and the patient"] * 20 + ["and heparin again"])
    found = make(tokenizer, layout, question_of(text, ("heparin",)), window=32)
    assert all(len(example.ids) <= 32 for example in found)
    assert all(
        place == "heparin" for example in found for places in answer_tokens(tokenizer, example) for place in places
    )
    assert 2 <= len(found) <= 4
    every = make(tokenizer, layout, question_of(text, ("heparin",)), window=32, unanswered=1.0)
    assert [example.answers for example in every].count(NO_ANSWER) == len(every) - len(found) > 0


def test_one_window_per_text_has_an_answer_if_any_window_has(tokenizer: Tokenizer, layout: PairLayout) -> None:
    text = " ".join(["the patient"] * 20 + ["got heparin"] + ["and the patient"] * 20)
    for answers, expected in [((("heparin",),), [["heparin"]]), ((), [[""]])]:
        question = question_of(text, *answers)
        assert len(make(tokenizer, layout, question, window=32, unanswered=1.0)) > 2
        (one,) = make(tokenizer, layout, question, window=32, unanswered=1.0, one_window=True)
        assert (one.answers == NO_ANSWER) == (expected == [[""]])
        assert one.answers == NO_ANSWER or answer_tokens(tokenizer, one) == expected
    assert make(tokenizer, layout, question_of(text, ("lidocaine",)), window=32, one_window=True) == []


def test_verdict_texts_limits_the_texts_of_yes_no_questions(tokenizer: Tokenizer, layout: PairLayout) -> None:
    texts = ("It helps", "It does not", "It may")
    verdict = GoldQuestion("1", "Does it help?", "yesno", texts, (), True)
    factoid = GoldQuestion("1", "What helps?", "factoid", texts, (("it",),))
    for most, read in [(0, 3), (2, 2), (9, 3)]:
        assert len(make(tokenizer, layout, verdict, verdict_texts=most)) == read
        assert len(make(tokenizer, layout, factoid, verdict_texts=most)) == 3


def test_texts_of_other_questions_are_labelled_no_answer_or_neither(tokenizer: Tokenizer, layout: PairLayout) -> None:
    factoid = GoldQuestion("1", "Which drug was given?", "factoid", ("It was heparin.",), (("heparin",),))
    verdict = GoldQuestion("2", "Does it help?", "yesno", ("It helps",), (), True)
    other = GoldQuestion("3", "What was seen?", "list", ("Hypotension was seen.",), (("hypotension",),))
    options = ExampleOptions(WordTokenizer(tokenizer), layout, 64, 8, 12, 0.0, irrelevant=1)
    found = ReaderExampleMaker(options, 1).examples([factoid, verdict, other])
    assert len(found) == 6
    assert [example.answers == NO_ANSWER for example in found] == [False, True, False, False, False, True]
    assert [example.verdict for example in found] == [NO_VERDICT, NO_VERDICT, YES, NEITHER, NO_VERDICT, NO_VERDICT]


def test_unanswerable_questions_are_always_labelled_no_answer(tokenizer: Tokenizer, layout: PairLayout) -> None:
    assert [example.answers for example in make(tokenizer, layout, question_of("Nothing was given."))] == [NO_ANSWER]
    assert make(tokenizer, layout, question_of("Nothing was given.", ("heparin",))) == []
    (example,) = make(tokenizer, layout, question_of("Nothing was given.", ("heparin",)), unanswered=1.0)
    assert example.answers == NO_ANSWER


def test_a_window_with_a_too_long_or_incomplete_answer_gives_no_example(
    tokenizer: Tokenizer, layout: PairLayout
) -> None:
    text = "They were given heparin and lidocaine again."
    long = question_of(text, ("given heparin and lidocaine",))
    assert make(tokenizer, layout, long, most_words=3, unanswered=1.0) == []
    assert len(make(tokenizer, layout, long, most_words=4, unanswered=1.0)) == 1


def test_a_question_longer_than_half_the_window_gives_no_example(tokenizer: Tokenizer, layout: PairLayout) -> None:
    question = GoldQuestion("1", "Which drug " * 20, "factoid", ("It was heparin.",), (("heparin",),))
    assert make(tokenizer, layout, question) == []


def test_collate_pads_examples_and_numbers_answers(tokenizer: Tokenizer, layout: PairLayout) -> None:
    (one,) = make(tokenizer, layout, question_of("Heparin, or lidocaine, or heparin.", ("heparin",), ("lidocaine",)))
    (two,) = make(tokenizer, layout, question_of("Nothing"))
    (three,) = make(tokenizer, layout, question_of("It helps", yes=True))
    batch = collate([one, two, three], layout.pad)
    assert batch.ids.shape == batch.mask.shape == batch.starts.shape == (3, len(one.ids))
    assert batch.mask.sum(dim=1).tolist() == [len(one.ids), len(two.ids), len(three.ids)]
    assert batch.rows.tolist() == [0, 0, 0, 1]
    assert batch.answer.tolist() == [0, 0, 1, 2]
    assert batch.weight.tolist() == [0.5, 0.5, 1.0]
    assert batch.verdicts.tolist() == [NO_VERDICT, NO_VERDICT, 1]
    assert bool(batch.starts[batch.rows, batch.first].all())
    assert bool(batch.ends[batch.rows, batch.last].all())
    assert torch.equal(batch.ids[1, len(two.ids) :], torch.full_like(batch.ids[1, len(two.ids) :], layout.pad))
