"""Split a tagger into a trunk, which other models can share, and a top. Together they find the same entities.

python -m litmine.tasks.ner.split_tagger FOLDER OUT [--layers 1] [--name NAME] [--reference REFERENCE]
"""

import argparse
import re
import shutil
from dataclasses import replace
from pathlib import Path

from litmine.errors import SettingError
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.trunk_split import split_encoder
from litmine.nn.weights import save_stored_weights
from litmine.tasks.ner.settings import PER_WORD_FULL_WINDOWS, TASK, TaggerSettings, identify

CARD = "README.md"
# The section of the model's card that also applies to the trunk.
_TERMS = re.compile(r"^## Data and its terms\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)

_TRUNK_CARD = """# {name}

The tokenizer, embeddings and lower encoder layers that several models share. `{name}@{digest}`, split from `{whole}`.

A trunk finds no entities by itself. Each model on top of it names the trunk and its digest, and litmine loads both
together. Training can also start from a trunk (`--base`).

A window has {window} tokens; consecutive windows of a longer text overlap by at least {overlap} tokens.

{terms}"""


def split_tagger(
    folder: Path, out: Path, layers: int = 1, name: str | None = None, reference: str | None = None
) -> tuple[Path, Path]:
    """Split a litmine tagger into the folders `trunk` and `ner` under `out`; returns both.

    The top (`ner`) keeps the last `layers` of the encoder. `name` is the trunk's name. `reference` is the name by which
    the top refers to it: a built-in trunk, or a path relative to the top's folder. Raises SettingError for a model that
    cannot be split this way, and ModelError for a folder without a tagger.
    """
    settings = TaggerSettings.load(folder)
    if settings.decoding == PER_WORD_FULL_WINDOWS:
        raise SettingError(f"{folder} needs full-size windows, which a trunk does not support; train the model again")
    trunk, top = out / "trunk", out / TASK
    trunk_settings = TrunkSettings(name or f"{settings.name}-trunk", settings.window, settings.overlap)
    top_weights, link = split_encoder(folder, trunk, trunk_settings, reference or f"../{trunk.name}", layers)
    top.mkdir(parents=True, exist_ok=True)
    save_stored_weights(top_weights, top)
    replace(settings, trunk=link).save(top)
    for file in (CARD, "scores.json", "recipe.json"):
        if (folder / file).is_file():
            shutil.copyfile(folder / file, top / file)
    _write_cards(folder, trunk, top)
    return trunk, top


def _write_cards(folder: Path, trunk: Path, top: Path) -> None:
    whole = identify(folder, folder.name)
    settings = TrunkSettings.load(trunk)
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    terms = _TERMS.search(text)
    trunk_card = _TRUNK_CARD.format(
        name=settings.name,
        digest=trunk_digest(trunk),
        whole=whole,
        window=settings.window,
        overlap=settings.overlap,
        terms=terms[0] if terms else "",
    )
    (trunk / CARD).write_text(trunk_card.rstrip() + "\n", encoding="utf-8")
    if text:
        # Trunk and top together have another digest than the whole model.
        (top / CARD).write_text(text.replace(whole, identify(top, top.name)), encoding="utf-8")


def main() -> None:
    """Run the command line."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m litmine.tasks.ner.split_tagger", description=description)
    parser.add_argument("folder", type=Path, help="folder of a tagger that litmine trained")
    parser.add_argument("out", type=Path, help="output folder; gets the folders trunk and ner")
    parser.add_argument(
        "--layers", type=int, default=1, help="number of last layers that go into the top (default: %(default)s)"
    )
    parser.add_argument("--name", help="name of the trunk (default: the tagger's name with -trunk)")
    parser.add_argument("--reference", help="how the top refers to the trunk (default: its folder)")
    options = parser.parse_args()
    for folder in split_tagger(options.folder, options.out, options.layers, options.name, options.reference):
        print(folder)


if __name__ == "__main__":
    main()
