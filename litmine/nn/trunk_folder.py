"""Describe a trunk's folder and a model's link to its trunk, without loading weights.

A trunk is the lower part of an encoder that several models share. Its folder has the Hugging Face layout and a
`litmine.json`. A model on it, a top, has a folder with its own layers and heads. The top's `litmine.json` names the
trunk and the digest of the trunk that the top was trained on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from litmine.errors import ModelError
from litmine.nn.references import (
    SETTINGS_FILE,
    TRUNK,
    builtin_folder,
    folder_digest,
    is_builtin,
    is_litmine_model,
    model_folder_errors,
    read_description,
)
from litmine.settings import check_types


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """Settings of a trunk: tokens of a window with special tokens, and the least overlap of two windows."""

    name: str
    window: int
    overlap: int

    def save(self, folder: Path) -> None:
        """Write the `litmine.json` of a trunk's folder."""
        text = json.dumps({"task": TRUNK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrunkSettings":
        """Read the settings of a trunk's folder. Raises ModelError when it holds no trunk."""
        description = read_description(folder)
        try:
            if description.pop("task") != TRUNK:
                raise KeyError("task")
            settings = cls(**description)
            check_types(settings)
            return settings
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{folder / SETTINGS_FILE} does not describe a trunk (task, name, window and overlap); copy it again"
            ) from error


@dataclass(frozen=True, slots=True)
class TrunkLink:
    """A top's link to its trunk.

    `reference`: name of a built-in trunk, or a path relative to the top's folder. `digest`: the trunk's digest.
    `layers`: number of the top's own layers. `after`: number of trunk layers that it continues from, None for all.
    """

    reference: str
    digest: str
    layers: int
    after: int | None = None

    @property
    def digest_parts(self) -> list[object]:
        """The part of the link that enters the top's digest."""
        return [self.digest] if self.after is None else [self.digest, self.after]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "TrunkLink | None":
        """The link in the settings of a `litmine.json`; None for a model with its own encoder. Raises ValueError."""
        link = settings.get("trunk")
        if link is None:
            return None
        try:
            made = cls(**link)
        except TypeError as error:
            raise ValueError(
                f"its litmine.json must describe the trunk by reference, digest and layers ({error})"
            ) from error
        if not (isinstance(made.reference, str) and isinstance(made.digest, str)):
            raise ValueError("reference and digest of its trunk must be strings")
        if type(made.layers) is not int or made.layers < 0:
            raise ValueError(f"layers of its trunk must be 0 or more, not {made.layers!r}")
        if made.after is not None and (type(made.after) is not int or made.after < 1):
            raise ValueError(f"after of its trunk must be 1 or more, not {made.after!r}")
        return made


def read_trunk_link(folder: Path) -> TrunkLink | None:
    """The link of a model folder to its trunk; None for a model with its own encoder. Raises ValueError."""
    return TrunkLink.from_settings(read_description(folder)) if is_litmine_model(folder) else None


def find_trunk(folder: Path, link: TrunkLink) -> Path:
    """The folder of a top's trunk. Raises ModelError when it is missing or has another digest."""
    trunk = builtin_folder(link.reference) if is_builtin(link.reference) else (folder / link.reference).resolve()
    if not (trunk / SETTINGS_FILE).is_file():
        raise ModelError(
            f"the trunk {link.reference}@{link.digest} of the model in {folder} is missing; copy the trunk's folder to"
            f" {trunk}"
        )
    digest = trunk_digest(trunk)
    if digest != link.digest:
        raise ModelError(
            f"the model in {folder} needs the trunk {link.reference}@{link.digest}, but {trunk} holds {digest}; restore"
            " that trunk, or train the model again on this one"
        )
    return trunk


def encoder_folder(folder: Path) -> tuple[Path, int]:
    """The folder with a model's tokenizer and lower layers, and the number of layers that the model adds to them.

    A model with its own encoder adds none. Raises ModelError and ValueError as `find_trunk` and `read_trunk_link`, and
    ModelError for a model that continues from the middle of its trunk.
    """
    link = read_trunk_link(folder)
    if link is not None and link.after is not None:
        raise ModelError(
            f"the model in {folder} continues from the middle of its trunk, so no training can start from it; start"
            " from the trunk"
        )
    return (folder, 0) if link is None else (find_trunk(folder, link), link.layers)


def trunk_digest(folder: Path) -> str:
    """Digest of a trunk's weights, tokenizer, shape, window and overlap; a process reads unchanged files only once."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return _cached_digest(folder.resolve(), tuple((file.name, *_size_and_time(file)) for file in files))


def _size_and_time(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _cached_digest(folder: Path, _files: tuple[tuple[str, int, int], ...]) -> str:
    settings = TrunkSettings.load(folder)
    with model_folder_errors(folder):
        return folder_digest(folder, [TRUNK, settings.window, settings.overlap])
