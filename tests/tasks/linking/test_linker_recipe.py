"""Linker recipes: the shipped one is valid, and invalid ones are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import SettingError
from litmine.specs import spec_by_name
from litmine.tasks.linking.recipe import LinkerRecipe, TrainingData, split_reference
from litmine.training.recipe import make_recipe, read_recipe, recipe_names

LINKING = spec_by_name("linking")


def test_the_built_in_linker_has_a_recipe() -> None:
    assert recipe_names(LINKING) == ["builtin-linker"]
    recipe = make_recipe(LINKING, read_recipe(LINKING, "builtin-linker"))
    assert recipe.name == "builtin-linker"
    assert all(one.terms for one in recipe.corpora)
    learnt = {split_reference(file)[1] for one in recipe.corpora for file in one.data}
    assert not learnt & {split_reference(file)[1] for file in recipe.dev}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("corpora = 3", r"each of corpora must be a table: \[\[corpora\]\]"),
        ("[[corpora]]\ndata = 'a.json'", "data must be a list of names in quotes"),
        ("[[corpora]]\nheld = true", r"unknown setting held \(did you mean held_out\?\)"),
        ("[[corpora]]\npanel_digits = -1", "panel_digits must be at least 0, not -1"),
        ("dev = 'a'", "dev must be a list of names in quotes"),
        ("epoch = 1", r"unknown setting epoch \(did you mean epochs\?\)"),
        ("seed = 0.5", "seed must be a whole number"),
        ("x", "cannot be read as TOML"),
    ],
)
def test_invalid_recipe_files_are_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(SettingError, match=sentence):
        read_recipe(LINKING, str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"corpora": ()}, "the recipe does not set corpora; use --data, or add it to the recipe"),
        ({"corpora": (TrainingData(),)}, "training needs at least one file of documents; name one with --data"),
        ({"name": "a/b"}, "'a/b' is not a valid model name"),
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and at most 0.9"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], sentence: str) -> None:
    valid = {"name": "mine", "corpora": (TrainingData(("a.jsonl",)),)}
    make_recipe(LINKING, valid)
    with pytest.raises(SettingError, match=sentence):
        make_recipe(LINKING, valid | settings)


def test_a_saved_recipe_names_no_folder(tmp_path: Path) -> None:
    recipe = LinkerRecipe(
        "mine", (TrainingData(("A=/data/me/a.train.jsonl", "/data/me/b.jsonl")),), "/data/me", dev=("/x/dev.pubtator",)
    )
    recipe.save(tmp_path / "recipe.json")
    text = (tmp_path / "recipe.json").read_text()
    assert "/data" not in text
    stored = json.loads(text)
    assert stored["corpora"][0]["data"] == ["A=a.train.jsonl", "b=b.jsonl"]
    assert stored["dev"] == ["dev=dev.pubtator"]
