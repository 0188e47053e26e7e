"""`ranker` and `fit_ranker`: a fitted ranker prefers what was right, says how sure it is, and survives its file."""

from pathlib import Path

import numpy as np
import pytest

from litmine.errors import ModelError
from litmine.tasks.linking.fit_ranker import FitSettings, RankingExample, calibrate, fit_ranker
from litmine.tasks.linking.ranker import Ranker, load_rankers, save_rankers

FEATURES = ("signal", "noise", "constant")


def made(count: int, seed: int, wrong: float = 0.0) -> list[RankingExample]:
    """Mentions with two to six candidates; the right one has the greatest signal, but for a share of them."""
    random = np.random.default_rng(seed)
    examples = []
    for _ in range(count):
        size = int(random.integers(2, 7))
        table = random.normal(size=(size, 3)).astype(np.float32)
        table[:, 2] = 1
        right = np.zeros(size, dtype=bool)
        best = int(table[:, 0].argmax())
        right[(best + 1) % size if random.random() < wrong else best] = True
        examples.append(RankingExample(table, right))
    return examples


def accuracy(ranker: Ranker, examples: list[RankingExample]) -> float:
    return float(np.mean([one.right[ranker.shares(one.features).argmax()] for one in examples]))


def test_a_ranker_learns_which_candidates_are_right() -> None:
    ranker = fit_ranker(made(400, seed=1), FEATURES, FitSettings(epochs=30))
    assert accuracy(ranker, made(200, seed=2)) > 0.9
    assert fit_ranker(made(400, seed=1), FEATURES, FitSettings(epochs=2)).as_json() == (
        fit_ranker(made(400, seed=1), FEATURES, FitSettings(epochs=2)).as_json()
    )


def test_shares_sum_to_one() -> None:
    ranker = fit_ranker(made(50, seed=1), FEATURES, FitSettings(epochs=2))
    for one in made(20, seed=3):
        assert ranker.shares(one.features).sum() == pytest.approx(1)


def test_calibrated_probabilities_are_those_that_occur() -> None:
    ranker = fit_ranker(made(600, seed=1, wrong=0.3), FEATURES, FitSettings(epochs=30))
    calibrated = calibrate(ranker, made(1000, seed=4, wrong=0.3))
    fresh = made(1000, seed=5, wrong=0.3)
    said = np.mean([calibrated.best(one.features)[1] for one in fresh])
    assert said == pytest.approx(accuracy(calibrated, fresh), abs=0.05)


def test_calibration_is_finite_when_all_are_right_or_there_is_nothing() -> None:
    ranker = fit_ranker(made(200, seed=1), FEATURES, FitSettings(epochs=10))
    certain = calibrate(ranker, [RankingExample(np.zeros((1, 3), np.float32), np.array([True]))] * 20)
    assert 0.5 < certain.best(np.zeros((1, 3), np.float32))[1] <= 1
    assert calibrate(ranker, [RankingExample(np.zeros((0, 3), np.float32), np.zeros(0, bool))]) is ranker


def test_examples_without_a_right_candidate_do_not_count() -> None:
    nothing = RankingExample(np.zeros((2, 3), np.float32), np.zeros(2, bool))
    with pytest.raises(ValueError, match="no example has a right candidate"):
        fit_ranker([nothing], FEATURES)
    assert (
        accuracy(fit_ranker([*made(200, seed=1), nothing], FEATURES, FitSettings(epochs=20)), made(100, seed=2)) > 0.9
    )


def test_a_saved_ranker_ranks_the_same(tmp_path: Path) -> None:
    ranker = calibrate(fit_ranker(made(200, seed=1), FEATURES, FitSettings(epochs=5)), made(50, seed=2))
    save_rankers({"Disease": ranker}, tmp_path / "ranker.json")
    loaded = load_rankers(tmp_path / "ranker.json")["Disease"]
    for one in made(20, seed=3):
        assert loaded.shares(one.features) == pytest.approx(ranker.shares(one.features), abs=1e-3)
        assert loaded.best(one.features) == pytest.approx(ranker.best(one.features), abs=1e-3)


def test_a_mention_without_a_concept_gets_a_low_probability() -> None:
    """The features of its best candidate tell it, while its share of the candidates does not."""
    examples = made(600, seed=1)
    strange = [RankingExample(one.features - 3, np.zeros_like(one.right), linked=False) for one in made(600, seed=2)]
    ranker = calibrate(fit_ranker(examples, FEATURES, FitSettings(epochs=30)), [*made(300, seed=3), *strange[:300]])
    known = [ranker.best(one.features)[1] for one in made(200, seed=4)]
    unknown = [ranker.best(one.features)[1] for one in strange[300:]]
    assert np.mean(known) > 0.8
    assert np.mean(unknown) < 0.1


@pytest.mark.parametrize("content", ["", "[]", '{"Disease": {}}', '{"Disease": 5}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "ranker.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"ranker\.json is damaged"):
        load_rankers(tmp_path / "ranker.json")


def test_a_feature_that_never_varied_has_no_weight() -> None:
    ranker = fit_ranker(made(50, seed=1), FEATURES, FitSettings(epochs=2))
    table = made(1, seed=3)[0].features
    other = table.copy()
    other[0, 2] = 9
    assert ranker.scores(other) == pytest.approx(ranker.scores(table))


def test_a_ranker_with_other_shapes_is_refused() -> None:
    stored = fit_ranker(made(20, seed=1), FEATURES, FitSettings(epochs=1)).as_json()
    with pytest.raises(ValueError, match="mean of a ranker does not fit"):
        Ranker.from_json(stored | {"mean": [0.0]})


def test_an_averaged_ranker_gives_the_mean_of_the_scores() -> None:
    runs = [fit_ranker(made(50, seed=1), FEATURES, FitSettings(epochs=2, seed=seed)) for seed in (3, 4, 5)]
    mean = fit_ranker(made(50, seed=1), FEATURES, FitSettings(epochs=2, seed=3, averaged=3))
    for one in made(20, seed=3):
        assert mean.scores(one.features) == pytest.approx(np.mean([run.scores(one.features) for run in runs], axis=0))
