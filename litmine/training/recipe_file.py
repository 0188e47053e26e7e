"""Recipes as TOML: those that come with a task, by name, and one's own, by path.

A file holds the settings of the task's recipe by their names, and each table of a list as `[[name]]`; what is given on
the command line counts before it.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.settings import checked, find_settings, flag_of, names_in, read_toml, required
from litmine.specs import TaskSpec, code


def recipe_names(spec: TaskSpec) -> list[str]:
    """The recipes that come with the task."""
    folder = _folder(spec)
    return names_in(folder) if folder else []


def read_recipe(spec: TaskSpec, reference: str) -> dict[str, Any]:
    """The settings of a recipe of the task by its name, or of a file.

    Values have the types of the task's recipe; whether they make sense together is for that to say. Raises SettingError
    for a recipe that is not there, and for one with other settings or types.
    """
    file = find_settings(reference, _folder(spec), "recipe")
    return checked(file, code(spec.recipe), read_toml(file), "recipe")


def make_recipe(spec: TaskSpec, settings: Mapping[str, Any]) -> Any:
    """The task's recipe with these settings (SettingError when one is missing, or values make no sense)."""
    kind = code(spec.recipe)
    if missing := [name for name in required(kind) if not settings.get(name)]:
        flags = " and ".join(flag_of(kind, name) for name in missing)
        raise SettingError(f"the recipe does not say {' and '.join(missing)}; give {flags}, or set it in the recipe")
    return kind(**settings)


def _folder(spec: TaskSpec) -> Path | None:
    if not spec.recipes:
        return None
    module = import_module(spec.recipe.partition(":")[0])
    assert module.__file__ is not None
    return Path(module.__file__).parent / spec.recipes
