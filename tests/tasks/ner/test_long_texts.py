"""Texts longer than the window: no mention is cut, lost or doubled where two windows meet."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner.settings import CRF, PER_WORD, PER_WORD_FULL_WINDOWS
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import load_model

WORDS = ("penicillin", "allergy", "hypotension", "of", "the", "adenomatous", "polyposis", "-", "tumour", "carcinoma")


@pytest.fixture(scope="module", params=[PER_WORD_FULL_WINDOWS, CRF, PER_WORD])
def decoding(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def whole(make_contextless: Callable[[int, int, int], Path], decoding: int) -> Tagger:
    """A tagger that reads any of these texts in one window."""
    return load_model(str(make_contextless(4096, 0, decoding)), precision="float32")


@pytest.fixture(scope="module", params=[(10, 0), (16, 4), (33, 15)])
def windowed(
    request: pytest.FixtureRequest, make_contextless: Callable[[int, int, int], Path], decoding: int
) -> Tagger:
    """The same network, whose logits depend on single words only, with windows of a few tokens."""
    window, overlap = request.param
    return load_model(str(make_contextless(window, overlap, decoding)), precision="float32", batch_tokens=100)


@given(text=st.lists(st.sampled_from(WORDS), max_size=150).map(" ".join))
def test_windows_do_not_change_entities_without_context(whole: Tagger, windowed: Tagger, text: str) -> None:
    assert windowed.annotate([text, "penicillin", text]) == whole.annotate([text, "penicillin", text])


def test_mentions_across_window_edges_are_complete(whole: Tagger, windowed: Tagger) -> None:
    """The texts have mentions of several words, also after a hundred words."""
    (found,) = windowed.annotate([" ".join(WORDS * 30)])
    assert found == whole.annotate([" ".join(WORDS * 30)])[0]
    assert any(" " in entity.mention for entity in found)
    assert max(entity.start_char for entity in found) > 1000


def test_a_word_longer_than_the_window_is_labelled(whole: Tagger, windowed: Tagger) -> None:
    """The label of a word is that of its first token."""
    text = f"penicillin {'qxj' * 33} penicillin allergy"
    assert len(whole.read([text])[0].ids) > 60
    assert windowed.annotate([text]) == whole.annotate([text])
