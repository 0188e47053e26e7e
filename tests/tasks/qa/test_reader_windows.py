"""A text longer than the window: no answer is cut, lost or doubled where two windows part."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import QuestionError
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.qa.network import Scores
from litmine.tasks.qa.pairs import Pair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.spans import softmax
from litmine.tasks.registry import load_reader

WORDS = ("penicillin", "allergy", "hypotension", "of", "the", "adenomatous", "polyposis", "-", "tumour", "carcinoma")
QUESTION = "Which allergy?"


@pytest.fixture(scope="module")
def whole(make_reader: Callable[..., Path]) -> Reader:
    """Reads any of these texts in one window."""
    return load_reader(str(make_reader(layers=0, window=4096, overlap=0)), precision="float32")


@pytest.fixture(scope="module", params=[(26, 0), (30, 8), (53, 25)])
def windowed(request: pytest.FixtureRequest, make_reader: Callable[..., Path]) -> Reader:
    """The same network, whose scores depend on the word alone, with windows of a few tokens."""
    window, overlap = request.param
    folder = make_reader(layers=0, window=window, overlap=overlap)
    return load_reader(str(folder), precision="float32", batch_tokens=100)


@given(text=st.lists(st.sampled_from(WORDS), max_size=150).map(" ".join))
def test_windows_change_nothing_that_context_does_not(whole: Reader, windowed: Reader, text: str) -> None:
    pairs = [(QUESTION, text), (QUESTION, "penicillin"), ("Which tumour is a carcinoma?", text)]
    found, expected = windowed.answer(pairs), whole.answer(pairs)
    assert found == expected
    assert [reply.no_answer for reply in found] == pytest.approx([reply.no_answer for reply in expected], abs=1e-4)
    for verdict in ("yes", "no"):
        told = [[getattr(reply, verdict) for reply in replies] for replies in (found, expected)]
        assert told[0] == pytest.approx(told[1], abs=1e-4)


def test_answers_lie_across_the_edges(whole: Reader, windowed: Reader) -> None:
    """An answer of two words is found whole, wherever the windows part; which words these are is chance."""
    trials = list(permutations((word for word in WORDS if word.isalpha()), 3))
    replies = whole.answer([(QUESTION, f"{other} {first} {last} {other}") for first, last, other in trials])
    first, last, other = next(
        words for words, reply in zip(trials, replies, strict=True) if reply.spans[0].answer == " ".join(words[:2])
    )
    pairs = [(QUESTION, " ".join([other] * before + [first, last] + [other] * 60)) for before in range(60)]
    found = windowed.answer(pairs)
    assert found == whole.answer(pairs)
    assert {reply.spans[0].answer for reply in found} == {f"{first} {last}"}


def test_a_word_longer_than_the_window(whole: Reader, windowed: Reader) -> None:
    """A word starts in the window of its first token and ends in that of its last."""
    pair = (QUESTION, f"penicillin {'qxj' * 33} penicillin allergy")
    assert tokens(whole, pair[1])[0] > 60
    assert windowed.answer([pair]) == whole.answer([pair])


def test_the_window_with_the_least_doubt_speaks_for_the_text(make_reader: Callable[..., Path]) -> None:
    """Here every window is a text of its own, for nothing overlaps."""
    reader = load_reader(str(make_reader(window=24, overlap=0)), precision="float32")
    question, room = "of the?", 24 - 3 - 3
    parts = [" ".join([word] * room) for word in ("of", "the", "in", "and")]
    assert tokens(reader, *parts) == [room] * 4
    whole, *alone = scores(reader, question, " ".join(parts), *parts)
    sure = min(alone, key=lambda part: part.null)
    assert len({round(part.null, 3) for part in alone}) == 4
    assert whole.null == pytest.approx(sure.null, abs=1e-4)
    tellings = [part.verdict for part in alone if part.verdict is not None]
    assert len({round(softmax(telling)[2], 4) for telling in tellings}) == 4
    telling = min(tellings, key=lambda telling: softmax(telling)[2])
    assert whole.verdict == pytest.approx(telling, abs=1e-4)
    assert whole.start.tolist() == pytest.approx([x for part in alone for x in part.start], abs=1e-4)
    assert whole.end.tolist() == pytest.approx([x for part in alone for x in part.end], abs=1e-4)


def test_a_question_may_take_half_of_the_window_and_no_more(make_reader: Callable[..., Path]) -> None:
    reader = load_reader(str(make_reader(window=64, overlap=16)), precision="float32")
    longest, long = " ".join(["the"] * 29), " ".join(["the"] * 30)
    text = "An allergy to penicillin. " * 20
    assert reader.answer([(longest, text)])[0].spans
    with pytest.raises(QuestionError, match=r"^reader@\w{12} cannot read the question 'the .*…': it has 30 tokens"):
        reader.answer([("Which?", text), (long, text)])
    pairs = [("Which?", text), (long, text)]
    read = reader.read(pairs)
    found = reader.decode(pairs, read, reader.label(read))
    assert found[0] == reader.answer(pairs[:1])[0]
    assert found[1] == read[1] != FailedItem("")
    assert isinstance(read[1], FailedItem)
    assert read[1].why.endswith(
        "may have 29, so that half of a window of 64 is left to the text; ask it in fewer words"
    )


@pytest.mark.parametrize("question", ["", " \n", "\u200b"])
def test_a_question_without_words(make_reader: Callable[..., Path], question: str) -> None:
    with pytest.raises(QuestionError, match=r"cannot read the question .*: it has no words"):
        load_reader(str(make_reader())).check(question)


def tokens(reader: Reader, *texts: str) -> list[int]:
    """How many tokens each text has."""
    return [len(pair.words.ids) for pair in reader.read([("?", text) for text in texts]) if isinstance(pair, Pair)]


def scores(reader: Reader, question: str, *texts: str) -> list[Scores]:
    found = reader.label(reader.read([(question, text) for text in texts]))
    return [one for one in found if isinstance(one, Scores)]
