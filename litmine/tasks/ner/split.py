"""A tagger into a trunk, which other models may go on from, and a top; both together find what the whole did.

python -m litmine.tasks.ner.split FOLDER OUT [--layers 1] [--name NAME] [--reference REFERENCE]
"""

import argparse
import re
import shutil
from dataclasses import replace
from pathlib import Path

from litmine.errors import SettingError
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.trunk_split import split_encoder
from litmine.nn.weights import save_stored
from litmine.tasks.ner.settings import FIRST, TASK, Settings, identify

CARD = "README.md"
# Of the model's card what holds for the trunk, too.
_TERMS = re.compile(r"^## Data and its terms\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)

_TRUNK_CARD = """# {name}

The layers that several models share: embeddings, all layers but the last ones, and the tokenizer.
`{name}@{digest}`, out of `{whole}`.

It finds nothing by itself. A model that goes on from it names it, with its digest, and is loaded together with it. A
training may start from it (`--base`).

A window is {window} tokens; the windows of a longer text share at least {overlap}.

{terms}"""


def split(
    folder: Path, out: Path, layers: int = 1, name: str | None = None, reference: str | None = None
) -> tuple[Path, Path]:
    """Write `trunk` and `ner` to `out` from a tagger of ours, whose last `layers` are the top's own; returns both.

    `name` is the trunk's, `reference` what the top calls it: a built-in trunk, or a folder seen from its own. Raises
    SettingError for a model that cannot be split so, ModelError for a folder that holds no tagger.
    """
    settings = Settings.load(folder)
    if settings.decoding == FIRST:
        raise SettingError(f"{folder} reads in windows that are all full, which no trunk does; train the model again")
    trunk, top = out / "trunk", out / TASK
    of_trunk = TrunkSettings(name or f"{settings.name}-trunk", settings.window, settings.overlap)
    own, link = split_encoder(folder, trunk, of_trunk, reference or f"../{trunk.name}", layers)
    top.mkdir(parents=True, exist_ok=True)
    save_stored(own, top)
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
    told = card.read_text(encoding="utf-8") if card.is_file() else ""
    terms = _TERMS.search(told)
    written = _TRUNK_CARD.format(
        name=settings.name,
        digest=trunk_digest(trunk),
        whole=whole,
        window=settings.window,
        overlap=settings.overlap,
        terms=terms[0] if terms else "",
    )
    (trunk / CARD).write_text(written.rstrip() + "\n", encoding="utf-8")
    if told:
        # The parts are the whole; what it was told to be called is another thing.
        made = told.replace(whole, identify(top, top.name))
        (top / CARD).write_text(made, encoding="utf-8")


def main() -> None:
    """Split the model that the command line names."""
    about = __doc__ or ""
    parser = argparse.ArgumentParser(prog="python -m litmine.tasks.ner.split", description=about.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a tagger that litmine trained")
    parser.add_argument("out", type=Path, help="where the folders trunk and ner are written")
    parser.add_argument("--layers", type=int, default=1, help="layers that the tagger keeps for itself")
    parser.add_argument("--name", help="the trunk's name")
    parser.add_argument("--reference", help="what the tagger calls the trunk, if not its folder")
    given = parser.parse_args()
    for made in split(given.folder, given.out, given.layers, given.name, given.reference):
        print(made)


if __name__ == "__main__":
    main()
