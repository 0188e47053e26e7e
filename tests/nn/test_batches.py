"""Batch size, order and company of texts do not change the entities (float32: same spans, scores within 1e-4)."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from litmine.corpora.corpus import read_corpus
from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import load_model
from litmine.types import Entity


@pytest.fixture(scope="module")
def texts(sample_data: Path) -> list[str]:
    """Sentences, whole abstracts, one of several windows, and nothing."""
    sentences = read_corpus(sample_data / "ner" / "BC5CDR" / "dev.tsv", "BC5CDR").passages[:30]
    documents = read_corpus(sample_data / "documents" / "NCBI-disease_dev.pubtator", "NCBI-disease").passages
    plain = [passage.text for passage in (*sentences, *documents)]
    return [*plain, " ".join(plain), ""]


@pytest.fixture(scope="module")
def expected(tiny_model: Path, texts: list[str]) -> list[list[Entity]]:
    """The entities of each text when it is annotated alone."""
    tagger = load(tiny_model)
    found = [tagger.annotate([text])[0] for text in texts]
    assert sum(map(len, found)) > 50
    return found


def load(folder: Path, batch_tokens: int | None = None) -> Tagger:
    return load_model(str(folder), precision="float32", batch_tokens=batch_tokens)


def are_same(found: Sequence[Sequence[Entity]], expected: Sequence[Sequence[Entity]]) -> bool:
    """Equal spans and types, and scores within 1e-4; `==` of entities ignores the score."""
    scores = [entity.score for entities in found for entity in entities]
    theirs = [entity.score for entities in expected for entity in entities]
    return list(found) == list(expected) and scores == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("batch_tokens", [1, 64, 512, 4096, 65536])
def test_batches_of_any_size(
    tiny_model: Path, texts: list[str], expected: list[list[Entity]], batch_tokens: int
) -> None:
    assert are_same(load(tiny_model, batch_tokens).annotate(texts), expected)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_selection(tiny_model: Path, texts: list[str], expected: list[list[Entity]], seed: int) -> None:
    order = random.Random(seed).sample(range(len(texts)), len(texts) // seed)
    found = load(tiny_model, 1024).annotate([texts[i] for i in order])
    assert are_same(found, [expected[i] for i in order])


def test_the_same_text_many_times(tiny_model: Path, texts: list[str], expected: list[list[Entity]]) -> None:
    assert are_same(load(tiny_model).annotate([texts[3]] * 9), [expected[3]] * 9)


def test_a_batch_holds_at_most_its_tokens(tiny_model: Path, texts: list[str]) -> None:
    """`watch` is called before each batch, with a share of the tokens that grows from 0."""
    tagger = load(tiny_model, 512)
    words = tagger.read(texts)
    shares: list[float] = []
    tagger.label(words, shares.append)
    tokens = sum(len(one.ids) for one in words if isinstance(one, TokenizedText))
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert max(shares) < 1
    assert len(shares) >= tokens / 512


def test_the_progress_callback_may_stop_the_run(tiny_model: Path, texts: list[str]) -> None:
    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.3:
            raise StopError

    tagger = load(tiny_model, 512)
    with pytest.raises(StopError):
        tagger.label(tagger.read(texts), stop)


def test_a_score_is_the_mean_probability_of_the_words(bert_classifier: Path) -> None:
    tagger = load(bert_classifier)
    text = "penicillin aspirin allergy reaction penicillin aspirin allergy reaction"
    words = tagger.read([text])
    (text_tokens,) = words
    assert isinstance(text_tokens, TokenizedText)
    output = tagger.label(words).candidates
    probability = np.zeros(len(text_tokens))
    probability[output.word] = (np.exp(output.logits) / np.exp(output.logits).sum(axis=1, keepdims=True)).max(axis=1)
    (entities,) = tagger.annotate([text])
    assert entities
    for entity in entities:
        inside = (text_tokens.start >= entity.start_char) & (text_tokens.start < entity.end_char)
        assert entity.score == pytest.approx(probability[inside].mean(), abs=1e-6)
