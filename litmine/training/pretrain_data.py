"""Texts to masked words: pieces of tokens, of which some are hidden anew in every pass.

Devlin et al. 2019 (BERT): of 15 % of the tokens, 80 % become the mask token, 10 % a random one and 10 % stay, and the
network is asked for each of them. With whole words a word is chosen with all its tokens.

Texts to pretrain on, from a lake or from JSON Lines, each once, in an order that depends on the texts alone.

The order is that of their hashes, so where texts came from and when does not matter, and the first hundredth, which is
held out, is the same whatever else is read.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from litmine.errors import CorpusError, ModelError
from litmine.lake.lake import Lake
from litmine.lake.paths import Place
from litmine.nn.tokenizer import WordTokenizer
from litmine.training.base import abstracts
from litmine.training.batching import pad

# More would take longer to judge and hardly say more.
MOST_HELD_OUT = 500


@dataclass(frozen=True, slots=True)
class Texts:
    """What is learnt from and what is judged on; `digest` says which texts these are (12 hex digits)."""

    train: list[str]
    held_out: list[str]
    digest: str


def lake_texts(lake: Place) -> Iterator[str]:
    """The text of every current article that has one (LakeError when there is no lake)."""
    for batch in Lake(lake).select("SELECT text FROM articles WHERE length(text) > 0"):
        yield from batch.column("text").to_pylist()


def file_texts(files: Iterable[Path]) -> Iterator[str]:
    """The text of each line of JSON Lines files, plain or gzip: its `text`, or title and abstract (CorpusError)."""
    for file in files:
        yield from abstracts(file)


def split_texts(texts: Iterable[str]) -> Texts:
    """Each text once, in the order of their hashes; the first 1 %, at most 500, are held out.

    Raises CorpusError when there are not two texts.
    """
    hashed = {hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(): text for text in texts if text.strip()}
    if len(hashed) < 2:
        raise CorpusError(
            f"there are {len(hashed)} texts to pretrain on, and one is held out; fetch or import abstracts, or name a"
            " file of them with --text"
        )
    order = sorted(hashed)
    held_out = min(MOST_HELD_OUT, max(1, len(order) // 100))
    all_texts = [hashed[key] for key in order]
    digest = hashlib.sha256(b"".join(order)).hexdigest()[:12]
    return Texts(all_texts[held_out:], all_texts[:held_out], digest)


_AT_ONCE = 1_000
_MASKED, _RANDOM = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive tokens of a text (special ones apart) and the first token of each word that begins among them."""

    ids: NDArray[np.int32]
    first: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """ids and mask (pieces, tokens); rows, columns and true ids of the tokens that are asked for."""

    ids: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    labels: torch.Tensor


class Masking:
    """Chooses tokens and hides them: `share` of the tokens, or of the words with `whole_words`."""

    def __init__(self, tokenizer: Tokenizer, special: tuple[int, int, int], share: float, whole_words: bool) -> None:
        """Raise ModelError when the tokenizer has no mask token."""
        mask = next((i for name in ("[MASK]", "<mask>") if (i := tokenizer.token_to_id(name)) is not None), None)
        if mask is None:
            raise ModelError("the base's tokenizer has neither [MASK] nor <mask>; start from a base that has")
        never = {mask, *special, *(i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special)}
        self._mask = mask
        self._others = np.array([i for i in range(tokenizer.get_vocab_size()) if i not in never], dtype=np.int32)
        self._special = special
        self._share, self._whole_words = share, whole_words

    def batch(self, pieces: Sequence[Piece], rng: np.random.Generator) -> MaskedBatch:
        """One batch of these pieces, at least one token of each asked for."""
        hidden, positions = zip(*(self._hide(piece, rng) for piece in pieces), strict=True)
        ids, mask = pad(hidden, self._special)
        rows = np.concatenate([np.full(len(own), row) for row, own in enumerate(positions)])
        labels = np.concatenate([piece.ids[own] for piece, own in zip(pieces, positions, strict=True)])
        columns = np.concatenate(positions) + 1
        return MaskedBatch(*(torch.from_numpy(a) for a in (ids, mask, rows, columns, labels.astype(np.int64))))

    def _hide(self, piece: Piece, rng: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The tokens as the network sees them, and the positions of those that it is asked for."""
        if self._whole_words and len(piece.first):
            words = np.searchsorted(piece.first, np.arange(len(piece.ids)), side="right") - 1
            # Tokens before the first word are the rest of one that another piece began: they go with this one.
            chosen = (rng.random(len(piece.first)) < self._share)[words.clip(0)]
        else:
            chosen = rng.random(len(piece.ids)) < self._share
        if not chosen.any():
            chosen[rng.integers(len(chosen))] = True
        positions = np.flatnonzero(chosen)
        fate = rng.random(len(positions))
        seen = piece.ids.copy()
        seen[positions[fate < _MASKED]] = self._mask
        replaced = positions[(fate >= _MASKED) & (fate < _MASKED + _RANDOM)]
        seen[replaced] = rng.choice(self._others, len(replaced))
        return seen, positions


def read_pieces(texts: Sequence[str], reader: WordTokenizer, longest: int) -> list[Piece]:
    """Every text in pieces of at most `longest` tokens, as even as can be."""
    return [
        piece
        for start in range(0, len(texts), _AT_ONCE)
        for words in reader.read(texts[start : start + _AT_ONCE])
        for piece in _cut(words.ids.astype(np.int32), words.first.astype(np.int32), longest)
    ]


def _cut(ids: NDArray[np.int32], first: NDArray[np.int32], longest: int) -> Iterator[Piece]:
    parts = -(-len(ids) // longest)
    bounds = [len(ids) * part // parts for part in range(parts + 1)] if parts else []
    for start, end in pairwise(bounds):
        # Copies: a view would keep the whole text.
        yield Piece(ids[start:end].copy(), first[(first >= start) & (first < end)] - start)
