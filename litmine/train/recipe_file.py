"""Recipes as TOML: those that come with litmine, by name, and one's own, by path.

A file holds the settings of `Recipe` by their names, as many as it likes; `renamed` is a table. What is not there has
its default, and what is given on the command line counts before it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from litmine.errors import SettingError
from litmine.train.recipe import Recipe

_COMMITTED = Path(__file__).parent / "recipes"
_SAYS = {"str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}


def recipe_names() -> list[str]:
    """The recipes that come with litmine."""
    return sorted(file.stem for file in _COMMITTED.glob("*.toml"))


def read_recipe(reference: str) -> dict[str, Any]:
    """The settings of a committed recipe, or of a file (SettingError for one that is not there or says other things).

    Values have the types of `Recipe`; whether they make sense together is for `Recipe` to say.
    """
    file = _COMMITTED / f"{reference}.toml" if reference in recipe_names() else Path(reference)
    if not file.is_file():
        raise SettingError(f"there is no recipe {reference!r}; give {', '.join(recipe_names())} or a TOML file")
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{file} cannot be read as TOML: {error}") from error
    known = [field.name for field in fields(Recipe)]
    if unknown := sorted(set(read).difference(known)):
        raise SettingError(f"{file} sets {', '.join(unknown)}; a recipe knows {', '.join(known)}")
    return {name: _value(file, name, value) for name, value in read.items()}


def make_recipe(settings: Mapping[str, Any]) -> Recipe:
    """The recipe of these settings (SettingError when the base is missing, or values make no sense)."""
    if not settings.get("base"):
        raise SettingError("there is no encoder to start from; name one with --base, or `base` in the recipe")
    return Recipe(**{"corpora": (), **settings})


def _value(file: Path, name: str, value: Any) -> Any:
    """A value of the file as `Recipe` keeps it."""
    if name == "renamed":
        if not isinstance(value, dict) or not all(isinstance(new, str) for new in value.values()):
            raise SettingError(f'{file}: renamed is a table of types, such as [renamed] and a line Drug = "Chemical"')
        return tuple(sorted(value.items()))
    if name in {"corpora", "apart"}:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SettingError(f"{file}: {name} is a list of names in quotes")
        return tuple(value)
    kind = get_type_hints(Recipe)[name]
    wanted: type = next(iter(get_args(kind)), kind)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise SettingError(f"{file}: {name} is {_SAYS[wanted.__name__]}, and not {value!r}")
    return value
