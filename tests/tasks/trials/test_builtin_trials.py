"""The built-in model of trials: small, on the built-in trunk, with all guidelines."""

import json
import tomllib
from pathlib import Path

import pytest

from litmine.nn.references import builtin_folder
from litmine.tasks.ner.settings import TaggerSettings
from litmine.tasks.registry import identify, load_task_model
from litmine.tasks.trials.trial_model import TrialModel

FOLDER = builtin_folder("builtin-trials")
TEXT = (
    "Letrozole versus tamoxifen in postmenopausal women with advanced breast cancer: a randomized, double-blind phase"
    " III trial. METHODS: A total of 907 women were randomly assigned to letrozole (453) or tamoxifen (454). RESULTS:"
    " Time to progression was longer with letrozole (9.4 months) than with tamoxifen (6.0 months). ISRCTN12345678."
)


@pytest.fixture(scope="module")
def model() -> TrialModel:
    loaded: TrialModel = load_task_model("builtin-trials", "trials", precision="float32")
    return loaded


def test_the_folder_is_a_small_top_with_a_card() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 1_900_000
    settings = TaggerSettings.load(FOLDER)
    assert settings.trunk is not None
    assert (settings.trunk.reference, settings.trunk.layers, settings.trunk.after) == ("builtin-trunk", 1, None)
    assert {corpus for head in settings.heads for corpus in head.corpora} == {
        "EBM-NLP",
        "PICO-sections",
        "EvidenceOutcomes",
        "PICO-Corpus",
    }
    assert len(settings.heads) == 34
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"`{identify('builtin-trials')}`" in card
    assert "MIT" in card


def test_what_it_finds_in_an_abstract(model: TrialModel) -> None:
    (found,) = model.extract([TEXT])
    assert all(TEXT[one.start_char : one.end_char] == one.mention for one in found)
    assert [one.number for one in found if one.element == "total-participants"] == [907]
    assert {one.value for one in found if one.guideline == "rules"} >= {"randomised", "double", "3", "ISRCTN12345678"}
    population = [one.mention for one in found if (one.element, one.guideline) == ("Population", "EBM-NLP")]
    assert any("women with advanced breast cancer" in mention for mention in population)


def test_a_text_without_words_has_no_mention(model: TrialModel) -> None:
    assert model.extract(["", "…"]) == [[], []]


def test_the_recipe_file_is_the_recipe_of_the_model() -> None:
    shipped = Path(__file__).parents[3] / "litmine" / "tasks" / "trials" / "recipes" / "builtin.toml"
    recipe = tomllib.loads(shipped.read_text(encoding="utf-8"))
    stored = json.loads((FOLDER / "recipe.json").read_text())
    recipe["type_map"] = sorted(map(list, recipe["type_map"].items()))
    assert {name: sorted(stored[name]) if name == "type_map" else stored[name] for name in recipe} == recipe
