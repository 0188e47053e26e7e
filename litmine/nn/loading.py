"""Load the parts of a model folder in the Hugging Face layout: configuration, tokenizer and weights.

Weights are safetensors only, and litmine never runs code from a model folder.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from litmine.nn.config import bert_shape, is_plain_bert, max_window, read_config
from litmine.nn.encoder import BertEncoder
from litmine.nn.hugging_face import auto_tokenizer
from litmine.nn.hugging_face_folder import describe_plain_bert
from litmine.nn.tokenizer_growth import check_growth
from litmine.nn.trunk_folder import encoder_folder
from litmine.nn.weights import load_weights

# Prefix of an encoder's weight names in litmine's own models.
ENCODER_PREFIX = "encoder."
TOKENIZER_FILE = "tokenizer.json"
Network = TypeVar("Network", bound=torch.nn.Module)


def load_network(folder: Path, make: Callable[[Any, Any], Network], quick: bool) -> Network:
    """A network with the weights of a folder, in float32.

    make: creates the network from a configuration and an encoder, or from None for an encoder of transformers. quick:
    use litmine's own encoder if it supports the configuration; this needs no import of transformers.
    """
    base, extra_layers = encoder_folder(folder)
    shape = bert_shape(base) if quick else None
    if shape and is_plain_bert(shape):
        shape = replace(shape, num_hidden_layers=shape.num_hidden_layers + extra_layers)
        network = make(shape, BertEncoder(shape))
    else:
        config = read_config(base)
        if extra_layers:
            config.num_hidden_layers += extra_layers
        network = make(config, None)
    load_matching(network, load_all_weights(folder))
    return network


def load_matching(network: torch.nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights that fit a network exactly. Raises ValueError, naming the first weight that does not fit."""
    expected = network.state_dict()
    for name, tensor in expected.items():
        if name not in weights:
            raise ValueError(f"its settings describe the weight {name}, which its files lack; copy the model again")
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"its weight {name} has the shape {tuple(weights[name].shape)}, but its settings describe"
                f" {tuple(tensor.shape)}; copy the model again"
            )
    for name in weights:
        if name not in expected:
            raise ValueError(f"its files hold the weight {name}, which its settings do not describe; copy it again")
    network.load_state_dict(weights)


def load_all_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a model in float32, including those of its trunk, named as in a complete model."""
    base, _ = encoder_folder(folder)
    weights = load_weights(folder)
    if base == folder:
        return weights
    return {ENCODER_PREFIX + name: weight for name, weight in load_weights(base).items()} | weights


def read_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a model folder or of its trunk, with truncation and padding switched off.

    A folder without `tokenizer.json` needs a vocabulary from which transformers builds the tokenizer. Raises ValueError
    for a tokenizer that may fill the memory.
    """
    folder, _ = encoder_folder(folder)
    file = folder / TOKENIZER_FILE
    tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else auto_tokenizer(folder).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    check_growth(tokenizer)
    return tokenizer


def special_ids(tokenizer: Tokenizer, config: Any) -> tuple[int, int, int]:
    """Ids of the tokens that begin, end and pad a window.

    Raises ValueError when the tokenizer does not add one token on either side of a text.
    """
    special, word = tokenizer.encode("").ids, tokenizer.encode("a").ids
    if len(special) != 2 or [word[0], word[-1]] != special:
        raise ValueError("its tokenizer does not put one token before and one after a text, as the BERT family does")
    return special[0], special[1], getattr(config, "pad_token_id", None) or 0


def hugging_face_labels(folder: Path) -> tuple[str, ...]:
    """The labels of a Hugging Face classifier, in the order of its outputs."""
    by_index = read_config(folder).id2label
    return tuple(by_index[i] for i in range(len(by_index)))


def hugging_face_window(folder: Path) -> int:
    """The window of a Hugging Face model that was not made by litmine, in tokens, special tokens included."""
    if (plain := describe_plain_bert(folder)) is not None:
        return plain.window
    config = read_config(folder)
    return min(int(auto_tokenizer(folder).model_max_length), max_window(config))
