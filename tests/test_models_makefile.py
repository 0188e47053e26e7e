"""`make models`: all recipes that ship, in an order in which each model is there before it is needed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from litmine.specs import spec_by_name
from litmine.training.recipe import recipe_names

REPOSITORY = Path(__file__).parents[1]
# Recipes for one's own models.
NOT_BUILT_IN = {"single", "biobert", "biobert-reader"}


def planned(models: Path) -> list[str]:
    """The trainings that `make models` would run, as task and recipe."""
    command = ["make", "--no-print-directory", "-n", "models", f"MODELS={models}"]
    # Without the options of a make that runs the tests.
    own = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    lines = subprocess.run(command, cwd=REPOSITORY, env=own, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^litmine train (\S+ --recipe \S+)", lines, re.MULTILINE)


def finish(models: Path, *names: str) -> None:
    """Put a card where a finished training leaves one."""
    for name in names:
        (models / name).mkdir(parents=True)
        (models / name / "README.md").touch()


@pytest.mark.parametrize("task", ["ner", "trials", "classification", "relations", "linking", "qa"])
def test_every_recipe_that_ships(tmp_path: Path, task: str) -> None:
    recipes = {line.rpartition(" ")[2] for line in planned(tmp_path) if line.startswith(f"{task} ")}
    # `builtin` of the tagger continues with `finish`.
    chained = {"finish"} if task == "ner" else set()
    assert recipes | chained == set(recipe_names(spec_by_name(task))) - NOT_BUILT_IN


def test_a_model_follows_those_that_it_needs(tmp_path: Path) -> None:
    order = planned(tmp_path)
    assert order[:3] == [f"ner --recipe {name}" for name in ("builtin", "upper-layers", "upper-layers-mean")]
    assert order.index("qa --recipe builtin-reader") < order.index("qa --recipe more-questions")


def test_the_command_continues_with_the_first_model_that_is_missing(tmp_path: Path) -> None:
    finish(tmp_path, "whole", "first/ner", "upper", "ner", "trials", "first-reader")
    left = planned(tmp_path)
    assert "ner --recipe builtin" not in left
    assert sorted(left) == [
        "classification --recipe builtin",
        "linking --recipe builtin-linker",
        "ner --recipe adverse-effects",
        "qa --recipe more-questions",
        "relations --recipe builtin",
    ]
