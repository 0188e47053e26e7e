"""F1 on dev of one model from many corpora, of a model from each corpus, and of a naive union of the corpora.

    python benchmarks/merging.py --recipe FILE|NAME --corpus PATH ... --output DIR [--base REF] [--epochs N]
                                 [--json FILE]

All models follow one recipe. They differ in the corpora, and in types that a corpus does not annotate: these cause no
loss in the merged model, and count as negatives in the naive union. Each corpus is judged by the heads trained on it. A
model in the output folder is not trained again, so an interrupted run continues.
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
from litmine.specs import spec_by_name
from litmine.tasks.ner.make import SCORES_FILE, make_model
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.training.recipe import make_recipe, read_recipe

# F1 by model, corpus and type.
F1 = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Train the missing models, print the table, and optionally write the figures."""
    options = _options()
    recipe = _recipe(options)
    separate = tuple(name for name in recipe.separate_heads if name in {_name(corpus) for corpus in recipe.corpora})
    models = {
        "merged": replace(recipe, separate_heads=separate),
        "naive union": replace(recipe, separate_heads=(), naive_union=True),
    }
    models |= {
        f"{_name(corpus)} alone": replace(recipe, corpora=(corpus,), separate_heads=()) for corpus in recipe.corpora
    }
    started = time.monotonic()
    f1: F1 = {
        name: _train(name, settings, options.output / name.replace(" ", "-")) for name, settings in models.items()
    }
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


def _train(name: str, recipe: TaggerRecipe, folder: Path) -> dict[str, dict[str, float]]:
    """Train the model unless it exists; F1 on the dev split of each of its corpora, by type."""
    scores = folder / SCORES_FILE
    if not scores.is_file():
        make_model(replace(recipe, name=folder.name), folder, lambda line: print(f"{name}: {line}", flush=True))
    read: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(scores.read_text(encoding="utf-8"))
    return {
        corpus: {kind: round(figures["f1"], 2) for kind, figures in kinds.items() if kind != "micro" or len(kinds) > 2}
        for corpus, kinds in read.items()
    }


def _table(f1: F1) -> str:
    """Markdown table with a row for each corpus and type."""
    rows = ["| corpus (dev) | type | alone | merged | naive union |", "|---|---|---|---|---|"]
    for corpus, kinds in f1["merged"].items():
        for kind in kinds:
            shown = (f1[model][corpus][kind] for model in (f"{corpus} alone", "merged", "naive union"))
            rows.append(f"| {corpus} | {kind} | " + " | ".join(f"{figure:.1f}" for figure in shown) + " |")
    return "\n".join(rows)


def _name(reference: str) -> str:
    return corpus_files(reference, "train")[0]


def _recipe(options: argparse.Namespace) -> TaggerRecipe:
    spec = spec_by_name("ner")
    settings: dict[str, Any] = {"name": "merging", **read_recipe(spec, options.recipe)}
    overrides = {"corpora": tuple(options.corpus), "base": options.base, "epochs": options.epochs}
    plain = {"unlabelled": None, "vocabulary": 0, "then": ""}
    recipe: TaggerRecipe = make_recipe(spec, settings | plain | {k: v for k, v in overrides.items() if v})
    return recipe


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="builtin", help="a committed recipe's name, or a TOML file")
    parser.add_argument("--corpus", action="append", default=[], help="name or path of a corpus; may be repeated")
    parser.add_argument("--base", help="the encoder to start from")
    parser.add_argument("--epochs", type=int, help="number of epochs, in place of the recipe's")
    parser.add_argument("--output", type=Path, required=True, help="folder for the models")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
