"""Load the base of a training: an encoder of the BERT family in safetensors, and its tokenizer.

The vocabulary can be pruned to the tokens that biomedical text uses, and all single characters. A word whose token is
removed is then split into more tokens and never becomes unknown. The embeddings of the remaining tokens do not change.
docs/measurements.md shows the measured effect.
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
from litmine.nn.config import is_plain_bert, max_window
from litmine.nn.encoder import BertEncoder
from litmine.nn.hugging_face import auto_config, auto_encoder, learns_masked_words, new_encoder
from litmine.nn.loading import load_all_weights, read_tokenizer, special_ids
from litmine.nn.references import is_litmine_model, locate, model_folder_errors
from litmine.nn.trunk_folder import encoder_folder
from litmine.nn.weights import WEIGHTS_FILE, load_weights

# Texts that are tokenised together.
_BLOCK_TEXTS = 1_000
# Prefixes of the encoder in the weights of models with a head.
_PREFIX = re.compile(r"^(bert|encoder(?=\.(embeddings|encoder)))\.")


@dataclass(frozen=True, slots=True)
class PretrainedEncoder:
    """An encoder in float32, its transformers configuration, and its tokenizer, which neither truncates nor pads.

    `litmine_folder` is the encoder's folder if it holds a litmine model or a trunk.
    """

    encoder: Any
    config: Any
    tokenizer: Tokenizer
    litmine_folder: Path | None = None


def read_base(ref: str, tokens: int) -> PretrainedEncoder:
    """Load the encoder that `ref` names.

    Raises ModelError when it cannot be loaded, or reads fewer than `tokens` tokens at a time.
    """
    folder, _ = locate(ref)
    with model_folder_errors(folder):
        config = _config(folder)
        if not learns_masked_words(config):
            raise ModelError(
                f"{ref} is not an encoder but a {config.model_type}; use an encoder of the BERT family, such as BERT,"
                " RoBERTa, DistilBERT or ELECTRA"
            )
        encoder = _encoder(folder, config)
        tokenizer = read_tokenizer(folder)
        special_ids(tokenizer, config)
    if max_window(config) < tokens:
        raise ModelError(
            f"{ref} reads at most {max_window(config)} tokens at a time and the recipe needs {tokens};"
            " use a base with a longer input"
        )
    return PretrainedEncoder(encoder.float(), config, tokenizer, folder if is_litmine_model(folder) else None)


def _config(folder: Path) -> Any:
    """The configuration of the whole encoder, also if its lower layers are in the folder of a trunk."""
    config_folder, extra_layers = encoder_folder(folder)
    config = auto_config(config_folder)
    if extra_layers:
        config.num_hidden_layers += extra_layers
    return config


def _encoder(folder: Path, config: Any) -> Any:
    """A `BertEncoder` if it computes the same as an encoder of transformers, whose import takes seconds; else that."""
    if not is_plain_bert(config):
        return _litmine_encoder(folder, config) if is_litmine_model(folder) else auto_encoder(folder, config)
    if (folder / WEIGHTS_FILE).is_file():
        # Models with a head store the encoder's weights under a prefix.
        stored = {_PREFIX.sub("", name): weight for name, weight in load_all_weights(folder).items()}
        with suppress(KeyError, RuntimeError):
            return BertEncoder.from_weights(config, stored)
    # Old weight names, several files or missing weights: transformers knows how to load them.
    return BertEncoder.from_transformers(auto_encoder(folder, config))


def _litmine_encoder(folder: Path, config: Any) -> Any:
    """The encoder of a litmine model that is not a plain BERT."""
    encoder = new_encoder(config)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    prefix = "encoder."
    stored = {name[len(prefix) :]: weight for name, weight in load_weights(folder).items() if name.startswith(prefix)}
    encoder.load_state_dict(stored)
    return encoder


def prune_base(base: PretrainedEncoder, texts: Iterable[str], keep: int) -> PretrainedEncoder:
    """The base with its vocabulary pruned to `keep` tokens by `texts`; unchanged when `keep` is 0."""
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


def prune_vocabulary(
    tokenizer: Tokenizer, embeddings: torch.Tensor, texts: Iterable[str], keep: int
) -> tuple[Tokenizer, torch.Tensor]:
    """Keep `keep` tokens: the special ones, single characters, and those most frequent in `texts`.

    Returns the smaller tokenizer and its rows of `embeddings` (tokens, hidden). Raises SettingError for a tokenizer
    that is not WordPiece.
    """
    state = json.loads(tokenizer.to_str())
    if state["model"]["type"] != "WordPiece":
        raise SettingError("only a WordPiece vocabulary can be pruned; omit --vocabulary for this base")
    vocabulary: dict[str, int] = state["model"]["vocab"]
    special = {token["content"] for token in state["added_tokens"]}
    counts = count_tokens(tokenizer, texts)
    required = {token for token in vocabulary if token in special or len(token.removeprefix("##")) == 1}
    used = [token for token in vocabulary if token not in required and counts[vocabulary[token]]]
    frequent = sorted(used, key=lambda token: (-counts[vocabulary[token]], vocabulary[token]))
    kept = required.union(frequent[: max(keep - len(required), 0)])
    order = sorted(kept, key=lambda token: vocabulary[token])
    state["model"]["vocab"] = {token: i for i, token in enumerate(order)}
    for token in state["added_tokens"]:
        token["id"] = state["model"]["vocab"][token["content"]]
    _renumber(state["post_processor"], state["model"]["vocab"])
    state["truncation"] = state["padding"] = None
    return Tokenizer.from_str(json.dumps(state)), embeddings[[vocabulary[token] for token in order]]


def _renumber(post_processor: dict[str, Any], vocabulary: dict[str, int]) -> None:
    """Set the new ids of the special tokens; BERT's tokenizers have one of two forms of post-processor."""
    if post_processor["type"] == "BertProcessing":
        for role in ("sep", "cls"):
            post_processor[role][1] = vocabulary[post_processor[role][0]]
    else:
        for token in post_processor["special_tokens"].values():
            token["ids"] = [vocabulary[content] for content in token["tokens"]]


def count_tokens(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """The frequency of each token id in `texts`."""
    counts: Counter[int] = Counter()
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == _BLOCK_TEXTS:
            counts.update(i for e in tokenizer.encode_batch(block, add_special_tokens=False) for i in e.ids)
            block = []
    counts.update(i for e in tokenizer.encode_batch(block, add_special_tokens=False) for i in e.ids)
    return counts


def read_abstracts(path: Path) -> Iterator[str]:
    """Yield the text of each line of a JSON Lines file, plain or gzip: its `text`, or else its title and abstract.

    Raises CorpusError for a file that cannot be read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                yield record.get("text") or f"{record.get('title') or ''} {record.get('abstract') or ''}"
    except (OSError, EOFError, ValueError, AttributeError, zlib.error) as error:
        raise CorpusError(
            f"{path} cannot be read: {error}; each line must be a JSON object with `text`, or `title` and `abstract`"
        ) from error
