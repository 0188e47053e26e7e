"""The views of `schemas/*.sql`, one by one: what each shows, and which others it is made of."""

import re
from collections.abc import Collection
from functools import cache

from litmine.resources import packaged_path
from litmine.specs import TASKS

_BEGINNING = re.compile(r"-- (?P<name>\w+): (?P<sentence>.+)\nCREATE VIEW (?P=name) ")


def sentences() -> dict[str, str]:
    """Each view's name and the sentence that says what it shows: those of every lake, then those of each task."""
    return {name: sentence for name, (sentence, _) in _views().items()}


def statements(names: Collection[str] | None = None) -> str:
    """What makes the views of these names and those that they read, or all views; an unknown name is passed over."""
    views = _views()
    wanted = set(views if names is None else names)
    # A view reads from those before it only.
    for name, (_, text) in reversed(views.items()):
        if name in wanted:
            wanted.update(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", text))
    return "\n".join(text for name, (_, text) in views.items() if name in wanted)


def statement(name: str) -> str:
    """What makes this view alone, over whatever stands behind the names that it reads."""
    return _views()[name][1]


@cache
def _views() -> dict[str, tuple[str, str]]:
    """Each view's sentence and statement; blank lines stand between them."""
    found = {}
    files = ["views.sql", *(f"{spec.table}.sql" for spec in TASKS)]
    texts = "\n\n".join(packaged_path(f"schemas/{name}").read_text(encoding="utf-8").strip() for name in files)
    for text in texts.split("\n\n"):
        if beginning := _BEGINNING.match(text):
            found[beginning["name"]] = beginning["sentence"], text
    return found
