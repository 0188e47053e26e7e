"""Which model a folder with a reader holds, told without its weights.

What a reader says of itself beside its weights: its window, decoding and calibration, kept in `litmine.json`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_litmine_model, read_settings

# The `task` of a reader's `litmine.json`.
TASK = "qa"

# Part of a reader's digest: raised whenever the same scores would give other answers.
DECODING_VERSION = 2


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How a reader reads and decodes.

    `window` counts question, text and special tokens; `overlap` is the least that two windows of one text share, in
    tokens. An answer has at most `most_words` words; of a text come the `best` answers that are apart and, as variants
    of these, those among the `best` of all, if their score is at least `least`. Scores are
    `sigmoid((span - null - bias) / temperature)`, of logits. `yes_no`: the network has a yes/no head.
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
            raise ValueError("most_words, best and temperature are above 0")

    def save(self, folder: Path) -> None:
        text = json.dumps({"task": TASK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ReaderSettings":
        """Raise ModelError when `litmine.json` is not what this version of litmine writes."""
        try:
            read = read_settings(folder)
            del read["task"]
            settings = cls(**read)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a litmine reader's settings ({error}); train or copy the model again"
            ) from error
        if settings.decoding != DECODING_VERSION:
            raise ModelError(
                f"the reader in {folder} needs decoding version {settings.decoding} and this litmine has"
                f" {DECODING_VERSION}; install the litmine it was made with"
            )
        return settings


def reader_digest(folder: Path, settings: ReaderSettings) -> str:
    """Over weights, tokenizer, window, overlap, decoding, calibration (ValueError without weights)."""
    decisive = asdict(settings)
    del decisive["name"]
    return folder_digest(folder, [TASK, decisive])


def identify(folder: Path, name: str) -> str:
    """`name@digest`. Raises ModelError, OSError or ValueError for a folder that holds no reader."""
    if is_litmine_model(folder):
        settings = ReaderSettings.load(folder)
    else:
        # transformers takes seconds to import.
        from litmine.tasks.qa.folder import plain_settings

        settings = plain_settings(folder, name)
    return f"{settings.name}@{reader_digest(folder, settings)}"
