"""Settings of models with odd values are read, or give one sentence: a property of every reader of settings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import ModelError
from litmine.nn.trunk_folder import TrunkSettings
from litmine.tasks.linking.settings import LinkerSettings
from litmine.tasks.ner.settings import TaggerSettings
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.relations.marked.settings import EXAMPLE, MarkedSettings
from litmine.tasks.relations.settings import RelationSettings

MODELS = Path(__file__).parent.parent.parent / "litmine" / "models" / "builtin"
READERS: dict[str, tuple[Callable[[], str], Callable[[Path], object]]] = {
    "trunk": ((MODELS / "trunk" / "litmine.json").read_text, TrunkSettings.load),
    "tagger": ((MODELS / "ner" / "litmine.json").read_text, TaggerSettings.load),
    "reader": ((MODELS / "qa" / "litmine.json").read_text, ReaderSettings.load),
    "linker": ((MODELS / "linking" / "litmine.json").read_text, LinkerSettings.load),
    "relations": ((MODELS / "relations" / "litmine.json").read_text, RelationSettings.load),
    "marked pairs": (lambda: json.dumps(_marked()), lambda folder: MarkedSettings.load(folder, "mine")),
}
ODD = st.one_of(
    st.sampled_from([None, True, -1, 0, 10**400, 2**31, 1e300, float("nan"), float("inf"), "", "\0", "n" * 5000]),
    st.sampled_from([[], {}, [[]], [None], {"a": 1}, [1, 2, 3], "../../x", "a/b", "\ud800", "\u202e", [["a"]]]),
    st.text(max_size=5),
    st.integers(),
)


def _marked() -> Any:
    return EXAMPLE if isinstance(EXAMPLE, dict) else json.loads(EXAMPLE)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The document with another value at a path; `...` as the new value leaves the key out."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        changed = {name: item for name, item in value.items() if name != key or rest or new is not ...}
        return changed | ({key: replaced(value[key], tuple(rest), new)} if rest or new is not ... else {})
    items = [replaced(item, tuple(rest), new) if i == key else item for i, item in enumerate(value)]
    return [item for item in items if item is not ...]


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_any_settings_are_read_or_refused(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, load = READERS[kind]
    document = json.loads(text())
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places(document)))
        document = replaced(document, path, data.draw(st.one_of(ODD, st.just(...))) if path else data.draw(ODD))
    folder = tmp_path_factory.mktemp("settings")
    name = "relations.json" if kind == "marked pairs" else "litmine.json"
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    try:
        settings = load(folder)
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- most settings are still valid
        assert len(str(error)) < 2_000  # noqa: PT017
    else:
        assert repr(settings)


def test_the_builtin_settings_are_read() -> None:
    for folder, load in (("ner", TaggerSettings), ("qa", ReaderSettings), ("relations", RelationSettings)):
        assert load.load(MODELS / folder)
