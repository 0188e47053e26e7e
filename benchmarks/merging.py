"""One model from many corpora beside a model from each of them, and beside files merged as they are: F1 on dev.

    python benchmarks/merging.py --recipe FILE|NAME --corpus PATH ... --output DIR [--base REF] [--epochs N]
                                 [--json FILE]

All models follow one recipe; only the corpora differ, and what a corpus does not annotate: no loss in the merged model,
a negative in the naive union. Every corpus is judged by the heads that learnt from it. A model that is already in the
output folder is not trained again, so a run that was stopped goes on.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from litmine.corpora.corpus import corpus_files
from litmine.specs import spec_named
from litmine.tasks.ner.make import SCORES_FILE, make_model
from litmine.tasks.ner.recipe import Recipe
from litmine.training.recipe import make_recipe, read_recipe

# By model and corpus: F1 by type.
F1 = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Train what is not there yet, print the table, and write the figures if asked."""
    options = _options()
    recipe = _recipe(options)
    separate = tuple(name for name in recipe.separate_heads if name in {_name(one) for one in recipe.corpora})
    models = {
        "merged": replace(recipe, separate_heads=separate),
        "naive union": replace(recipe, separate_heads=(), naive_union=True),
    }
    models |= {f"{_name(one)} alone": replace(recipe, corpora=(one,), separate_heads=()) for one in recipe.corpora}
    started = time.monotonic()
    f1: F1 = {name: _train(name, own, options.output / name.replace(" ", "-")) for name, own in models.items()}
    print(_table(f1))
    if options.json:
        figures: dict[str, Any] = {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "recipe": {key: value for key, value in vars(options).items() if key in {"recipe", "epochs"}},
            "minutes": round((time.monotonic() - started) / 60),
            "f1": f1,
        }
        options.json.write_text(json.dumps(figures, indent=2, default=str) + "\n", encoding="utf-8")


def _train(name: str, recipe: Recipe, folder: Path) -> dict[str, dict[str, float]]:
    """F1 of a model on each of its corpora's dev splits, by type; it is trained unless it is there."""
    scores = folder / SCORES_FILE
    if not scores.is_file():
        make_model(replace(recipe, name=folder.name), folder, lambda line: print(f"{name}: {line}", flush=True))
    read: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(scores.read_text(encoding="utf-8"))
    return {
        corpus: {kind: round(figures["f1"], 2) for kind, figures in kinds.items() if kind != "micro" or len(kinds) > 2}
        for corpus, kinds in read.items()
    }


def _table(f1: F1) -> str:
    """A row for each corpus and type."""
    rows = ["| corpus (dev) | type | alone | merged | naive union |", "|---|---|---|---|---|"]
    for corpus, kinds in f1["merged"].items():
        for kind in kinds:
            shown = (f1[model][corpus][kind] for model in (f"{corpus} alone", "merged", "naive union"))
            rows.append(f"| {corpus} | {kind} | " + " | ".join(f"{figure:.1f}" for figure in shown) + " |")
    return "\n".join(rows)


def _name(reference: str) -> str:
    return corpus_files(reference, "train")[0]


def _recipe(options: argparse.Namespace) -> Recipe:
    spec = spec_named("ner")
    settings: dict[str, Any] = {"name": "merging", **read_recipe(spec, options.recipe)}
    given = {"corpora": tuple(options.corpus), "base": options.base, "epochs": options.epochs}
    plain = {"unlabelled": None, "vocabulary": 0, "then": ""}
    recipe: Recipe = make_recipe(spec, settings | plain | {k: v for k, v in given.items() if v})
    return recipe


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="builtin", help="a committed recipe's name, or a TOML file")
    parser.add_argument("--corpus", action="append", default=[], help="a corpus by name or path; several times")
    parser.add_argument("--base", help="the encoder to start from")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--output", type=Path, required=True, help="folder of the models")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
