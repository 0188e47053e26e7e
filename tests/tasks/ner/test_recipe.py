"""Invalid settings are refused, and a saved recipe has no local paths."""

import json
from pathlib import Path

import pytest

from litmine.errors import SettingError
from litmine.tasks.ner.recipe import TaggerRecipe


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"corpora": ()}, "at least one corpus"),
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, not 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number, not nan"),
        ({"ema_decay": 1.0}, "ema_decay must be at least 0 and below 1, not 1.0"),
        ({"corpus_weights": (("a", 101.0),)}, "corpus_weights of 'a' must be above 0 and at most 100, not 101.0"),
        ({"batch_tokens": 511}, r"batch_tokens must be at least max_passage_tokens \+ 2 \(512\), not 511"),
        ({"overlap": 510}, r"overlap must be less than window - 2 \(190\), not 510"),
        ({"overlap": -1}, "overlap must be at least 0, not -1"),
        ({"passage_tokens": 511}, r"passage_tokens must be at most max_passage_tokens \(510\), not 511"),
        ({"pretrain_batch_tokens": 255}, "pretrain_batch_tokens must be at least 256, not 255"),
        ({"pretrain_learning_rate": 0.0}, "pretrain_learning_rate must be above 0, not 0.0"),
        ({"name": ""}, "is not a valid model name"),
        ({"name": "a@b"}, "'a@b' is not a valid model name"),
        ({"name": "a/b"}, "'a/b' is not a valid model name"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        TaggerRecipe(**({"name": "mine", "base": "base", "corpora": ("a",)} | settings))  # type: ignore[arg-type]


def test_a_saved_recipe_has_no_local_paths(tmp_path: Path) -> None:
    base = tmp_path / "encoder"
    base.mkdir()
    corpora = (str(tmp_path / "BC5CDR"), f"mine={tmp_path}/a.tsv")
    TaggerRecipe("mine", str(base), corpora, unlabelled=str(tmp_path / "a.jsonl")).save(tmp_path / "recipe.json")
    saved = json.loads((tmp_path / "recipe.json").read_text())
    assert str(tmp_path) not in json.dumps(saved)
    assert (saved["base"], saved["corpora"], saved["unlabelled"]) == ("encoder", ["BC5CDR", "mine"], "a.jsonl")
    assert (saved["epochs"], saved["learning_rate"], saved["seed"]) == (6, 2e-4, 1)
