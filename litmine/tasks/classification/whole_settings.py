"""The settings of a text classifier with its own encoder: litmine's own, and plain Hugging Face sequence classifiers.

A model that litmine trained has them in `litmine.json`. Of any other, the labels are those of `config.json`, and the
scheme is the model's name.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litmine.errors import ModelError
from litmine.nn.hugging_face_folder import describe_plain_bert
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_litmine_model, read_settings
from litmine.tasks.classification.found import ROWS_VERSION
from litmine.tasks.classification.settings import ONE, SEVERAL, TASK, Scheme

# The kind of a classifier that reads whole texts with its own encoder.
WHOLE = "whole"
# Part of the digest: increases whenever the logits of windows would be pooled in another way.
_POOLING = 1
_SEVERAL = "multi_label_classification"


@dataclass(frozen=True, slots=True)
class WholeSettings:
    """Settings of a text classifier. window: most tokens that it reads at a time."""

    name: str
    scheme: Scheme
    window: int

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        text = json.dumps({"task": TASK, "kind": WHOLE, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, name: str) -> "WholeSettings":
        """The settings of a folder. Raises ModelError when `litmine.json` is not valid; others as `config.json`."""
        if not is_litmine_model(folder):
            return _plain_settings(folder, name)
        try:
            read = read_settings(folder)
            lists = {key: tuple(read["scheme"][key]) for key in ("labels", "shifts", "thresholds")}
            return cls(str(read["name"]), Scheme(**{**read["scheme"], **lists}), int(read["window"]))
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a valid settings file ({reason}); train or copy the model again"
            ) from error


def _plain_settings(folder: Path, name: str) -> WholeSettings:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    plain = describe_plain_bert(folder)
    if plain is not None and plain.labels is not None:
        labels, window = plain.labels, plain.window
    else:
        # Reading the settings of other architectures imports transformers, which takes seconds.
        from litmine.nn.loading import hugging_face_labels, hugging_face_window

        labels, window = hugging_face_labels(folder), hugging_face_window(folder)
    choice = SEVERAL if config.get("problem_type") == _SEVERAL else ONE
    return WholeSettings(name, Scheme(name, labels, choice=choice), window)


def whole_digest(folder: Path, settings: WholeSettings) -> str:
    """The digest of weights, tokenizer, scheme and window. Raises ValueError without weights."""
    scheme = asdict(settings.scheme) | {"name": ""}
    return folder_digest(folder, [TASK, WHOLE, _POOLING, ROWS_VERSION, settings.window, scheme])


def identify_whole(folder: Path, name: str) -> str:
    """`name@digest` of the classifier in a folder. Raises ModelError, OSError or ValueError when it holds none."""
    settings = WholeSettings.load(folder, name)
    return f"{settings.name}@{whole_digest(folder, settings)}"
