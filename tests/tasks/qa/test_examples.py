"""Windows of questions and texts: where answers stand in them, and what teaches "no answer"."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoConfig

from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.qa.examples import NEITHER, NO_VERDICT, YES, Cutting, Example, ExampleMaker, collate
from litmine.tasks.qa.pairs import Layout, layout_of
from litmine.tasks.qa.question_files import Asked

NOTHING = (((0, 0),),)


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Tokenizer:
    return read_tokenizer(tiny_base)


@pytest.fixture(scope="module")
def layout(tiny_base: Path, tokenizer: Tokenizer) -> Layout:
    return layout_of(tokenizer, AutoConfig.from_pretrained(tiny_base))


def cut(
    tokenizer: Tokenizer,
    layout: Layout,
    asked: Asked,
    *,
    window: int = 64,
    overlap: int = 8,
    most_words: int = 12,
    unanswered: float = 0.0,
    one_window: bool = False,
    verdict_texts: int = 0,
) -> list[Example]:
    cutting = Cutting(
        WordTokenizer(tokenizer), layout, window, overlap, most_words, unanswered, one_window, verdict_texts
    )
    return ExampleMaker(cutting, 1).examples([asked])


def asked(text: str, *answers: tuple[str, ...], yes: bool | None = None) -> Asked:
    return Asked("1", "Which drug was given?", "factoid", (text,), answers, yes)


def spelt(tokenizer: Tokenizer, example: Example) -> list[list[str]]:
    """Each answer's places as the tokens there spell them."""
    return [[word(tokenizer, example, first, last) for first, last in places] for places in example.answers]


def word(tokenizer: Tokenizer, example: Example, first: int, last: int) -> str:
    """The tokens of these columns, run together."""
    return "".join(tokenizer.id_to_token(int(i)) or "" for i in example.ids[first : last + 1]).replace("##", "")


def test_each_answer_with_all_its_places(tokenizer: Tokenizer, layout: Layout) -> None:
    text = "Heparin and lidocaine: heparin, that is unfractionated heparin sodium."
    (example,) = cut(tokenizer, layout, asked(text, ("heparin", "heparin sodium"), ("lidocaine",), ("morphine",)))
    assert spelt(tokenizer, example) == [["heparin", "heparin", "heparin", "heparinsodium"], ["lidocaine"]]
    assert example.verdict == NO_VERDICT
    assert example.starts[0] == example.ends[0] == 0


def test_spans_start_and_end_with_whole_words_of_the_text(tokenizer: Tokenizer, layout: Layout) -> None:
    (example,) = cut(tokenizer, layout, asked("Lidocaine xyzzyphobia helps", ("lidocaine",)))
    begins = layout.row(np.array(tokenizer.encode(asked("").question, add_special_tokens=False).ids), np.array([]))[2]
    words = [word(tokenizer, example, *ends) for ends in zip(example.starts[1:], example.ends[1:], strict=True)]
    assert words == ["lidocaine", "xyzzyphobia", "helps"]
    assert example.starts[1] == begins
    assert example.ends[-1] == len(example.ids) - 2


def test_a_long_text_becomes_windows_and_each_place_stands_whole_in_one(tokenizer: Tokenizer, layout: Layout) -> None:
    text = " ".join(["the patient"] * 20 + ["got heparin"] + ["and the patient"] * 20 + ["and heparin again"])
    found = cut(tokenizer, layout, asked(text, ("heparin",)), window=32)
    assert all(len(example.ids) <= 32 for example in found)
    assert all(place == "heparin" for example in found for places in spelt(tokenizer, example) for place in places)
    assert 2 <= len(found) <= 4
    every = cut(tokenizer, layout, asked(text, ("heparin",)), window=32, unanswered=1.0)
    assert [example.answers for example in every].count(NOTHING) == len(every) - len(found) > 0


def test_one_window_of_a_text_and_one_that_answers_if_any_does(tokenizer: Tokenizer, layout: Layout) -> None:
    text = " ".join(["the patient"] * 20 + ["got heparin"] + ["and the patient"] * 20)
    for answers, expected in [((("heparin",),), [["heparin"]]), ((), [[""]])]:
        question = asked(text, *answers)
        assert len(cut(tokenizer, layout, question, window=32, unanswered=1.0)) > 2
        (one,) = cut(tokenizer, layout, question, window=32, unanswered=1.0, one_window=True)
        assert (one.answers == NOTHING) == (expected == [[""]])
        assert one.answers == NOTHING or spelt(tokenizer, one) == expected
    assert cut(tokenizer, layout, asked(text, ("lidocaine",)), window=32, one_window=True) == []


def test_so_many_texts_of_a_yes_no_question(tokenizer: Tokenizer, layout: Layout) -> None:
    texts = ("It helps", "It does not", "It may")
    verdict = Asked("1", "Does it help?", "yesno", texts, (), True)
    factoid = Asked("1", "What helps?", "factoid", texts, (("it",),))
    for most, read in [(0, 3), (2, 2), (9, 3)]:
        assert len(cut(tokenizer, layout, verdict, verdict_texts=most)) == read
        assert len(cut(tokenizer, layout, factoid, verdict_texts=most)) == 3


def test_texts_of_other_questions_teach_to_stay_silent(tokenizer: Tokenizer, layout: Layout) -> None:
    factoid = Asked("1", "Which drug was given?", "factoid", ("It was heparin.",), (("heparin",),))
    verdict = Asked("2", "Does it help?", "yesno", ("It helps",), (), True)
    other = Asked("3", "What was seen?", "list", ("Hypotension was seen.",), (("hypotension",),))
    cutting = Cutting(WordTokenizer(tokenizer), layout, 64, 8, 12, 0.0, irrelevant=1)
    found = ExampleMaker(cutting, 1).examples([factoid, verdict, other])
    assert len(found) == 6
    assert [example.answers == NOTHING for example in found] == [False, True, False, False, False, True]
    assert [example.verdict for example in found] == [NO_VERDICT, NO_VERDICT, YES, NEITHER, NO_VERDICT, NO_VERDICT]


def test_what_is_marked_as_unanswerable_always_teaches_no_answer(tokenizer: Tokenizer, layout: Layout) -> None:
    assert [example.answers for example in cut(tokenizer, layout, asked("Nothing was given."))] == [NOTHING]
    assert cut(tokenizer, layout, asked("Nothing was given.", ("heparin",))) == []
    (example,) = cut(tokenizer, layout, asked("Nothing was given.", ("heparin",)), unanswered=1.0)
    assert example.answers == NOTHING


def test_a_window_with_an_answer_that_is_too_long_or_cut_teaches_nothing(tokenizer: Tokenizer, layout: Layout) -> None:
    text = "They were given heparin and lidocaine again."
    long = asked(text, ("given heparin and lidocaine",))
    assert cut(tokenizer, layout, long, most_words=3, unanswered=1.0) == []
    assert len(cut(tokenizer, layout, long, most_words=4, unanswered=1.0)) == 1


def test_a_question_that_leaves_too_little_room_is_passed_over(tokenizer: Tokenizer, layout: Layout) -> None:
    question = Asked("1", "Which drug " * 20, "factoid", ("It was heparin.",), (("heparin",),))
    assert cut(tokenizer, layout, question) == []


def test_a_batch(tokenizer: Tokenizer, layout: Layout) -> None:
    (one,) = cut(tokenizer, layout, asked("Heparin, or lidocaine, or heparin.", ("heparin",), ("lidocaine",)))
    (two,) = cut(tokenizer, layout, asked("Nothing"))
    (three,) = cut(tokenizer, layout, asked("It helps", yes=True))
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
