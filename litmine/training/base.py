"""The encoder that a training starts from, and its tokenizer: ours, or any of the BERT family in safetensors.

A smaller vocabulary: the tokens that biomedical text uses, and every single character, so that no word is lost.

Pieces of a dropped token are kept tokens, so a rare word is read in more pieces, never as an unknown one. The
embeddings of the kept tokens are the base's own. (Measured effect: docs/measurements.md.)
"""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from litmine.errors import CorpusError, ModelError, SettingError
from litmine.nn.config import max_window
from litmine.nn.encoder import BertEncoder, is_plain_bert
from litmine.nn.hugging_face import auto_config, auto_encoder, learns_masked_words, new_encoder
from litmine.nn.loading import load_all_weights, read_tokenizer, special_ids
from litmine.nn.references import is_litmine_model, locate, model_folder_errors
from litmine.nn.trunk_folder import encoder_folder
from litmine.nn.weights import WEIGHTS_FILE, load_weights

_AT_ONCE = 1_000


def abstracts(path: Path) -> Iterator[str]:
    """The text of each line of a JSONL file, plain or gzip: its `text`, or its title and abstract (CorpusError)."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                yield record.get("text") or f"{record.get('title') or ''} {record.get('abstract') or ''}"
    except (OSError, EOFError, ValueError, AttributeError, zlib.error) as error:
        raise CorpusError(
            f"{path} cannot be read as JSON lines with a text, or a title and an abstract: {error}"
        ) from error


def prune_vocabulary(
    tokenizer: Tokenizer, embeddings: torch.Tensor, texts: Iterable[str], keep: int
) -> tuple[Tokenizer, torch.Tensor]:
    """`keep` tokens: special ones, single characters, and those most frequent in `texts` (WordPiece only).

    Returns the smaller tokenizer and its rows of `embeddings` (tokens, hidden).
    """
    state = json.loads(tokenizer.to_str())
    if state["model"]["type"] != "WordPiece":
        raise SettingError("only a WordPiece vocabulary can be pruned; leave --vocabulary out for this base")
    vocabulary: dict[str, int] = state["model"]["vocab"]
    special = {token["content"] for token in state["added_tokens"]}
    counts = count_tokens(tokenizer, texts)
    must = {t for t in vocabulary if t in special or len(t.removeprefix("##")) == 1}
    used = [token for token in vocabulary if token not in must and counts[vocabulary[token]]]
    frequent = sorted(used, key=lambda token: (-counts[vocabulary[token]], vocabulary[token]))
    kept = must.union(frequent[: max(keep - len(must), 0)])
    order = sorted(kept, key=lambda token: vocabulary[token])
    state["model"]["vocab"] = {token: i for i, token in enumerate(order)}
    for token in state["added_tokens"]:
        token["id"] = state["model"]["vocab"][token["content"]]
    _renumber(state["post_processor"], state["model"]["vocab"])
    state["truncation"] = state["padding"] = None
    return Tokenizer.from_str(json.dumps(state)), embeddings[[vocabulary[token] for token in order]]


def _renumber(post_processor: dict[str, Any], vocabulary: dict[str, int]) -> None:
    """The ids of the tokens around a text, in either of the two forms in which BERT's tokenizers put them there."""
    if post_processor["type"] == "BertProcessing":
        for place in ("sep", "cls"):
            post_processor[place][1] = vocabulary[post_processor[place][0]]
    else:
        for token in post_processor["special_tokens"].values():
            token["ids"] = [vocabulary[content] for content in token["tokens"]]


def count_tokens(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """How often each token id stands in `texts`."""
    counts: Counter[int] = Counter()
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == _AT_ONCE:
            counts.update(i for e in tokenizer.encode_batch(block, add_special_tokens=False) for i in e.ids)
            block = []
    counts.update(i for e in tokenizer.encode_batch(block, add_special_tokens=False) for i in e.ids)
    return counts


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
    with model_folder_errors(folder):
        config = _config(folder)
        if not learns_masked_words(config):
            raise ModelError(
                f"{ref} is no encoder but a {config.model_type}; start from one of the BERT family"
                " (BERT, RoBERTa, DistilBERT, ELECTRA and their like)"
            )
        encoder = _encoder(folder, config)
        tokenizer = read_tokenizer(folder)
        special_ids(tokenizer, config)
    if max_window(config) < tokens:
        raise ModelError(
            f"{ref} reads at most {max_window(config)} tokens at a time and the recipe needs {tokens};"
            " start from a base that reads as many"
        )
    return Base(encoder.float(), config, tokenizer, folder if is_litmine_model(folder) else None)


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
        return _own_encoder(folder, config) if is_litmine_model(folder) else auto_encoder(folder, config)
    if (folder / WEIGHTS_FILE).is_file():
        # Our own models and transformers' with a head put the encoder beside the head.
        stored = {_PREFIX.sub("", name): weight for name, weight in load_all_weights(folder).items()}
        with suppress(KeyError, RuntimeError):
            return BertEncoder.from_weights(config, stored)
    # Under names of former days, in several files, or not whole.
    return BertEncoder.from_transformers(auto_encoder(folder, config))


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
