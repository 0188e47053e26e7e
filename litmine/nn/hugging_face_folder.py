"""Describe a plain BERT in a Hugging Face folder from its JSON files, without transformers, which takes seconds.

A folder with anything unusual has no such description. Then transformers reads it (`litmine.nn.hugging_face`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litmine.nn.config import BertShape, bert_shape, is_plain_bert

# Tokens that two neighbouring windows share at least.
DEFAULT_OVERLAP = 128
_TOKENIZER_FILE, _TOKENIZER_SETTINGS = "tokenizer.json", "tokenizer_config.json"


@dataclass(frozen=True, slots=True)
class PlainBertFolder:
    """A plain BERT with a fast tokenizer.

    shape: the configuration of its encoder. window: the largest number of tokens that model and tokenizer accept, with
    special tokens. labels: the names of a classifier's labels in the order of its outputs; None if not all have one.
    """

    shape: BertShape
    window: int
    labels: tuple[str, ...] | None


def describe_plain_bert(folder: Path) -> PlainBertFolder | None:
    """The description of a folder; None if only transformers can tell.

    Raises OSError or ValueError for a configuration that cannot be read or that does not fit the weights.
    """
    shape = bert_shape(folder)
    if shape is None or not is_plain_bert(shape) or not (folder / _TOKENIZER_FILE).is_file():
        return None
    window = _tokenizer_window(folder)
    if window is None:
        return None
    labels = _labels(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("id2label"))
    return PlainBertFolder(shape, min(window, shape.max_position_embeddings), labels)


def _tokenizer_window(folder: Path) -> int | None:
    """The largest number of tokens in the settings of the tokenizer; None if they have none that is a number."""
    try:
        settings = json.loads((folder / _TOKENIZER_SETTINGS).read_text(encoding="utf-8"))
        window = settings["model_max_length"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return int(window) if isinstance(window, int | float) and window > 0 else None


def _labels(by_index: Any) -> tuple[str, ...] | None:
    if not isinstance(by_index, dict) or set(by_index) != {str(i) for i in range(len(by_index))}:
        return None
    labels = tuple(by_index[str(i)] for i in range(len(by_index)))
    return labels if labels and all(isinstance(label, str) for label in labels) else None
