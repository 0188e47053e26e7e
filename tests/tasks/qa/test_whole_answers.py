"""Which spans may be an answer: whole names and numbers, one sentence, brackets in pairs, not the question's words."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.qa.whole_answers import allowed_spans
from litmine.text.sentences import Regions, split_sentences

QUESTION = "Which remedy was given?"
MOST_WORDS = 8


def tokenize(text: str) -> TokenizedText:
    """Words as a BERT tokenizer has them: letters and digits, or one punctuation mark."""
    spans = [match.span() for match in re.finditer(r"[^\W_]+|[^\w\s]|_", text)]
    start, end = (np.array(column, dtype=np.int64) for column in zip(*spans, strict=True)) if spans else (NONE, NONE)
    return TokenizedText(np.zeros(len(start), dtype=np.int64), np.arange(len(start)), start, end)


NONE = np.zeros(0, dtype=np.int64)


def answers(text: str, question: str = QUESTION, regions: Regions = ()) -> set[str]:
    words = tokenize(text)
    allowed = allowed_spans(question, text, words, MOST_WORDS, regions)
    return {text[words.start[first] : words.end[first + more]] for first, more in np.argwhere(allowed).tolist()}


@pytest.mark.parametrize(
    ("text", "whole", "cut"),
    [
        ("We saw 2,418 men.", ["2,418", "2,418 men"], ["2", "418", "418 men", "2,"]),
        ("It was 0.75 or 0·81.", ["0.75", "0·81"], ["0", "75", "81", "0."]),
        ("A dose of 12 500 units.", ["12 500", "12 500 units"], ["12", "500", "500 units"]),
        ("Down to -70 mV.", ["-70", "-70 mV"], ["70", "70 mV"]),
        ("About 10^6 cells and 40%.", ["10^6", "40%"], ["10", "6", "40"]),
        ("We used beta-blockers.", ["beta-blockers"], ["beta", "blockers", "beta-"]),
        ("HLA-B*27:05 carriers.", ["HLA-B*27:05"], ["HLA", "HLA-B", "27", "27:05", "05"]),
        ("CD8+ cells and Ca(2+) rise.", ["CD8+", "Ca(2+)"], ["CD8", "Ca", "(2+)"]),
        (
            "A codeine-induced rash.",
            ["codeine", "codeine-induced", "codeine-induced rash"],
            ["induced rash", "codeine-"],
        ),
        ("In codeine's wake.", ["codeine", "codeine's"], ["s", "s wake", "codeine'"]),
        ("A 12-week trial of eight-amino peptides.", ["12", "12-week", "eight"], ["week trial", "12-"]),
        ("The Abc1-Def2 complex.", ["Abc1", "Def2", "Abc1-Def2"], ["Abc1-", "-Def2"]),
        ("Codeine (COD) helps. Aspirin too.", ["Codeine (COD)", "COD"], ["Codeine (COD", "COD)", "helps. Aspirin"]),
        (
            "A 3) codeine, aspirin.",
            ["codeine", "codeine, aspirin"],
            ["3) codeine", "codeine,", ", aspirin", "aspirin."],
        ),
        ("The remedy given was codeine.", ["codeine", "remedy given was codeine"], ["remedy", "remedy given", "given"]),
    ],
)
def test_an_answer_is_whole(text: str, whole: list[str], cut: list[str]) -> None:
    found = answers(text)
    assert [answer for answer in whole if answer not in found] == []
    assert [answer for answer in cut if answer in found] == []


def test_an_answer_does_not_cross_the_end_of_the_title_or_of_a_section() -> None:
    text = "Relief by codeine Aspirin failed twice Morphine helped"
    regions = [(17, "TITLE"), (38, "RESULTS"), (len(text), None)]
    crossing = {"codeine Aspirin", "by codeine Aspirin failed", "twice Morphine"}
    assert crossing <= answers(text)
    within = answers(text, regions=regions)
    assert {"codeine", "Aspirin", "Relief by codeine", "Aspirin failed twice", "Morphine helped"} <= within
    assert {
        answer for answer in within if not any(answer in text[a:b] for a, b in [(0, 17), (18, 38), (39, 99)])
    } == set()


def test_the_words_of_a_choice_may_answer_it() -> None:
    text = "Codeine was weaker."
    assert "Codeine" in answers(text, "Which is weaker, codeine or morphine?")
    assert "Codeine" not in answers(text, "Why is codeine weaker?")


def test_a_span_has_at_most_so_many_words() -> None:
    text = "one two three four"
    assert allowed_spans("?", text, tokenize(text), 3).shape == (4, 3)
    assert max(len(answer.split()) for answer in answers(text)) == 4
    assert allowed_spans("?", "", tokenize(""), 3).shape == (0, 0)


@given(text=st.text(alphabet="ab1 .,-()[]%+'", max_size=40))
def test_every_allowed_span_is_balanced_and_within_a_sentence(text: str) -> None:
    words = tokenize(text)
    sentences = split_sentences(text)
    allowed = allowed_spans("what", text, words, MOST_WORDS)
    for first, more in np.argwhere(allowed).tolist():
        assert first + more < len(words)
        start, end = int(words.start[first]), int(words.end[first + more])
        answer = text[start:end]
        assert any(begin <= start and end <= after for begin, after in sentences)
        assert re.search(r"[a-z0-9]", answer)
        assert answer[-1] not in ",.-(["
        assert answer[0] not in ",.)]%"
        rest = answer
        while rest != (rest := re.sub(r"\([^()\[\]]*\)|\[[^()\[\]]*\]", "", rest)):
            pass
        assert not set(rest) & set("()[]")
        # Never inside a run of digits and letters or of digits parted by a comma or stop.
        assert not re.search(r"\d[.,]?$", text[:start]) or not re.match(r"\d", answer) or text[start - 1] in ".,"
        if re.search(r"\d$", answer):
            assert not re.match(r"[.,]\d", text[end:])
