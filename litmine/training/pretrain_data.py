"""The data of masked language modelling: texts from a lake or from files, cut into segments, and masked batches.

Each text is used once. The order is that of the texts' hashes, so it does not depend on where they come from. The first
1 % are held out to measure the loss.

Masking follows BERT (Devlin et al. 2019): 15 % of the tokens are selected, anew in every epoch. Of these, 80 % become
the mask token, 10 % a random token and 10 % stay, and the network predicts all of them. With whole words, a word is
selected with all its tokens.
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
from litmine.lake.paths import LakePath
from litmine.nn.tokenizer import WordTokenizer
from litmine.training.base import read_abstracts
from litmine.training.batching import pad

# More texts would take longer to evaluate and hardly change the loss.
MAX_HELD_OUT = 500
# Texts that are tokenised together.
_BLOCK_TEXTS = 1_000
# Shares of the selected tokens that become the mask token or a random token.
_MASK_TOKEN_SHARE, _RANDOM_SHARE = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class PretrainingTexts:
    """Training texts, held-out texts, and a digest of all of them (12 hex digits)."""

    train: list[str]
    held_out: list[str]
    digest: str


def lake_texts(lake: LakePath) -> Iterator[str]:
    """The text of every current article that has one. Raises LakeError when there is no lake."""
    for batch in Lake(lake).select("SELECT text FROM articles WHERE length(text) > 0"):
        yield from batch.column("text").to_pylist()


def file_texts(files: Iterable[Path]) -> Iterator[str]:
    """The text of each line of JSON Lines files, as `read_abstracts`."""
    for file in files:
        yield from read_abstracts(file)


def split_texts(texts: Iterable[str]) -> PretrainingTexts:
    """Remove repeated texts, sort the others by their hashes, and hold out the first 1 %, at most 500.

    Raises CorpusError for fewer than two texts.
    """
    hashed = {hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(): text for text in texts if text.strip()}
    if len(hashed) < 2:
        raise CorpusError(
            f"pretraining needs at least 2 texts, one of them held out, but there are {len(hashed)}; fetch or import"
            " abstracts, or name a file with --text"
        )
    order = sorted(hashed)
    held_out = min(MAX_HELD_OUT, max(1, len(order) // 100))
    all_texts = [hashed[key] for key in order]
    digest = hashlib.sha256(b"".join(order)).hexdigest()[:12]
    return PretrainingTexts(all_texts[held_out:], all_texts[:held_out], digest)


@dataclass(frozen=True, slots=True)
class TokenSegment:
    """Consecutive tokens of a text, without special tokens.

    ids: token ids. first: for each word that begins in the segment, the position of its first token.
    """

    ids: NDArray[np.int32]
    first: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """A batch of segments with masked tokens.

    ids, mask: (segments, tokens); the mask is False for padding. rows, columns, labels: (selected,) position and true
    id of each selected token.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    labels: torch.Tensor


class TokenMasker:
    """Selects and masks `share` of the tokens, or of the words with `whole_words`."""

    def __init__(self, tokenizer: Tokenizer, special: tuple[int, int, int], share: float, whole_words: bool) -> None:
        """Raises ModelError when the tokenizer has no mask token."""
        mask_id = next((i for name in ("[MASK]", "<mask>") if (i := tokenizer.token_to_id(name)) is not None), None)
        if mask_id is None:
            raise ModelError("the base's tokenizer has neither [MASK] nor <mask>; use a base that has one of them")
        excluded = {
            mask_id,
            *special,
            *(i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special),
        }
        self._mask_id = mask_id
        self._random_ids = np.array([i for i in range(tokenizer.get_vocab_size()) if i not in excluded], dtype=np.int32)
        self._special = special
        self._share, self._whole_words = share, whole_words

    def batch(self, segments: Sequence[TokenSegment], rng: np.random.Generator) -> MaskedBatch:
        """A batch of these segments, with at least one selected token in each."""
        masked, positions = zip(*(self._mask(segment, rng) for segment in segments), strict=True)
        ids, mask = pad(masked, self._special)
        rows = np.concatenate([np.full(len(selected), row) for row, selected in enumerate(positions)])
        labels = np.concatenate([segment.ids[selected] for segment, selected in zip(segments, positions, strict=True)])
        columns = np.concatenate(positions) + 1
        return MaskedBatch(*(torch.from_numpy(a) for a in (ids, mask, rows, columns, labels.astype(np.int64))))

    def _mask(self, segment: TokenSegment, rng: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids after masking, and the positions of the selected tokens."""
        if self._whole_words and len(segment.first):
            words = np.searchsorted(segment.first, np.arange(len(segment.ids)), side="right") - 1
            # Tokens before the first word end a word of the previous segment; they are selected with the first word.
            selected = (rng.random(len(segment.first)) < self._share)[words.clip(0)]
        else:
            selected = rng.random(len(segment.ids)) < self._share
        if not selected.any():
            selected[rng.integers(len(selected))] = True
        positions = np.flatnonzero(selected)
        draws = rng.random(len(positions))
        ids = segment.ids.copy()
        ids[positions[draws < _MASK_TOKEN_SHARE]] = self._mask_id
        replaced = positions[(draws >= _MASK_TOKEN_SHARE) & (draws < _MASK_TOKEN_SHARE + _RANDOM_SHARE)]
        ids[replaced] = rng.choice(self._random_ids, len(replaced))
        return ids, positions


def make_segments(texts: Sequence[str], tokenizer: WordTokenizer, segment_tokens: int) -> list[TokenSegment]:
    """Tokenise texts and cut each into segments of similar length, of at most `segment_tokens` tokens."""
    return [
        segment
        for start in range(0, len(texts), _BLOCK_TEXTS)
        for words in tokenizer.read(texts[start : start + _BLOCK_TEXTS])
        for segment in _cut(words.ids.astype(np.int32), words.first.astype(np.int32), segment_tokens)
    ]


def _cut(ids: NDArray[np.int32], first: NDArray[np.int32], segment_tokens: int) -> Iterator[TokenSegment]:
    count = -(-len(ids) // segment_tokens)
    bounds = [len(ids) * i // count for i in range(count + 1)] if count else []
    for start, end in pairwise(bounds):
        # Copies, because a view would keep the whole text in memory.
        yield TokenSegment(ids[start:end].copy(), first[(first >= start) & (first < end)] - start)
