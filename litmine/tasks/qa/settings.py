"""A reader's settings, stored in `litmine.json`, and its digest, computed without loading weights."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_litmine_model, read_settings
from litmine.settings import check_types

# The `task` in a reader's `litmine.json`.
TASK = "qa"
# Part of a reader's digest: increases whenever the same logits would give other answers.
DECODING_VERSION = 4


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The settings of a reader.

    `window`: tokens per window with question and special tokens. `overlap`: minimum overlap of two windows of a text,
    in tokens. An answer has at most `most_words` words. A text gives at most `best` answers that do not overlap, and as
    variants the overlapping spans among the `best` of all; both only with a score of at least `least`. A score is
    sigmoid((span logit - null logit - `bias`) / `temperature`). `yes_no`: whether the network has a yes/no head.
    """

    name: str
    window: int
    overlap: int
    most_words: int = 16
    best: int = 5
    least: float = 0.01
    temperature: float = 1.0
    bias: float = 0.0
    yes_no: bool = False
    decoding: int = DECODING_VERSION

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.window // 2:
            raise ValueError(f"windows of {self.window} tokens cannot overlap by {self.overlap}")
        if self.most_words < 1 or self.best < 1 or not self.temperature > 0:
            raise ValueError("most_words, best and temperature must be above 0")

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        text = json.dumps({"task": TASK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ReaderSettings":
        """Read `litmine.json`. Raises ModelError when it is not valid or needs another version of litmine."""
        try:
            read = read_settings(folder)
            del read["task"]
            settings = cls(**read)
            check_types(settings)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a valid settings file ({error}); train or copy the model again"
            ) from error
        if settings.decoding != DECODING_VERSION:
            raise ModelError(
                f"the reader in {folder} needs decoding version {settings.decoding}, and this litmine supports"
                f" {DECODING_VERSION}; install the version of litmine that trained the reader"
            )
        return settings


def reader_digest(folder: Path, settings: ReaderSettings) -> str:
    """The digest of weights, tokenizer and all settings but the name. Raises ValueError without weights."""
    decisive = asdict(settings)
    del decisive["name"]
    return folder_digest(folder, [TASK, decisive])


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the reader in a folder. Raises ModelError, OSError or ValueError when the folder holds none."""
    if is_litmine_model(folder):
        settings = ReaderSettings.load(folder)
    else:
        # transformers takes seconds to import.
        from litmine.tasks.qa.folder import plain_settings

        settings = plain_settings(folder, name)
    return f"{settings.name}@{reader_digest(folder, settings)}"
