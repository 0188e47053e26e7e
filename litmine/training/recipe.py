"""Recipes as TOML: those that come with a task, by name, and one's own, by path.

A file holds the settings of the task's recipe by their names, and each table of a list as `[[name]]`; what is given on
the command line counts before it.

What the recipes of all trainings share: where to start from, and how the steps are taken.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.settings import (
    check_ranges,
    find_settings,
    flag_name,
    read_toml,
    required_fields,
    setting,
    settings_names,
    validate_types,
)
from litmine.specs import TaskSpec, import_object


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """The settings of any training: a base, and AdamW with a learning rate that falls in a line."""

    name: str = setting("Name of the model.", unset="the folder's name")
    base: str = setting(
        "Encoder to start from: a folder of the BERT family in safetensors, one of our own models, a Hub id.",
        metavar="REF",
    )
    _: KW_ONLY
    batch_tokens: int = setting("Tokens a step, padding included; a few steps have up to a tenth more.", at_least=1)
    warmup: float = setting(
        "Share of the steps in which the learning rate rises to its peak.", 0.1, at_least=0, at_most=1
    )
    weight_decay: float = setting("Weight decay of AdamW.", 0.01, at_least=0)
    clip: float = setting("Norm that a gradient is cut to.", 1.0, above=0)
    dropout: float = setting(
        "Dropout of the hidden states and the heads' input; attention has none.", 0.1, at_least=0, at_most=0.9
    )
    seed: int = setting("Seed of all that is drawn: order, dropout, new layers.", 1, at_least=0)

    def __post_init__(self) -> None:
        check_ranges(self)
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} cannot name a model: no '@', no '/'")

    @property
    def base_name(self) -> str:
        """The base without the folders of this machine: models are published."""
        return Path(self.base).resolve().name if Path(self.base).is_dir() else self.base


@dataclass(frozen=True, slots=True)
class ModelRecipe(TrainingRecipe):
    """The settings of a training whose model is kept small for those who use it."""

    _: KW_ONLY
    vocabulary: int = setting("Keep only this many of the most frequent tokens; 0 keeps all.", 0, at_least=0)
    int8: bool = setting("Keep the weights in 8 bits.", False)


def recipe_names(spec: TaskSpec) -> list[str]:
    """The recipes that come with the task."""
    folder = _folder(spec)
    return settings_names(folder) if folder else []


def read_recipe(spec: TaskSpec, reference: str) -> dict[str, Any]:
    """The settings of a recipe of the task by its name, or of a file.

    Values have the types of the task's recipe; whether they make sense together is for that to say. Raises SettingError
    for a recipe that is not there, and for one with other settings or types.
    """
    file = find_settings(reference, _folder(spec), "recipe")
    kind, settings = import_object(spec.recipe), read_toml(file)
    former = getattr(kind, "former_names", {})
    if renamed := [f"{name}, now {former[name]}" for name in settings if name in former]:
        raise SettingError(f"{file} sets {', and '.join(renamed)}; rename these settings in the recipe")
    return validate_types(file, kind, settings, "recipe")


def make_recipe(spec: TaskSpec, settings: Mapping[str, Any]) -> Any:
    """The task's recipe with these settings (SettingError when one is missing, or values make no sense)."""
    kind = import_object(spec.recipe)
    if missing := [name for name in required_fields(kind) if not settings.get(name)]:
        flags = " and ".join(flag_name(kind, name) for name in missing)
        raise SettingError(f"the recipe does not say {' and '.join(missing)}; give {flags}, or set it in the recipe")
    return kind(**settings)


def _folder(spec: TaskSpec) -> Path | None:
    if not spec.recipes:
        return None
    module = import_module(spec.recipe.partition(":")[0])
    assert module.__file__ is not None
    return Path(module.__file__).parent / spec.recipes
