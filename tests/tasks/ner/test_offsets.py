"""Offsets are exact for any text and tokenizer: `text[start:end] == mention`."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer, label_words
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import load_model
from litmine.types import Span

MODELS = ("tiny_model", "bert_classifier", "roberta_classifier")

# Texts that may break offsets: combining marks, astral characters, spaces of all widths, the empty text, control
# characters, special tokens as text, letters with a longer lower case, ligatures, Hangul, CJK, right to left.
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


@pytest.fixture(scope="module", params=MODELS)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def tagger(folder: Path) -> Tagger:
    return load_model(str(folder), precision="float32")


@pytest.fixture(scope="module")
def reader(folder: Path) -> WordTokenizer:
    return WordTokenizer(read_tokenizer(folder))


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_every_entity_is_at_its_offsets(tagger: Tagger, texts: list[str]) -> None:
    for text, entities in zip(texts, tagger.annotate(texts), strict=True):
        for entity in entities:
            assert 0 <= entity.start_char < entity.end_char <= len(text)
            assert text[entity.start_char : entity.end_char] == entity.mention == entity.mention.strip()
            assert 0 < entity.score <= 1
            assert entity.entity_type in tagger.entity_types
        assert entities == sorted(entities, key=lambda entity: entity.start_char)


@given(text=TEXTS)
def test_words_are_in_order_and_have_no_spaces(reader: WordTokenizer, text: str) -> None:
    (words,) = reader.read([text])
    assert len(words.first) == len(words.start) == len(words.end)
    assert all(
        text[start:end].strip() == text[start:end] != "" for start, end in zip(words.start, words.end, strict=True)
    )
    assert (words.end[:-1] <= words.start[1:]).all()
    assert (words.first[:-1] < words.first[1:]).all()


@settings(max_examples=200)
@given(texts=st.lists(TEXTS, max_size=4))
def test_the_cache_gives_the_result_of_the_tokenizer(reader: WordTokenizer, texts: list[str]) -> None:
    for ours, its in zip(reader.read(texts), reader.encode(texts), strict=True):
        for name in ("ids", "first", "start", "end"):
            assert getattr(ours, name).tolist() == getattr(its, name).tolist()


def test_the_model_finds_mentions(tagger: Tagger) -> None:
    text = "An allergy to penicillin can cause an anaphylactic reaction, as can aspirin. " * 5
    (entities,) = tagger.annotate([text])
    assert len({entity.mention for entity in entities}) > 1


def test_special_tokens_in_a_text_are_text(folder: Path) -> None:
    text = "penicillin [SEP] </s> [MASK] <s> [CLS] <pad> [PAD] aspirin"
    tokenizer = read_tokenizer(folder)
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if "unk" not in token.content.lower()}
    (words,) = WordTokenizer(tokenizer).read([text])
    assert special
    assert not special.intersection(words.ids)
    assert text[words.start[-1] : words.end[-1]] == "aspirin"


def test_an_empty_text_has_no_entities(tagger: Tagger) -> None:
    assert tagger.annotate(["", " ", "\u00a0\n"]) == [[], [], []]
    assert tagger.annotate([]) == []


def test_spans_to_labels_and_back(tiny_base: Path) -> None:
    text = "An allergy to penicillin-like drugs"
    (words,) = WordTokenizer(read_tokenizer(tiny_base)).read([text])
    spans = [Span(3, 10, "Disease"), Span(14, 29, "Disease")]
    labels = label_words(words, spans)
    marked = [(text[start:end], int(label)) for start, end, label in zip(words.start, words.end, labels, strict=True)]
    assert marked == [
        ("An", 0), ("allergy", 1), ("to", 0), ("penicillin", 1), ("-", 2), ("like", 2), ("drugs", 0)
    ]  # fmt: skip
