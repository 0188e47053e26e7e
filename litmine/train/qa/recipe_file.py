"""Recipes of readers as TOML: those that come with litmine, by name, and one's own, by path.

A file holds the settings of `ReaderRecipe` by their names, as many as it likes, and each stage as a table `[[stages]]`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from litmine.errors import SettingError
from litmine.train.qa.recipe import ReaderRecipe, Stage

_COMMITTED = Path(__file__).parent.parent / "recipes" / "qa"
_SAYS = {"str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}


def reader_recipe_names() -> list[str]:
    """The recipes that come with litmine."""
    return sorted(file.stem for file in _COMMITTED.glob("*.toml"))


def read_reader_recipe(reference: str) -> dict[str, Any]:
    """The settings of a committed recipe, or of a file (SettingError for one that is not there or says other things).

    Values have the types of `ReaderRecipe`; whether they make sense together is for `ReaderRecipe` to say.
    """
    names = reader_recipe_names()
    file = _COMMITTED / f"{reference}.toml" if reference in names else Path(reference)
    if not file.is_file():
        raise SettingError(f"there is no recipe {reference!r}; give {', '.join(names)} or a TOML file")
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{file} cannot be read as TOML: {error}") from error
    stages = read.pop("stages", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise SettingError(f"{file}: each stage is a table of its own, [[stages]] and its settings")
    return _values(file, ReaderRecipe, read) | {"stages": tuple(_stage(file, stage) for stage in stages)}


def make_reader_recipe(settings: Mapping[str, Any]) -> ReaderRecipe:
    """The recipe of these settings (SettingError when the base is missing, or values make no sense)."""
    if not settings.get("base"):
        raise SettingError("there is no encoder to start from; name one with --base, or `base` in the recipe")
    return ReaderRecipe(**{"stages": (), **settings})


def _stage(file: Path, read: Mapping[str, Any]) -> Stage:
    return Stage(**{"data": (), **_values(file, Stage, read)})


def _values(file: Path, kind: type, read: Mapping[str, Any]) -> dict[str, Any]:
    known = [field.name for field in fields(kind)]
    if unknown := sorted(set(read).difference(known)):
        raise SettingError(f"{file} sets {', '.join(unknown)}; a recipe knows {', '.join(known)}")
    hints = get_type_hints(kind)
    return {name: _value(file, name, hints[name], value) for name, value in read.items()}


def _value(file: Path, name: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SettingError(f"{file}: {name} is a list of names in quotes")
        return tuple(value)
    wanted: type = next(iter(get_args(hint)), hint)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise SettingError(f"{file}: {name} is {_SAYS[wanted.__name__]}, and not {value!r}")
    return value
