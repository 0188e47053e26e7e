"""Recipes as TOML: those that come with litmine, by name, and one's own, by path.

A file holds the settings of `Recipe` by their names; what is given on the command line counts before it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.settings import checked, find_settings, names_in, read_toml
from litmine.tasks.ner.recipe import Recipe

_COMMITTED = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """The recipes that come with litmine."""
    return names_in(_COMMITTED)


def read_recipe(reference: str) -> dict[str, Any]:
    """The settings of a committed recipe, or of a file (SettingError for one that is not there or says other things).

    Values have the types of `Recipe`; whether they make sense together is for `Recipe` to say.
    """
    file = find_settings(reference, _COMMITTED, "recipe")
    return checked(file, Recipe, read_toml(file), "recipe")


def make_recipe(settings: Mapping[str, Any]) -> Recipe:
    """The recipe of these settings (SettingError when the base is missing, or values make no sense)."""
    if not settings.get("base"):
        raise SettingError("there is no encoder to start from; name one with --base, or `base` in the recipe")
    return Recipe(**{"corpora": (), **settings})
