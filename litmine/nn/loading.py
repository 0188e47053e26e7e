"""Model folders in the Hugging Face layout: configuration, tokenizer and weights, whatever the task.

Weights are safetensors and nothing else; no code that comes with a model is run.

What a damaged model folder brings about, in one sentence.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from litmine.errors import LitmineError, ModelError
from litmine.nn.config import bert_shape, positions, read_config
from litmine.nn.encoder import BertEncoder, is_plain_bert
from litmine.nn.hugging_face import auto_tokenizer
from litmine.nn.trunk_folder import encoder_folder
from litmine.nn.weights import load_weights


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """What goes wrong inside becomes a ModelError."""
    try:
        yield
    except LitmineError:
        raise
    except Exception as error:  # a damaged tokenizer raises a bare Exception, a strange config anything
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{folder} does not hold a model that litmine can load: {reason}") from error


# What the names of an encoder's weights begin with in a model of ours.
ENCODER = "encoder."
TOKENIZER_FILE = "tokenizer.json"
OVERLAP = 128
Network = TypeVar("Network", bound=torch.nn.Module)


def filled(folder: Path, make: Callable[[Any, Any], Network], quick: bool) -> Network:
    """A network with the weights of a folder, made from its configuration and an encoder: None for transformers' own.

    `quick`: an encoder that reads and does not learn, where litmine has one.
    """
    base, more = encoder_folder(folder)
    shape = bert_shape(base) if quick else None
    if shape and is_plain_bert(shape):
        shape = replace(shape, num_hidden_layers=shape.num_hidden_layers + more)
        network = make(shape, BertEncoder(shape))
    else:
        config = read_config(base)
        if more:
            config.num_hidden_layers += more
        network = make(config, None)
    network.load_state_dict(whole_weights(folder))
    return network


def whole_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a model in float32, those of its trunk among them under the names of an encoder's."""
    base, _ = encoder_folder(folder)
    own = load_weights(folder)
    return own if base == folder else {ENCODER + name: weight for name, weight in load_weights(base).items()} | own


def read_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a model folder or its trunk's, built from its vocabulary if it has no `tokenizer.json`.

    It neither truncates nor pads, whatever its file says.
    """
    folder, _ = encoder_folder(folder)
    file = folder / TOKENIZER_FILE
    tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else auto_tokenizer(folder).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_ids(tokenizer: Tokenizer, config: Any) -> tuple[int, int, int]:
    """Ids of the tokens that begin, end and pad a window."""
    around, word = tokenizer.encode("").ids, tokenizer.encode("a").ids
    if len(around) != 2 or [word[0], word[-1]] != around:
        raise ValueError("its tokenizer does not put one token before and one after a text, as the BERT family does")
    return around[0], around[1], getattr(config, "pad_token_id", None) or 0


def plain_window(folder: Path) -> int:
    """How many tokens a plain Hugging Face model reads at a time, special ones included."""
    config = read_config(folder)
    return min(int(auto_tokenizer(folder).model_max_length), positions(config))
