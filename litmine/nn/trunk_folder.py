"""Folders of trunks, and what a model on a trunk says of it; all without loading weights.

A trunk is a folder in the Hugging Face layout with a `litmine.json` of its own. A model on it, a top, has a folder with
its own layers and heads, whose `litmine.json` names the trunk and the digest that it learnt on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, TRUNK, builtin_folder, described, folder_digest, is_builtin, is_own


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """How a trunk reads: tokens of a window, special ones included, and the least that two windows share."""

    name: str
    window: int
    overlap: int

    def save(self, folder: Path) -> None:
        text = json.dumps({"task": TRUNK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrunkSettings":
        """Raise ModelError when the folder holds no trunk."""
        told = described(folder)
        try:
            if told.pop("task") != TRUNK:
                raise KeyError("task")
            return cls(**told)
        except (KeyError, TypeError) as error:
            raise ModelError(f"{folder} does not hold a trunk that this litmine knows; copy it again") from error


@dataclass(frozen=True, slots=True)
class TrunkLink:
    """What a top says of its trunk: a built-in one's name or a folder seen from the top's, its digest.

    `layers`: how many layers the top has of its own. `after`: how many of the trunk's it goes on from, None for all.
    """

    reference: str
    digest: str
    layers: int
    after: int | None = None

    @property
    def decisive(self) -> list[object]:
        """What of it is a part of the top's digest."""
        return [self.digest] if self.after is None else [self.digest, self.after]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "TrunkLink | None":
        """That of a `litmine.json`; None for a model with an encoder of its own. Raises ValueError."""
        link = told.get("trunk")
        if link is None:
            return None
        try:
            return cls(**link)
        except TypeError as error:
            raise ValueError(f"its trunk is not described as a reference, a digest and layers ({error})") from error


def link_of(folder: Path) -> TrunkLink | None:
    """What the model of a folder says of its trunk. Raises ValueError."""
    return TrunkLink.of(described(folder)) if is_own(folder) else None


def find_trunk(folder: Path, link: TrunkLink) -> Path:
    """The folder of a top's trunk. Raises ModelError when it is not there, or is not the one that the top is for."""
    there = builtin_folder(link.reference) if is_builtin(link.reference) else (folder / link.reference).resolve()
    if not (there / SETTINGS_FILE).is_file():
        raise ModelError(
            f"the model in {folder} goes on from the trunk {link.reference}@{link.digest}, which is not there; copy the"
            f" trunk's folder to {there}"
        )
    found = trunk_digest(there)
    if found != link.digest:
        raise ModelError(
            f"the model in {folder} goes on from the trunk {link.reference}@{link.digest}, and {there} holds"
            f" {found}; bring that trunk back, or train the model again on this one"
        )
    return there


def encoder_folder(folder: Path) -> tuple[Path, int]:
    """Where the tokenizer and the first layers of a model are, and how many layers the model adds to these.

    A model with an encoder of its own has all of them. Raises as `link_of` and `find_trunk`.
    """
    link = link_of(folder)
    if link is not None and link.after is not None:
        raise ModelError(
            f"the model in {folder} goes on from the middle of its trunk, where no training starts; start from the"
            " trunk itself"
        )
    return (folder, 0) if link is None else (find_trunk(folder, link), link.layers)


def trunk_digest(folder: Path) -> str:
    """Over weights, tokenizer, shape, window and overlap; files that did not change are read once a process."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return _digest(folder.resolve(), tuple((file.name, *_state(file)) for file in files))


def _state(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _digest(folder: Path, _files: tuple[tuple[str, int, int], ...]) -> str:
    settings = TrunkSettings.load(folder)
    return folder_digest(folder, [TRUNK, settings.window, settings.overlap])
