"""Recipes of readers: those that come with litmine, one's own, and what makes no sense."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import SettingError
from litmine.specs import spec_named
from litmine.tasks.qa.recipe import ReaderRecipe, Stage
from litmine.training.recipe import make_recipe, read_recipe, recipe_names

QA = spec_named("qa")


@pytest.mark.parametrize("name", recipe_names(QA))
def test_committed_recipes_are_recipes(name: str) -> None:
    recipe = make_recipe(QA, {"name": "mine", **read_recipe(QA, name)})
    assert recipe.dev_batches == ("6B",)
    assert [len(stage.data) for stage in recipe.stages][-1] == 2


def test_the_shipped_reader_s_is_among_them() -> None:
    assert "builtin-reader" in recipe_names(QA)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("stages = 3", r"each of stages must be a table: \[\[stages\]\]"),
        ("[[stages]]\ndata = 'a.json'", "data must be a list of names in quotes"),
        (
            "[[stages]]\ndata = ['a.json']\nepoch = 1",
            r"unknown setting epoch \(did you mean epochs\?\); the settings of a table of stages are",
        ),
        ("[[stages]]\nepochs = 1", "a stage learns from at least one file"),
        ("[[stages]]\ndata = ['a.json']\nepochs = 0", "epochs must be at least 1, not 0"),
        ("[[stages]]\ndata = ['a.json']\nwindow = -1", "window must be at least 0, not -1"),
        ("[[stages]]\ndata = ['a.json']\none_window = 1", "one_window must be true or false"),
        ("corpora = ['a']", "unknown setting corpora; the settings of a recipe are name, base"),
        ("int8 = 1", "int8 must be true or false, not 1"),
        ("window = 0.5", "window must be a whole number, not 0.5"),
        ("x", "cannot be read as TOML"),
    ],
)
def test_what_a_file_gets_wrong(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(SettingError, match=sentence):
        read_recipe(QA, str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"base": None}, "the recipe does not say base; give --base, or set it in the recipe"),
        ({"stages": ()}, "the recipe does not say stages; give --data, or set it in the recipe"),
        ({"stages": (Stage(("a.json",), window=400),)}, "a stage's window is at most the reader's"),
        ({"overlap": 200}, "the overlap must be shorter than half the window"),
        ({"batch_tokens": 100}, "a batch at least as long as a window"),
        ({"held_out": 1.0}, "held_out must be at least 0 and below 1, not 1.0"),
        ({"clip": 0.0}, "clip must be above 0, not 0.0"),
        ({"name": "a@b"}, "cannot name a model"),
    ],
)
def test_what_makes_no_sense(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        make_recipe(QA, {"name": "mine", "base": "b", "stages": (Stage(("a.json",)),), **settings})


def test_what_is_saved_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    base = tmp_path / "encoder"
    base.mkdir()
    data = str(tmp_path / "a.json")
    recipe = ReaderRecipe("mine", str(base), (Stage((data,)),), str(tmp_path), dev=data, unlabelled=data)
    recipe.save(tmp_path / "recipe.json")
    text = (tmp_path / "recipe.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["stages"][0]["data"] == ["a.json"]
