"""Training recipes: the settings that all trainings share, and recipe files in TOML.

A recipe file is named by its path, or by its name if it is shipped with a task. It sets fields of the task's recipe
dataclass, and a list of dataclasses as tables `[[name]]`. Flags of the command line override it.
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
    """The settings of any training: a base, and AdamW with linear warm-up and decay of the learning rate."""

    name: str = setting("Name of the model.", unset="the output folder's name")
    base: str = setting(
        "Encoder to start from: a folder with a BERT-family encoder in safetensors, a litmine model, or a Hugging Face"
        " Hub id.",
        metavar="REF",
    )
    _: KW_ONLY
    batch_tokens: int = setting("Tokens per step, with padding; a few steps have up to 10 % more.", at_least=1)
    warmup: float = setting(
        "Share of the steps during which the learning rate rises to its peak.", 0.1, at_least=0, at_most=1
    )
    weight_decay: float = setting("Weight decay of AdamW.", 0.01, at_least=0)
    clip: float = setting("Maximum norm of the gradient; larger ones are scaled down.", 1.0, above=0)
    dropout: float = setting(
        "Dropout of the hidden states and the heads' input. Attention has no dropout.", 0.1, at_least=0, at_most=0.9
    )
    seed: int = setting("Random seed of batch order, dropout and new layers.", 1, at_least=0)

    def __post_init__(self) -> None:
        check_ranges(self)
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} is not a valid model name; use a name without '@' and '/'")

    @property
    def base_name(self) -> str:
        """The base without its parent folders, because models are published."""
        return Path(self.base).resolve().name if Path(self.base).is_dir() else self.base


@dataclass(frozen=True, slots=True)
class ModelRecipe(TrainingRecipe):
    """The settings of a training, with those that make the model smaller."""

    _: KW_ONLY
    vocabulary: int = setting("Keep only this many tokens, the most frequent ones; 0 keeps all.", 0, at_least=0)
    int8: bool = setting("Store the weights in 8 bits.", False)


def recipe_names(spec: TaskSpec) -> list[str]:
    """The names of the recipes that are shipped with the task."""
    folder = _folder(spec)
    return settings_names(folder) if folder else []


def read_recipe(spec: TaskSpec, reference: str) -> dict[str, Any]:
    """Read the settings of a recipe, by name or path, with the types of the task's recipe dataclass.

    Ranges and combinations are checked later, by the dataclass. Raises SettingError for a missing recipe, an unknown
    setting and a wrong type.
    """
    file = find_settings(reference, _folder(spec), "recipe")
    kind, settings = import_object(spec.recipe), read_toml(file)
    former_names = getattr(kind, "former_names", {})
    if renamed := [f"{name} (now {former_names[name]})" for name in settings if name in former_names]:
        raise SettingError(f"{file} sets {', '.join(renamed)}; rename these settings in the recipe")
    return validate_types(file, kind, settings, "recipe")


def make_recipe(spec: TaskSpec, settings: Mapping[str, Any]) -> Any:
    """The task's recipe with these settings. Raises SettingError for a missing setting and for invalid values."""
    kind = import_object(spec.recipe)
    if missing := [name for name in required_fields(kind) if not settings.get(name)]:
        flags = " and ".join(flag_name(kind, name) for name in missing)
        raise SettingError(f"the recipe does not set {' and '.join(missing)}; use {flags}, or add it to the recipe")
    return kind(**settings)


def _folder(spec: TaskSpec) -> Path | None:
    """The folder of the task's recipes; None without recipes."""
    if not spec.recipes:
        return None
    module = import_module(spec.recipe.partition(":")[0])
    assert module.__file__ is not None
    return Path(module.__file__).parent / spec.recipes
