"""Which model a folder with a tagger holds, told without its weights."""

from pathlib import Path

from litmine.nn.references import is_own
from litmine.tasks.ner.settings import Settings, default_heads, tagger_digest
from litmine.text.tags import TagSet


def identify(folder: Path, name: str) -> str:
    """`name@digest`. Raises ModelError, OSError or ValueError for a folder that holds no tagger."""
    settings = _settings(folder, name)
    return f"{settings.name}@{tagger_digest(folder, settings, default_heads(settings))}"


def entity_types(folder: Path, name: str) -> tuple[str, ...]:
    """The types that the tagger's default heads find, by name. Raises as `identify`."""
    found = {kind for head in default_heads(_settings(folder, name)) for kind in TagSet(head.labels).entity_types}
    return tuple(sorted(found))


def _settings(folder: Path, name: str) -> Settings:
    if is_own(folder):
        return Settings.load(folder)
    # transformers takes seconds to import.
    from litmine.tasks.ner.folder import plain_settings

    return plain_settings(folder, name)
