"""Model folders in the Hugging Face layout: configuration, tokenizer and weights, whatever the task.

Weights are safetensors and nothing else; no code that comes with a model is run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer

from litmine.errors import LitmineError, ModelError
from litmine.nn.bert import BertEncoder, is_plain_bert
from litmine.nn.config import bert_shape, positions, read_config
from litmine.nn.hugging_face import auto_tokenizer
from litmine.nn.weights import load_weights

TOKENIZER_FILE = "tokenizer.json"
OVERLAP = 128
Network = TypeVar("Network", bound=torch.nn.Module)


def filled(folder: Path, make: Callable[[Any, Any], Network], quick: bool) -> Network:
    """A network with the weights of a folder, made from its configuration and an encoder: None for transformers' own.

    `quick`: an encoder that reads and does not learn, where litmine has one.
    """
    shape = bert_shape(folder) if quick else None
    network = make(shape, BertEncoder(shape)) if shape and is_plain_bert(shape) else make(read_config(folder), None)
    network.load_state_dict(load_weights(folder))
    return network


def read_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a model folder, built from its vocabulary if it has no `tokenizer.json`.

    It neither truncates nor pads, whatever its file says.
    """
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


def plain_window(folder: Path) -> int:
    """How many tokens a plain Hugging Face model reads at a time, special ones included."""
    config = read_config(folder)
    return min(int(auto_tokenizer(folder).model_max_length), positions(config))
