"""Offsets of answers are exact for any text and tokenizer: `text[start:end] == answer`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.qa.pairs import TokenizedPair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.whole_answers import allowed_spans
from litmine.tasks.registry import load_reader

READERS = ("reader_folder", "bert_answerer", "roberta_answerer")
PIECES = st.sampled_from(
    [
        *(" ", "  ", "\n", "\t", "\u00a0", "\u2009", "\u3000", "\u200b", "\u200d", "\u00ad", "\ufeff"),
        *("\x00", "\x07", "\x1f", "\x85", "e\u0301", "\u0301", "\u0323\u0307", "\U0010ffff", "\ufffd"),
        *("İ", "ß", "ŉ", "ﬁ", "β", "Å", "각", "\u1100\u1161\u11a8", "中文", "😀", "👩\u200d👧", "𝛼", "שלום"),
        *("[SEP]", "[CLS]", "[MASK]", "[PAD]", "[UNK]", "</s>", "<s>", "##x", "Ġ", "▁", "IL-2", "(", "-", "."),
        *("penicillin", "allergy", "aspirin", "2-(4-isobutylphenyl)propionic", "x" * 150),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=60))


QUESTION = "Which β-blockers?"


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return load_reader(str(request.getfixturevalue(request.param)), precision="float32")


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_every_answer_is_at_its_offsets(reader: Reader, texts: list[str]) -> None:
    pairs = [(QUESTION, text) for text in texts]
    for text, read, output in zip(texts, reader.read(pairs), reader.answer(pairs), strict=True):
        assert isinstance(read, TokenizedPair)
        allowed = allowed_spans(QUESTION, text, read.words, reader.settings.most_words)
        assert bool(output.spans) == bool(allowed.any()) or reader.settings.least > 0
        for span in output.spans:
            assert 0 <= span.start_char < span.end_char <= len(text)
            assert text[span.start_char : span.end_char] == span.answer == span.answer.strip() != ""
            assert 0 <= span.start_token < span.end_token <= len(read.words.ids)
            assert span.start_token in read.words.first
            assert 0 <= span.score <= 1
        assert list(output.spans) == sorted(output.spans, key=lambda span: -span.score)
        inside = [i for span in output.spans for i in range(span.start_char, span.end_char)]
        assert len(inside) == len(set(inside))
        assert 0 <= output.no_answer <= 1


@given(question=TEXTS.filter(str.strip))
def test_any_question_is_read_or_refused(reader: Reader, question: str) -> None:
    """The other pair is read in either case."""
    pairs = [(question, "an allergy"), ("Which?", "an allergy")]
    read = reader.read(pairs)
    assert reader.decode(pairs, read, reader.label(read))[1] == reader.answer(pairs[1:])[0]


def test_token_offsets_match_character_offsets(reader: Reader) -> None:
    text = "An allergy to penicillin can cause an anaphylactic reaction, as can aspirin. " * 5
    pair = ("What can cause an anaphylactic reaction?", text)
    (read,), (output,) = reader.read([pair]), reader.answer([pair])
    assert isinstance(read, TokenizedPair)
    assert len(output.spans) > 1
    for span in output.spans:
        # The words of its tokens are the words of its characters.
        by_token = (read.words.first >= span.start_token) & (read.words.first < span.end_token)
        by_char = (read.words.start >= span.start_char) & (read.words.end <= span.end_char)
        assert by_token.tolist() == by_char.tolist()
