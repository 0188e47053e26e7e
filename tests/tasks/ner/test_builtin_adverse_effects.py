"""The built-in tagger of adverse effects: small, on the built-in trunk, and it tells effects from indications."""

import json
import tomllib
from pathlib import Path

import pytest

from litmine.nn.references import builtin_folder
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.settings import TaggerSettings, identify
from litmine.tasks.ner.tagger import Tagger

FOLDER = builtin_folder("builtin").with_name("adverse-effects")


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return load_folder(FOLDER, "builtin-adverse-effects", precision="float32")


def test_the_folder_is_a_small_top_with_a_card() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4_000_000
    settings = TaggerSettings.load(FOLDER)
    assert settings.trunk is not None
    assert settings.trunk.reference == "builtin-trunk"
    assert [(head.name, head.default) for head in settings.heads] == [
        ("AdverseEffect", True),
        ("AdverseEffect (PHEE)", False),
    ]
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"`{identify(FOLDER, 'x')}`" in card
    scores = json.loads((FOLDER / "scores.json").read_text())
    assert {name: one["micro"]["f1"] > 60 for name, one in scores.items()} == {"ADE": True, "PHEE": True}


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("Methotrexate caused pancytopenia and hepatitis in a woman with psoriasis.", ["pancytopenia", "hepatitis"]),
        ("We report a case of clozapine-induced myocarditis in a patient with schizophrenia.", ["myocarditis"]),
        ("Blood pressure was measured every week.", []),
    ],
)
def test_it_finds_effects_and_not_what_a_drug_is_for(tagger: Tagger, text: str, effects: list[str]) -> None:
    assert tagger.entity_types == ["AdverseEffect"]
    assert [one.mention for one in tagger.annotate([text])[0]] == effects


def test_the_recipe_file_is_the_recipe_of_the_model() -> None:

    shipped = Path(__file__).parents[3] / "litmine" / "tasks" / "ner" / "recipes" / "adverse-effects.toml"
    recipe = tomllib.loads(shipped.read_text(encoding="utf-8"))
    stored = json.loads((FOLDER / "recipe.json").read_text())
    recipe["type_map"] = sorted(map(list, recipe["type_map"].items()))
    assert {name: stored[name] for name in recipe} == recipe
