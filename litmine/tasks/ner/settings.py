"""Which model a folder with a tagger holds, told without its weights.

What a model says of itself beside its weights: its heads, window and decoding, kept in `litmine.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_own
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, find_trunk
from litmine.text.tags import TagSet

# The `task` of a tagger's `litmine.json`; the first ones have none.
TASK = "ner"

# How logits become labels, a part of a model's digest: each word for itself, or those of a head along a chain; FIRST is
# the former from windows that are all full, as the first models read. Raised whenever the same weights would give other
# entities.
FIRST, CHAINED, ALONE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Head:
    """One choice for every word: its labels, and the guideline (corpora) it learnt from.

    `default` heads are those that `annotate` uses, one a type.
    """

    name: str
    labels: tuple[str, ...]
    default: bool = True
    corpora: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model reads: its heads in the order of its logits, and its window and overlap in tokens.

    `window` counts the special tokens; `overlap` is the least that two windows of one text share. `decoding` is ALONE,
    CHAINED or FIRST. `trunk`: what the model goes on from, if its encoder is not its own; window and overlap are then
    the trunk's.
    """

    name: str
    heads: tuple[Head, ...]
    window: int
    overlap: int
    decoding: int = ALONE
    trunk: TrunkLink | None = None

    def save(self, folder: Path) -> None:
        left_out = {"trunk"} if self.trunk is None else {"window", "overlap"}
        told = {"task": TASK} | {name: value for name, value in asdict(self).items() if name not in left_out}
        text = json.dumps(told, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Settings":
        """Raise ModelError when `litmine.json` is not what this version of litmine writes."""
        try:
            read = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
            read.pop("task", None)
            heads = tuple(
                Head(**{**head, "labels": tuple(head["labels"]), "corpora": tuple(head["corpora"])})
                for head in read.pop("heads")
            )
            trunk = TrunkLink.of(read)
            if trunk is not None:
                own = TrunkSettings.load(find_trunk(folder, trunk))
                read |= {"trunk": trunk, "window": own.window, "overlap": own.overlap}
            settings = cls(heads=heads, **read)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a litmine model's settings ({error}); train or copy the model again"
            ) from error
        if settings.decoding not in {FIRST, CHAINED, ALONE}:
            raise ModelError(
                f"the model in {folder} needs decoding version {settings.decoding} and this litmine has"
                f" {FIRST} to {ALONE}; install the litmine it was made with"
            )
        if settings.decoding == CHAINED and any(len(head.labels) != 3 for head in settings.heads):
            raise ModelError(
                f"{folder / SETTINGS_FILE} chains heads that are not outside, beginning and inside; train or copy the"
                " model again"
            )
        return settings


def default_heads(settings: Settings) -> list[Head]:
    """The heads that `annotate` uses."""
    return [head for head in settings.heads if head.default]


def tagger_digest(folder: Path, settings: Settings, heads: Sequence[Head]) -> str:
    """Over weights, tokenizer or trunk, the labels of the heads used, window, overlap and decoding.

    Raises ValueError without weights.
    """
    labels = [[head.name, head.labels] for head in heads]
    trunk = [] if settings.trunk is None else settings.trunk.decisive
    return folder_digest(folder, [labels, settings.window, settings.overlap, settings.decoding, *trunk])


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
