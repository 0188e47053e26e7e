"""Sentences that the model cards of several tasks share: what the base learnt before, and how long a training took."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litmine.nn.references import is_litmine_model, locate

# Below this many seconds a duration is given in seconds.
_SHORT_SECONDS = 120


def format_duration(seconds: float) -> str:
    """`45 seconds` or `7 minutes`."""
    if seconds < _SHORT_SECONDS:
        return counted(round(seconds), "seconds")
    return counted(round(seconds / 60), "minutes")


def counted(number: int, plural: str) -> str:
    """`counted(1, "steps")` is `1 step`, and `counted(1200, "steps")` is `1,200 steps`."""
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"


def base_data(ref: str) -> list[str] | None:
    """The names of the corpora or files that a litmine base was trained on, as its recipe lists them.

    Empty if the recipe is missing; None for a base that litmine did not train. Raises ModelError when the base is not
    on this machine.
    """
    folder, _ = locate(ref)
    if not is_litmine_model(folder):
        return None
    try:
        recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return list(dict.fromkeys(_data_names(recipe)))


def file_name(path: str | Path) -> str:
    """The name of a corpus or a file of questions: that of its path, without `.gz` and what stands before it."""
    return Path(Path(path).name.removesuffix(".gz")).stem


def describe_base_data(ref: str, name: str, used: list[str], task: str) -> str:
    """A paragraph on what the base has seen before, with a blank line before it; empty if litmine did not train it.

    name: the base as the card names it. used: the names of the corpora or files of this training and its scores.
    """
    data = base_data(ref)
    if data is None:
        return ""
    shared = [one for one in used if one in data]
    learnt = f"on {', '.join(data)}" if data else "by litmine; see its card for the data"
    again = f" {', '.join(shared)} {'is' if len(shared) == 1 else 'are'} used here again." if shared else ""
    return (
        f"\n\nThe base `{name}` was trained before, {learnt}.{again} Texts of that data are not new to this model,"
        " under whatever name they are used here, so the scores do not show what this training added; compare them with"
        f" those of `litmine evaluate {task}` for `{name}` on the same files."
    )


def _data_names(recipe: Any) -> Iterator[str]:
    """The names under `corpora` and `data` of a recipe, of its stages and of the recipe before it."""
    if not isinstance(recipe, dict):
        return
    for key in ("corpora", "data"):
        values = recipe.get(key)
        yield from (file_name(value) for value in values if isinstance(value, str)) if isinstance(values, list) else ()
    stages = recipe.get("stages")
    for inner in (recipe.get("first"), *(stages if isinstance(stages, list) else ())):
        yield from _data_names(inner)
