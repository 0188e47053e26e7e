"""Reader recipes: the shipped ones are valid, and invalid ones are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import SettingError
from litmine.specs import spec_by_name
from litmine.tasks.qa.recipe import ReaderRecipe, ReaderStage
from litmine.training.recipe import make_recipe, read_recipe, recipe_names

QA = spec_by_name("qa")


@pytest.mark.parametrize(("name", "files"), [("biobert-reader", 2), ("builtin-reader", 2), ("more-questions", 5)])
def test_shipped_recipes_are_valid(name: str, files: int) -> None:
    assert recipe_names(QA) == ["biobert-reader", "builtin-reader", "more-questions"]
    recipe = make_recipe(QA, {"name": "mine", **read_recipe(QA, name)})
    assert recipe.dev_batches == ("6B",)
    assert len(recipe.stages[-1].data) == files


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("stages = 3", r"each of stages must be a table: \[\[stages\]\]"),
        ("[[stages]]\ndata = 'a.json'", "data must be a list of names in quotes"),
        (
            "[[stages]]\ndata = ['a.json']\nepoch = 1",
            r"unknown setting epoch \(did you mean epochs\?\); the settings of a table of stages are",
        ),
        ("[[stages]]\nepochs = 1", "a stage needs at least one file"),
        ("[[stages]]\ndata = ['a.json']\nepochs = 0", "epochs must be at least 1, not 0"),
        ("[[stages]]\ndata = ['a.json']\nwindow = -1", "window must be at least 0, not -1"),
        ("[[stages]]\ndata = ['a.json']\none_window = 1", "one_window must be true or false"),
        ("corpora = ['a']", "unknown setting corpora; the settings of a recipe are name, base"),
        ("int8 = 1", "int8 must be true or false, not 1"),
        ("window = 0.5", "window must be a whole number, not 0.5"),
        ("x", "cannot be read as TOML"),
    ],
)
def test_invalid_recipe_files_are_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(SettingError, match=sentence):
        read_recipe(QA, str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"base": None}, "the recipe does not set base; use --base, or add it to the recipe"),
        ({"stages": ()}, "the recipe does not set stages; use --data, or add it to the recipe"),
        (
            {"stages": (ReaderStage(("a.json",), window=400),)},
            r"the window of a stage must be at most window \(320\), not 400",
        ),
        ({"overlap": 200}, r"overlap must be less than half of window \(160\), not 200"),
        ({"batch_tokens": 100}, r"batch_tokens must be at least window \(320\), not 100"),
        ({"held_out": 1.0}, "held_out must be at least 0 and below 1, not 1.0"),
        ({"clip": 0.0}, "clip must be above 0, not 0.0"),
        ({"name": "a@b"}, "is not a valid model name"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        make_recipe(QA, {"name": "mine", "base": "b", "stages": (ReaderStage(("a.json",)),), **settings})


def test_a_saved_recipe_has_no_local_paths(tmp_path: Path) -> None:
    base = tmp_path / "encoder"
    base.mkdir()
    data = str(tmp_path / "a.json")
    recipe = ReaderRecipe("mine", str(base), (ReaderStage((data,)),), str(tmp_path), dev=data, unlabelled=data)
    recipe.save(tmp_path / "recipe.json")
    text = (tmp_path / "recipe.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["stages"][0]["data"] == ["a.json"]
