"""`encoder` and `train_encoder`: vectors do not depend on the batch, and synonyms come near each other."""

from pathlib import Path

import numpy as np
import pytest
import torch

from litmine.nn.loading import read_tokenizer
from litmine.nn.weights import save_weights
from litmine.resources import packaged_path
from litmine.tasks.linking.encoder import EncodedNames, NameEncoder, load_encoder, trunk_embeddings
from litmine.tasks.linking.train_encoder import EncoderSettings, Synonyms, synonym_loss, train_encoder
from tests.fixtures.linking import DISEASES

TRUNK = packaged_path("litmine/models/builtin/trunk")
NAMES = ["kidney failure", "renal insufficiency", "", "a" * 300, "4-(2-hydroxyethyl)-1-piperazineethanesulfonic acid"]


@pytest.fixture(scope="module")
def embeddings() -> torch.Tensor:
    return trunk_embeddings(TRUNK)


def fresh(embeddings: torch.Tensor) -> NameEncoder:
    torch.manual_seed(1)
    return NameEncoder(embeddings)


def test_vectors_have_length_one_and_do_not_depend_on_other_names(embeddings: torch.Tensor) -> None:
    encoded = EncodedNames(fresh(embeddings), read_tokenizer(TRUNK))
    together = encoded.encode(NAMES)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(NAMES)), abs=1e-5)
    for row, name in enumerate(NAMES):
        assert encoded.encode([name])[0] == pytest.approx(together[row], abs=1e-5)
    assert encoded.similarity(NAMES[0], NAMES[1]) == pytest.approx(float(together[0] @ together[1]), abs=1e-5)
    assert encoded.encode([]).shape == (0, together.shape[1])


def test_training_brings_synonyms_together(embeddings: torch.Tensor) -> None:
    encoder = fresh(embeddings)
    concepts = [*DISEASES]
    neighbours = {one: [other for other in concepts if other != one] for one in concepts}
    losses: list[float] = []
    train_encoder(
        encoder,
        read_tokenizer(TRUNK),
        Synonyms(DISEASES, neighbours, [("MI of the heart", "MESH:D009203")]),
        EncoderSettings(steps=30, groups=4),
        lambda _, loss: losses.append(loss),
    )
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 2
    encoded = EncodedNames(encoder, read_tokenizer(TRUNK))
    heart = encoded.similarity("Heart Attack", "Myocardial Infarction")
    assert heart > encoded.similarity("Heart Attack", "Breast Cancer")


def test_names_of_one_concept_are_no_negatives() -> None:
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), dim=1)
    told_apart = synonym_loss(vectors, vectors, ["a", "b", "c"])
    same = synonym_loss(vectors, vectors, ["a", "a", "c"])
    assert same < told_apart / 10


def test_a_saved_encoder_gives_the_same_vectors(tmp_path: Path, embeddings: torch.Tensor) -> None:
    encoder = fresh(embeddings)
    save_weights(dict(encoder.state_dict()), tmp_path, int8=False)
    loaded = load_encoder(tmp_path, TRUNK)
    assert loaded.encode(NAMES) == pytest.approx(EncodedNames(encoder, read_tokenizer(TRUNK)).encode(NAMES), abs=1e-6)
