"""Recipes of readers as TOML: those that come with litmine, by name, and one's own, by path.

A file holds the settings of `ReaderRecipe` by their names, and each stage as a table `[[stages]]`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.settings import checked, find_settings, names_in, read_toml
from litmine.tasks.qa.recipe import ReaderRecipe

_COMMITTED = Path(__file__).parent / "recipes"


def reader_recipe_names() -> list[str]:
    """The recipes that come with litmine."""
    return names_in(_COMMITTED)


def read_reader_recipe(reference: str) -> dict[str, Any]:
    """The settings of a committed recipe, or of a file (SettingError for one that is not there or says other things).

    Values have the types of `ReaderRecipe`; whether they make sense together is for `ReaderRecipe` to say.
    """
    file = find_settings(reference, _COMMITTED, "recipe")
    return checked(file, ReaderRecipe, read_toml(file), "recipe")


def make_reader_recipe(settings: Mapping[str, Any]) -> ReaderRecipe:
    """The recipe of these settings (SettingError when the base is missing, or values make no sense)."""
    if not settings.get("base"):
        raise SettingError("there is no encoder to start from; name one with --base, or `base` in the recipe")
    return ReaderRecipe(**{"stages": (), **settings})
