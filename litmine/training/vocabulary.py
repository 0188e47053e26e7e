"""A smaller vocabulary: the tokens that biomedical text uses, and every single character, so that no word is lost.

Pieces of a dropped token are kept tokens, so a rare word is read in more pieces, never as an unknown one. The
embeddings of the kept tokens are the base's own. (Measured effect: docs/decisions.md.)
"""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from litmine.errors import CorpusError, SettingError

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
