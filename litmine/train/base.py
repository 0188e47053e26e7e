"""The encoder that a training starts from, and its tokenizer: ours, or any of the BERT family in safetensors."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from litmine.errors import ModelError
from litmine.models.bert import BertEncoder, is_plain_bert
from litmine.models.chain import BIO
from litmine.models.config import positions
from litmine.models.folder import loading, read_network, read_tokenizer, special_ids
from litmine.models.heads import SETTINGS_FILE, Head, Settings
from litmine.models.hugging_face import auto_config, auto_encoder, reads_masked_words
from litmine.models.identity import locate
from litmine.models.network import MultiHeadNetwork
from litmine.models.weights import WEIGHTS_FILE, load_weights
from litmine.train.vocabulary import prune_vocabulary


@dataclass(frozen=True, slots=True)
class Base:
    """An encoder in float32, its configuration and its tokenizer, which neither truncates nor pads.

    `config` is transformers' own. `whole` is the network that the encoder is of, and what its heads are, when it is
    one of our own models.
    """

    encoder: Any
    config: Any
    tokenizer: Tokenizer
    whole: tuple[MultiHeadNetwork, Settings] | None = None


def read_base(ref: str, tokens: int) -> Base:
    """The encoder of `ref` (ModelError when there is none that reads `tokens` tokens at a time)."""
    folder, _ = locate(ref)
    with loading(folder):
        config = auto_config(folder)
        if not reads_masked_words(config):
            raise ModelError(
                f"{ref} is no encoder but a {config.model_type}; start from one of the BERT family"
                " (BERT, RoBERTa, DistilBERT, ELECTRA and their like)"
            )
        whole = None
        if (folder / SETTINGS_FILE).is_file():
            settings = Settings.load(folder)
            own = read_network(folder, settings, quick=True)
            encoder, whole = own.encoder, (own, settings)
        else:
            encoder = _encoder(folder, config)
        tokenizer = read_tokenizer(folder)
        special_ids(tokenizer, config)
    if positions(config) < tokens:
        raise ModelError(
            f"{ref} reads at most {positions(config)} tokens at a time and the recipe needs {tokens};"
            " start from a base that reads as many"
        )
    return Base(encoder.float(), config, tokenizer, whole)


def _encoder(folder: Path, config: Any) -> Any:
    """Our own where it computes the same, without transformers' models, which take seconds to import, if it can be."""
    if not is_plain_bert(config):
        return auto_encoder(folder, config)
    if (folder / WEIGHTS_FILE).is_file():
        stored = {name.removeprefix("bert."): weight for name, weight in load_weights(folder).items()}
        with suppress(KeyError, RuntimeError):
            return BertEncoder.holding(config, stored)
    # Under names of former days, in several files, or not whole.
    return BertEncoder.of(auto_encoder(folder, config))


@torch.no_grad()
def keep_heads(network: MultiHeadNetwork, heads: Sequence[Head], base: Base) -> list[str]:
    """Let heads that the base, one of our own models, has too begin as they are there; returns their names."""
    if base.whole is None:
        return []
    theirs, settings = base.whole
    kept = []
    bounds = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
    places = {(head.name, head.labels): i for i, head in enumerate(settings.heads)}
    for own, head in enumerate(heads):
        if (its := places.get((head.name, head.labels))) is not None:
            at, there = slice(own * len(BIO), (own + 1) * len(BIO)), slice(bounds[its], bounds[its + 1])
            network.heads.weight[at], network.heads.bias[at] = theirs.heads.weight[there], theirs.heads.bias[there]
            if network.chain is not None and theirs.chain is not None:
                network.chain.weight[own] = theirs.chain.weight[its]
            kept.append(head.name)
    return kept


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
