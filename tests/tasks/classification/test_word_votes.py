"""Votes of words: what they learn, that sentences add up to their text, and the file beside the heads."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import ModelError
from litmine.tasks.classification.folder import load_top
from litmine.tasks.classification.labelled_texts import LabelledText
from litmine.tasks.classification.make import make_top
from litmine.tasks.classification.prepare import Example
from litmine.tasks.classification.recipe import ClassifierRecipe
from litmine.tasks.classification.settings import Scheme
from litmine.tasks.classification.train_words import fit_words, word_shares
from litmine.tasks.classification.word_votes import WORDS_FILE, WordVotes, feature_counts, load_words, save_words
from litmine.text.sentences import split_sentences
from tests.fixtures.labelled_texts import labelled_rows

TEXTS = [f"Trial {i}. We searched the literature. Nothing else {i % 3}." for i in range(6)]
TEXTS += [f"Trial {i}. We treated the patients. Nothing else {i % 3}." for i in range(6, 30)]


def learnt() -> WordVotes:
    """Votes for texts with `searched`, six of thirty."""
    positive = np.array([float("searched" in one) for one in TEXTS])
    targets = np.stack([positive, 1 - positive], axis=1)
    return fit_words([feature_counts(one) for one in TEXTS], targets, [str(i) for i in range(30)], one_label=True)


def test_a_word_and_a_pair_of_words_are_features() -> None:
    assert sum(feature_counts("Two words").values()) == 3
    assert feature_counts("TWO, two") == feature_counts("two, two")
    assert feature_counts("two words") != feature_counts("words two")
    assert feature_counts("") == Counter()


def test_words_that_tell_the_label_get_the_weight() -> None:
    votes = learnt()
    margins = [float(one[0, 0] - one[0, 1]) for one in map(votes.logits, ("We searched it.", "We treated it."))]
    assert margins[0] > margins[1]
    ranked = sorted(TEXTS, key=lambda one: -float(votes.logits(one)[0] @ [1, -1]))
    assert all("searched" in one for one in ranked[:6])
    # A number that one text has is no feature.
    assert not set(feature_counts("29")) & set(votes.features.tolist())


def test_labels_are_judged_by_themselves_where_a_text_has_several() -> None:
    targets = np.array([[float("searched" in one), float("else 2" in one)] for one in TEXTS])
    votes = fit_words([feature_counts(one) for one in TEXTS], targets, [str(i) for i in range(30)], one_label=False)
    logits = np.concatenate([votes.logits(one) for one in TEXTS])
    for label in range(2):
        assert logits[targets[:, label] == 1, label].min() > logits[targets[:, label] == 0, label].max()


def test_texts_without_a_common_word_teach_the_shares_of_the_labels_only() -> None:
    texts = [feature_counts(one) for one in ("a b", "c d", "e f")]
    votes = fit_words(texts, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), ["1", "2", "3"], one_label=True)
    assert len(votes.features) == 0
    np.testing.assert_allclose(votes.logits("a b"), votes.bias[None])
    assert votes.bias[1] > votes.bias[0]


@given(st.lists(st.sampled_from(["We searched it.", "Nothing else 2.", "β-Blocker!", "Trial 1."]), max_size=6))
def test_sentences_add_up_to_their_text(parts: list[str]) -> None:
    votes, text = learnt(), " ".join(parts)
    sentences = split_sentences(text) or [(0, 0)]
    added = votes.by_sentence(text, sentences)
    assert added.shape == (len(sentences), 2)
    np.testing.assert_allclose(added.sum(axis=0) + votes.bias, votes.logits(text)[0], atol=1e-5)


def test_a_file_has_the_votes_of_each_scheme(tmp_path: Path) -> None:
    votes = learnt()
    save_words(tmp_path, {"screen": votes})
    found = load_words(tmp_path, ["screen", "other"])
    assert list(found) == ["screen"]
    np.testing.assert_array_equal(found["screen"].logits(TEXTS[0]), votes.logits(TEXTS[0]))
    save_words(tmp_path, {})
    assert load_words(tmp_path, ["screen"]) == {}


def test_the_share_makes_both_differ_as_much() -> None:
    schemes = (Scheme("screen", ("in", "out")),)
    text = LabelledText("1", "1", "A.", ((0, 2),), (("in",),))
    examples = [Example(0, 0, text, ((0,),))] * 4
    heads = {i: np.array([[i, -i]], dtype=np.float32) for i in range(4)}
    words = {i: one / np.float32(4) for i, one in heads.items()}
    assert word_shares(schemes, examples, heads, words) == {"screen": pytest.approx(4)}
    assert word_shares(schemes, examples, heads, {i: np.zeros_like(one) for i, one in heads.items()}) == {"screen": 0}
    assert word_shares(schemes, examples, heads, {}) == {}


def test_a_trained_model_has_both(tiny_classifier: Path, classifier_recipe: ClassifierRecipe, tmp_path: Path) -> None:
    text = next(f"{row['title']} {row['abstract']}" for row in labelled_rows() if row["label"] == "in")
    model = load_top(tiny_classifier, precision="float32")
    (scheme,) = model.settings.schemes
    (both,) = model.scores([text], scheme)
    words = load_words(tiny_classifier, [scheme.name])[scheme.name].logits(text)
    assert words[0, 0] > words[0, 1]
    make_top(replace(classifier_recipe, words=False, folds=0, epochs=1), tmp_path / "heads", lambda _: None)
    assert not (tmp_path / "heads" / WORDS_FILE).exists()
    # Without the file, the same heads are left. The trunk's place is relative to the model's.
    copy = tiny_classifier.parent / "heads-alone"
    shutil.copytree(tiny_classifier, copy, ignore=shutil.ignore_patterns(WORDS_FILE))
    heads = load_top(copy, precision="float32")
    np.testing.assert_allclose(heads.scores([text], scheme)[0] + words, both, atol=1e-4)
    assert heads.name != model.name


def test_a_damaged_file_is_refused(tiny_classifier: Path) -> None:
    copy = tiny_classifier.parent / "damaged-words"
    shutil.copytree(tiny_classifier, copy)
    (copy / WORDS_FILE).write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="damaged-words"):
        load_top(copy, precision="float32")
