"""The shape of a network as the `config.json` of its model folder describes it, checked before memory is allocated."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from litmine.nn.hugging_face import auto_config

_SIZES = ("vocab_size", "max_position_embeddings", "intermediate_size", "num_hidden_layers")
# Settings that ask for more than a shape, such as remote code.
_CODE_SETTINGS = ("auto_map", "attn_implementation", "_attn_implementation")


@dataclass(frozen=True, slots=True)
class BertShape:
    """The settings of a BERT configuration that decide its encoder's shape; names and defaults as in transformers."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    vocab_size: int = 30_522
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    pad_token_id: int | None = 0
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    hidden_act: str = "gelu"
    position_embedding_type: str = "absolute"
    is_decoder: bool = False
    model_type: str = "bert"


def is_plain_bert(config: Any) -> bool:
    """Whether `litmine.nn.encoder.BertEncoder` supports this configuration, a `BertShape` or one of transformers."""
    return (
        config.model_type == "bert"
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and not config.is_decoder
        and config.hidden_size % config.num_attention_heads == 0
    )


def bert_shape(folder: Path) -> BertShape | None:
    """Read the shape of a BERT without importing transformers; None for other models. Raises as `read_config`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict) or config.get("model_type") != "bert":
        return None
    if any(name in config for name in _CODE_SETTINGS):
        return None
    shape = BertShape(**{field.name: config[field.name] for field in fields(BertShape) if field.name in config})
    _check_sizes(shape, folder)
    return shape


def read_config(folder: Path) -> Any:
    """The transformers configuration of a model folder.

    Raises ValueError when the configuration asks for remote code, or for a network larger than its weights file. The
    second check saves memory: a network is allocated from its configuration before its weights are read.
    """
    config = auto_config(folder)
    if "/" in str(getattr(config, "_attn_implementation", None)):
        raise ValueError("its config.json asks for code from the Hugging Face Hub, which litmine never runs")
    _check_sizes(config, folder)
    return config


def max_window(config: Any) -> int:
    """The largest number of tokens that an encoder reads at once, including special tokens."""
    positions = int(getattr(config, "max_position_embeddings", 512))
    # RoBERTa's positions begin after the padding index.
    return positions - config.pad_token_id - 1 if "roberta" in config.model_type else positions


def _check_sizes(config: Any, folder: Path) -> None:
    file_size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    width = getattr(config, "hidden_size", 1)
    for name in _SIZES:
        value = getattr(config, name, 0)
        weights = value * width * (width if name == "num_hidden_layers" else 1)
        if file_size and weights > file_size:
            raise ValueError(f"its config.json sets {name} to {value:,}, but its weights file is too small for that")
