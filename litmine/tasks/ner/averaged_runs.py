"""Average the weights of several trainings of one recipe ("model soups", Wortsman et al. 2022)."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from litmine.nn.loading import TOKENIZER_FILE
from litmine.nn.weights import load_weights, save_weights
from litmine.tasks.ner.recipe import RECIPE_FILE, TaggerRecipe
from litmine.tasks.ner.settings import TaggerSettings
from litmine.training.checkpoint import model_write_errors
from litmine.training.progress import LOSS_FILE
from litmine.training.trunk_top import find_base_trunk


def average_runs(runs: Sequence[Path], folder: Path, recipe: TaggerRecipe) -> None:
    """Write the model with the mean weights of the folders `runs`, which have the same heads and layers.

    The losses are those of all runs, one after another. Raises ModelError for a folder that cannot be written.
    """
    settings = TaggerSettings.load(runs[0])
    if settings.trunk is not None:
        link = find_base_trunk(recipe.base).link(folder, recipe.top_layers, recipe.top_after)
        settings = replace(settings, trunk=link)
    weights = [load_weights(run) for run in runs]
    mean = {name: torch.stack([one[name] for one in weights]).mean(0) for name in weights[0]}
    with model_write_errors(folder):
        save_weights(mean, folder, recipe.int8)
        settings.save(folder)
        recipe.save(folder / RECIPE_FILE)
        for name in ("config.json", TOKENIZER_FILE):
            if (runs[0] / name).is_file():
                shutil.copyfile(runs[0] / name, folder / name)
        header, *_ = (runs[0] / LOSS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [line for run in runs for line in (run / LOSS_FILE).read_text(encoding="utf-8").splitlines(True)[1:]]
        (folder / LOSS_FILE).write_text(header + "".join(lines), encoding="utf-8")
