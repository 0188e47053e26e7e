"""The sentences of any text cover all of it, and those of biomedical text end where an expert would end them."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.sentences import enclosing_sentence, split_sentences

PIECES = st.sampled_from(
    [
        *(" ", "\n", "\n\n", "\u00a0", "\u2009", ".", "?", "!", "…", "。", ")", "(", '"', "”", ";", ":", "0", "12"),
        *("E. coli", "i.v.", "e.g.", "et al.", "Fig.", "vitamin C", "METHODS:", "P < 0.05", "The", "p53", "mRNA"),
        *("İ", "ß", "\U0001f9ec", "e\u0301", "\x00", "\x85", "中文", "No.", "U.S.", "was", "2."),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map(" ".join), st.lists(PIECES, max_size=40).map("".join), st.text())


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(text=TEXTS)
def test_sentences_cover_everything_except_white_space_between_them(text: str) -> None:
    sentences = split_sentences(text)
    covered = [i for start, end in sentences for i in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, char in enumerate(text) if not char.isspace()} <= set(covered)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in sentences)


@given(text=TEXTS, data=st.data())
def test_the_enclosing_sentence_holds_the_span(text: str, data: st.DataObject) -> None:
    words = list(re.finditer(r"\S+", text))
    if not words:
        assert enclosing_sentence(text, 0, len(text)) == (0, len(text))
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(words) - 1)))
    start, end = enclosing_sentence(text, words[first].start(), words[last].end())
    assert start <= words[first].start() < words[last].end() <= end
    assert any(start == sentence[0] for sentence in split_sentences(text))
    assert any(end == sentence[1] for sentence in split_sentences(text))


@pytest.mark.parametrize(
    "parts",
    [
        ["An allergy to penicillin can cause an anaphylactic reaction.", "It is treated with epinephrine."],
        ["Does aspirin help?", "Yes!", "(See below.)", "It does."],
        ["We grew E. coli and S. Typhimurium.", "Both grew."],
        ["Rats got 5 mg/kg i.v. or i.p. daily.", "Controls got 0.9% NaCl."],
        ["It was given i.v.", "The rats survived."],
        ["The risk was 2.5-fold (P < 0.05).", "This was significant (P < .001)."],
        ["The difference was small (P < 0. 05)."],
        ["Smith et al. (2010) and Jones et al. described it.", "We did not."],
        ["See Fig. 2 and Refs. 3 and 4, cf. Table 1.", "Vs. placebo, e.g. Aspirin, it failed."],
        ["We treated hepatitis B.", "Vitamin C was given with vitamin D.", "None died."],
        ["It binds p53.", "p53 binds DNA.", "mRNA levels rose.", "IL-2 fell."],
        ["Doses were 5 mg. kg-1 and 3 mL. min(-1) as usual."],
        ["They went to the ED.", "Eleven had MS.", "Two had T. cruzi."],
        ["1. We looked.", "2. We found nothing.", "3. We stopped in 2010.", "25 patients died."],
        ["It failed.", "BACKGROUND: It is known.", "METHODS AND RESULTS: we tried."],
        ["Heading without a stop", "OBJECTIVE: To try.", "STUDY DESIGN AND METHODS: A trial."],
        ["[Article in French.]", "Il est mort."],
        ["Title of it", "A paragraph without a stop\nand its second line"],
        ["它是什么？", "它是病毒。", "好。"],
        ["He said “no.”", "We said nothing."],
        ["Sample No. 5 was lost.", "The answer was no.", "Nobody cared."],
        ["J. R. Smith and A.B. Jones, Ph.D., of the U.S. Food and Drug Administration."],
    ],
)
def test_biomedical_text_is_split_as_expected(parts: list[str]) -> None:
    """Parts are joined by one space, by a blank line after a part without a stop, and by nothing in Chinese."""
    text = parts[0]
    for before, part in pairwise(parts):
        blank = "\n\n" if before[-1].isalpha() and ":" not in part else " "
        text += part if before[-1] in "？。" else blank + part
    assert split(text) == parts


def test_a_span_across_two_sentences_gives_both() -> None:
    text = "It failed. It was tried again. It failed."
    assert enclosing_sentence(text, 0, 2) == (0, 10)
    assert enclosing_sentence(text, 8, 14) == (0, 30)
    assert enclosing_sentence(text, 11, 30) == (11, 30)


def test_a_sentence_ends_with_the_title_and_with_its_section() -> None:
    text = "A title without a stop It failed. Then it\nworked We know why"
    regions = [(22, "TITLE"), (48, None), (len(text), "CONCLUSIONS")]
    parts = ["A title without a stop", "It failed.", "Then it\nworked", "We know why"]
    assert [text[start:end] for start, end in split_sentences(text, regions)] == parts
    assert split(text) == [text[:33], text[34:]]
    for part in parts:
        start, end = enclosing_sentence(text, text.index(part), text.index(part) + 1, regions)
        assert text[start:end] == part


@given(parts=st.lists(st.tuples(TEXTS, st.sampled_from(["TITLE", None])), max_size=4), data=st.data())
def test_no_sentence_crosses_the_end_of_a_region(parts: list[tuple[str, str | None]], data: st.DataObject) -> None:
    text, regions = "", []
    for words, label in parts:
        text += f"{' ' if text else ''}{words}"
        regions.append((len(text), label))
    sentences = split_sentences(text, regions)
    assert [i for start, end in sentences for i in range(start, end)] == sorted(
        {i for start, end in sentences for i in range(start, end)}
    )
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in sentences)
    assert not any(start < border < end for start, end in sentences for border, _ in regions)
    # Every other border is one that the text has without its regions.
    assert {end for _, end in split_sentences(text)} <= {end for _, end in sentences}
    if sentences:
        start, end = data.draw(st.sampled_from(sentences))
        assert enclosing_sentence(text, start, end, regions) == (start, end)


def test_a_long_text_takes_linear_time() -> None:
    text = "Rats got 5 mg i.v. and died (P < 0.05). " * 5000
    assert len(split_sentences(text)) == 5000
