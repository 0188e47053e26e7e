"""What a model folder says of its network's shape, in `config.json`."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from litmine.nn.hugging_face import auto_config

_SIZES = ("vocab_size", "max_position_embeddings", "intermediate_size", "num_hidden_layers")
# Settings that call for more than the shape.
_CODE = ("auto_map", "attn_implementation", "_attn_implementation")


@dataclass(frozen=True, slots=True)
class BertShape:
    """A BERT's configuration as far as its encoder's shape goes, by the names and defaults of transformers."""

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


def bert_shape(folder: Path) -> BertShape | None:
    """That of a folder that holds a BERT, without transformers; None for others. Raises ValueError as `read_config`."""
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(told, dict) or told.get("model_type") != "bert" or any(name in told for name in _CODE):
        return None
    shape = BertShape(**{one.name: told[one.name] for one in fields(BertShape) if one.name in told})
    _check(shape, folder)
    return shape


def read_config(folder: Path) -> Any:
    """The configuration of a model folder. Raises ValueError when it asks for code, or more memory than its weights.

    A network is made as its configuration says and filled from the weights afterwards, so one that names a thousand
    times as many tokens would take the machine's memory first.
    """
    config = auto_config(folder)
    if "/" in str(getattr(config, "_attn_implementation", None)):
        raise ValueError("its config.json asks for code of the Hugging Face Hub, and litmine runs none")
    _check(config, folder)
    return config


def positions(config: Any) -> int:
    """How many tokens an encoder reads at a time, special ones included."""
    most = int(getattr(config, "max_position_embeddings", 512))
    # RoBERTa's positions begin after the padding index.
    return most - config.pad_token_id - 1 if "roberta" in config.model_type else most


def _check(config: Any, folder: Path) -> None:
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    width = getattr(config, "hidden_size", 1)
    for name in _SIZES:
        number = getattr(config, name, 0)
        weights = number * width * (width if name == "num_hidden_layers" else 1)
        if size and weights > size:
            raise ValueError(f"its config.json has a {name} of {number:,}, for which its weights are too small")
