"""Which models the views show: each type from one model, whoever read the lake in whichever order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake.active_models import activate, active_types, name_of
from litmine.lake.paths import TABLES
from litmine.lake.runs import ActiveModel, Run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("Chemical", "Disease", "Gene", "Species")
# What each version of each model gives.
MODELS = {
    f"{name}@{version}": types
    for name, types in {"all": TYPES, "two": TYPES[:2], "one": TYPES[1:2], "last": TYPES[2:]}.items()
    for version in (1, 2)
}


def gives(one: ActiveModel) -> tuple[str, ...]:
    return MODELS[one.model]


def shown(active: list[ActiveModel]) -> dict[str, str]:
    """The model of each type; fails where a type is shown of two."""
    pairs = [(kind, one.model) for one in active for kind in active_types(one, gives)]
    assert len(dict(pairs)) == len(pairs), active
    return dict(pairs)


def taken(before: list[ActiveModel], *models: str) -> list[ActiveModel]:
    return activate(before, [ActiveModel("ner", model) for model in models], gives)


def test_term_lists_are_active_beside_the_models_that_share_out_types() -> None:
    lists = {"watch@1", "watch@2", "other@1"}

    def add(before: list[ActiveModel], *models: str) -> list[ActiveModel]:
        return activate(before, [ActiveModel("ner", model) for model in models], gives, lists)

    active = add([], "all@1", "watch@1")
    assert active == [ActiveModel("ner", "all@1"), ActiveModel("ner", "watch@1")]
    assert add(active, "watch@1") == active
    active = add(active, "other@1", "two@1")
    names = [("all@1", ("Gene", "Species")), ("two@1", None), ("watch@1", None), ("other@1", None)]
    assert [(one.model, one.types) for one in active] == names
    # A new version takes the place of the older one, and keeps the types that somebody chose for it.
    chosen = [ActiveModel("ner", "watch@1", types=("Gene",)) if one.model == "watch@1" else one for one in active]
    assert [(one.model, one.types) for one in add(chosen, "watch@2")] == [*names[:2], ("watch@2", ("Gene",)), names[3]]


def test_a_list_and_a_network_of_one_name_are_two_models() -> None:
    active = activate([ActiveModel("ner", "all@1")], [ActiveModel("ner", "all@9")], gives, {"all@9"})
    assert [one.model for one in active] == ["all@1", "all@9"]


@given(st.lists(st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=3, unique=True), max_size=8))
def test_every_type_is_shown_from_one_model_and_none_is_lost(runs: list[list[str]]) -> None:
    active: list[ActiveModel] = []
    for models in runs:
        before, known = shown(active), {one.model for one in active}
        active = taken(active, *models)
        now = shown(active)
        assert set(now) == set(before) | {kind for model in models for kind in MODELS[model]}
        if set(models) <= known:
            assert now == before
        # What no model of the run gives is shown as before, or of a newer version of the same model.
        of_the_run = {kind for model in models for kind in MODELS[model]}
        assert all(name_of(now[kind]) == name_of(model) for kind, model in before.items() if kind not in of_the_run)


def test_a_new_model_takes_over_what_it_finds() -> None:
    active = taken([ActiveModel("ner", "all@1")], "one@1")
    assert shown(active) == {"Chemical": "all@1", "Disease": "one@1", "Gene": "all@1", "Species": "all@1"}
    # A model that is shown already takes nothing back, night after night.
    assert taken(active, "all@1") == active
    assert taken(active, "all@1", "one@1") == active
    assert shown(taken(active, "all@1", "two@1")) == {**shown(active), "Chemical": "two@1", "Disease": "two@1"}


def test_a_new_version_takes_the_place_of_the_older_one() -> None:
    active = taken(taken([ActiveModel("ner", "all@1")], "one@1"), "all@2")
    assert shown(active) == {"Chemical": "all@2", "Disease": "one@1", "Gene": "all@2", "Species": "all@2"}
    assert taken([ActiveModel("ner", "all@1")], "all@2") == [ActiveModel("ner", "all@2")]


def types_of(found: dict[str, str]) -> Callable[[ActiveModel], list[str]]:
    """All types of each model, from their first letters."""
    names = {kind[0]: kind for kind in TYPES}
    return lambda one: [names[letter] for letter in found[one.model]]


def test_a_new_version_shows_the_types_that_somebody_chose_for_the_older_one() -> None:
    before = [ActiveModel("ner", "m@1", types=("Chemical",)), ActiveModel("ner", "x@1")]
    found = types_of({"m@1": "CDG", "x@1": "S", "m@2": "CDGS"})
    assert activate(before, [ActiveModel("ner", "m@2")], found) == [
        ActiveModel("ner", "m@2", types=("Chemical",)),
        ActiveModel("ner", "x@1"),
    ]
    # A type that the older version did not find was hidden by nobody.
    found = types_of({"m@1": "CD", "x@1": "S", "m@2": "CDGS"})
    assert activate(before, [ActiveModel("ner", "m@2")], found) == [
        ActiveModel("ner", "m@2", types=("Chemical", "Gene")),
        ActiveModel("ner", "x@1"),
    ]


def test_a_type_that_a_new_version_lacks_goes_back_to_a_model_that_finds_it() -> None:
    found = types_of({"all@1": "CDGS", "m@1": "CD", "m@2": "C", "none@1": "D", "none@2": ""})
    before = activate([ActiveModel("ner", "all@1")], [ActiveModel("ner", "m@1")], found)
    assert before == [ActiveModel("ner", "all@1", types=("Gene", "Species")), ActiveModel("ner", "m@1")]
    assert activate(before, [ActiveModel("ner", "m@2")], found) == [
        ActiveModel("ner", "all@1", types=("Disease", "Gene", "Species")),
        ActiveModel("ner", "m@2"),
    ]
    # Nobody else finds it, or the new version finds nothing.
    assert activate([ActiveModel("ner", "m@1")], [ActiveModel("ner", "m@2")], found) == [ActiveModel("ner", "m@2")]
    assert activate([ActiveModel("ner", "none@1")], [ActiveModel("ner", "none@2")], found) == [
        ActiveModel("ner", "none@2")
    ]


def test_the_latest_run_with_active_models_decides(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    assert lake.active_models() == []

    def run(number: int, *active: ActiveModel) -> None:
        when = NOW + timedelta(minutes=number)
        lake.record_run(Run(f"r{number}", "annotate", when, when, "done", active=active or None))

    run(1, ActiveModel("ner", "all@1"))
    run(3, ActiveModel("ner", "all@1", types=("Gene",)), ActiveModel("ner", "one@1"))
    run(2, ActiveModel("ner", "last@1"))
    run(4)
    assert lake.active_models() == [ActiveModel("ner", "all@1", types=("Gene",)), ActiveModel("ner", "one@1")]
    assert lake.rows("select model, types from active_models order by model") == [("all@1", ["Gene"]), ("one@1", None)]


def test_parts_are_the_first_table_and_the_others_are_sorted() -> None:
    assert TABLES[0] == "articles"
    assert list(TABLES[1:]) == sorted(TABLES[1:])


@pytest.mark.parametrize("model", ["all@1", "org/name@1", "a:b@1"])
def test_names_of_models(model: str) -> None:
    assert f"{name_of(model)}@1" == model
