"""Texts longer than the window: no answer is cut, lost or doubled where two windows meet."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import QuestionError
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.qa.network import SpanLogits
from litmine.tasks.qa.pairs import TokenizedPair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.spans import softmax
from litmine.tasks.registry import load_reader

WORDS = ("penicillin", "allergy", "hypotension", "of", "the", "adenomatous", "polyposis", "-", "tumour", "carcinoma")
QUESTION = "Which allergy?"


@pytest.fixture(scope="module")
def whole(make_reader: Callable[..., Path]) -> Reader:
    """A reader that reads any of these texts in one window."""
    return load_reader(str(make_reader(layers=0, window=4096, overlap=0)), precision="float32")


@pytest.fixture(scope="module", params=[(26, 0), (30, 8), (53, 25)])
def windowed(request: pytest.FixtureRequest, make_reader: Callable[..., Path]) -> Reader:
    """The same network, whose logits depend on single words only, with windows of a few tokens."""
    window, overlap = request.param
    folder = make_reader(layers=0, window=window, overlap=overlap)
    return load_reader(str(folder), precision="float32", batch_tokens=100)


@given(text=st.lists(st.sampled_from(WORDS), max_size=150).map(" ".join))
def test_windows_do_not_change_outputs_without_context(whole: Reader, windowed: Reader, text: str) -> None:
    pairs = [(QUESTION, text), (QUESTION, "penicillin"), ("Which tumour is a carcinoma?", text)]
    found, expected = windowed.answer(pairs), whole.answer(pairs)
    assert found == expected
    assert [output.no_answer for output in found] == pytest.approx([output.no_answer for output in expected], abs=1e-4)
    for verdict in ("yes", "no"):
        probabilities = [[getattr(output, verdict) for output in outputs] for outputs in (found, expected)]
        assert probabilities[0] == pytest.approx(probabilities[1], abs=1e-4)


def test_answers_across_window_edges_are_complete(whole: Reader, windowed: Reader) -> None:
    """The answer has two words, whichever the random network prefers."""
    trials = list(permutations((word for word in WORDS if word.isalpha()), 3))
    outputs = whole.answer([(QUESTION, f"{other} {first} {last} {other}") for first, last, other in trials])
    first, last, other = next(
        words for words, output in zip(trials, outputs, strict=True) if output.spans[0].answer == " ".join(words[:2])
    )
    pairs = [(QUESTION, " ".join([other] * before + [first, last] + [other] * 60)) for before in range(60)]
    found = windowed.answer(pairs)
    assert found == whole.answer(pairs)
    assert {output.spans[0].answer for output in found} == {f"{first} {last}"}


def test_a_word_longer_than_the_window_is_read(whole: Reader, windowed: Reader) -> None:
    """Its start logit comes from the window of its first token, its end logit from that of its last."""
    pair = (QUESTION, f"penicillin {'qxj' * 33} penicillin allergy")
    assert tokens(whole, pair[1])[0] > 60
    assert windowed.answer([pair]) == whole.answer([pair])


def test_null_and_verdict_come_from_the_most_confident_window(make_reader: Callable[..., Path]) -> None:
    """Windows without overlap give the same logits as separate texts."""
    reader = load_reader(str(make_reader(window=24, overlap=0)), precision="float32")
    question, room = "of the?", 24 - 3 - 3
    parts = [" ".join([word] * room) for word in ("of", "the", "in", "and")]
    assert tokens(reader, *parts) == [room] * 4
    whole, *alone = scores(reader, question, " ".join(parts), *parts)
    sure = min(alone, key=lambda part: part.null)
    assert len({round(part.null, 3) for part in alone}) == 4
    assert whole.null == pytest.approx(sure.null, abs=1e-4)
    verdicts = [part.verdict for part in alone if part.verdict is not None]
    assert len({round(softmax(verdict)[2], 4) for verdict in verdicts}) == 4
    verdict = min(verdicts, key=lambda verdict: softmax(verdict)[2])
    assert whole.verdict == pytest.approx(verdict, abs=1e-4)
    assert whole.start.tolist() == pytest.approx([x for part in alone for x in part.start], abs=1e-4)
    assert whole.end.tolist() == pytest.approx([x for part in alone for x in part.end], abs=1e-4)


def test_a_question_may_take_half_of_the_window(make_reader: Callable[..., Path]) -> None:
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
        "at most 29 fit, because half of the window (64 tokens) is for the text; ask it in fewer words"
    )


@pytest.mark.parametrize("question", ["", " \n", "\u200b"])
def test_a_question_without_words_is_refused(make_reader: Callable[..., Path], question: str) -> None:
    with pytest.raises(QuestionError, match=r"cannot read the question .*: it has no words"):
        load_reader(str(make_reader())).check(question)


def tokens(reader: Reader, *texts: str) -> list[int]:
    """The number of tokens of each text."""
    return [
        len(pair.words.ids) for pair in reader.read([("?", text) for text in texts]) if isinstance(pair, TokenizedPair)
    ]


def scores(reader: Reader, question: str, *texts: str) -> list[SpanLogits]:
    found = reader.label(reader.read([(question, text) for text in texts]))
    return [one for one in found if isinstance(one, SpanLogits)]
