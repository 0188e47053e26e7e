"""Folders by model: `<table>/model=<name@digest>/`, where what a file name cannot hold is percent-encoded."""

from urllib.parse import quote, unquote

from litmine.lake.place import Place
from litmine.lake.tables import EMPTY

_PREFIX = "model="


def folder_of(table: Place, model: str) -> Place:
    """The folder of a model (name@digest) in that of a table."""
    return table / f"{_PREFIX}{quote(model, safe='@')}"


def models_in(table: Place) -> list[str]:
    """The models that have at least one file in a table's folder, by name."""
    found = {path.parent.name for path in table.glob(f"{_PREFIX}*/*.parquet") if path.name != EMPTY}
    return sorted(unquote(name.removeprefix(_PREFIX)) for name in found)
