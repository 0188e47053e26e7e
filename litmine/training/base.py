"""The encoder that a training starts from, and its tokenizer: ours, or any of the BERT family in safetensors."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from litmine.errors import ModelError
from litmine.nn.bert import BertEncoder, is_plain_bert
from litmine.nn.config import positions
from litmine.nn.damage import loading
from litmine.nn.hugging_face import auto_config, auto_encoder, new_encoder, reads_masked_words
from litmine.nn.loading import read_tokenizer, special_ids, whole_weights
from litmine.nn.references import is_own, locate
from litmine.nn.trunk_folder import encoder_folder
from litmine.nn.weights import WEIGHTS_FILE, load_weights
from litmine.training.vocabulary import prune_vocabulary

_PREFIX = re.compile(r"^(bert|encoder(?=\.(embeddings|encoder)))\.")


@dataclass(frozen=True, slots=True)
class Base:
    """An encoder in float32, its configuration and its tokenizer, which neither truncates nor pads.

    `config` is transformers' own. `own` is the folder when it holds one of litmine's own models, or a trunk.
    """

    encoder: Any
    config: Any
    tokenizer: Tokenizer
    own: Path | None = None


def read_base(ref: str, tokens: int) -> Base:
    """The encoder of `ref` (ModelError when there is none that reads `tokens` tokens at a time)."""
    folder, _ = locate(ref)
    with loading(folder):
        config = _config(folder)
        if not reads_masked_words(config):
            raise ModelError(
                f"{ref} is no encoder but a {config.model_type}; start from one of the BERT family"
                " (BERT, RoBERTa, DistilBERT, ELECTRA and their like)"
            )
        encoder = _encoder(folder, config)
        tokenizer = read_tokenizer(folder)
        special_ids(tokenizer, config)
    if positions(config) < tokens:
        raise ModelError(
            f"{ref} reads at most {positions(config)} tokens at a time and the recipe needs {tokens};"
            " start from a base that reads as many"
        )
    return Base(encoder.float(), config, tokenizer, folder if is_own(folder) else None)


def _config(folder: Path) -> Any:
    """The configuration of the whole encoder, if a part of it is in the folder of a trunk."""
    there, more = encoder_folder(folder)
    config = auto_config(there)
    if more:
        config.num_hidden_layers += more
    return config


def _encoder(folder: Path, config: Any) -> Any:
    """Our own where it computes the same, without transformers' models, which take seconds to import, if it can be."""
    if not is_plain_bert(config):
        return _own_encoder(folder, config) if is_own(folder) else auto_encoder(folder, config)
    if (folder / WEIGHTS_FILE).is_file():
        # Our own models and transformers' with a head put the encoder beside the head.
        stored = {_PREFIX.sub("", name): weight for name, weight in whole_weights(folder).items()}
        with suppress(KeyError, RuntimeError):
            return BertEncoder.holding(config, stored)
    # Under names of former days, in several files, or not whole.
    return BertEncoder.of(auto_encoder(folder, config))


def _own_encoder(folder: Path, config: Any) -> Any:
    """The encoder of one of our own models that is not a plain BERT, with its weights."""
    encoder = new_encoder(config)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    prefix = "encoder."
    stored = {name[len(prefix) :]: one for name, one in load_weights(folder).items() if name.startswith(prefix)}
    encoder.load_state_dict(stored)
    return encoder


def prune(base: Base, texts: Iterable[str], keep: int) -> Base:
    """The base with the `keep` tokens that `texts` use most; with all of them when `keep` is 0."""
    if not keep:
        return base
    embeddings = base.encoder.get_input_embeddings().weight.data
    tokenizer, rows = prune_vocabulary(base.tokenizer, embeddings, texts, keep)
    padding = tokenizer.token_to_id("[PAD]")
    base.encoder.set_input_embeddings(
        torch.nn.Embedding.from_pretrained(rows.clone(), freeze=False, padding_idx=padding)
    )
    base.config.vocab_size, base.config.pad_token_id = len(rows), padding
    return replace(base, tokenizer=tokenizer)
