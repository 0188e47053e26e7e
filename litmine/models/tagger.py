"""The tagger: texts to entities, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (labels to spans, CPU).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.errors import ModelError
from litmine.models.halving import Failed, halve
from litmine.models.heads import Head, Settings
from litmine.models.words import WordReader, Words
from litmine.text.tags import TagSet
from litmine.text.windows import windows
from litmine.types import Entity

# Tokens a batch: about where a CPU's caches and a large GPU's compute units are full.
BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}


def unwatched(share: float) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The likeliest label of each word and its probability, for each head: both (words, heads)."""

    label: NDArray[np.uint8]
    probability: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of one text: tokens `start` to `end`, of which words `first_word` to `last_word` are kept."""

    text: int
    start: int
    end: int
    first_word: int
    last_word: int

    @property
    def tokens(self) -> int:
        return self.end - self.start


class Tagger:
    """A loaded model. `name` and `digest` say which; `annotate` does it all in one call.

    Attributes: `settings` (heads, window, overlap), `heads` (those in use), `device`, `precision` (`float32` or
    `bf16`), `batch_tokens` (tokens a batch, padding included).
    """

    def __init__(
        self,
        network: torch.nn.Module,
        reader: WordReader,
        settings: Settings,
        heads: Sequence[Head],
        digest: str,
        special: tuple[int, int, int],
        device: torch.device,
        precision: str,
        batch_tokens: int | None = None,
    ) -> None:
        self.settings = settings
        self.digest = digest
        self.device = device
        self.precision = precision
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(device.type, BATCH_TOKENS["cpu"])
        self.heads = list(heads)
        self._network = network
        self._reader = reader
        self._begin, self._end, self._pad = special
        self._tags = [TagSet(head.labels) for head in self.heads]
        bounds = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        self._columns = [slice(bounds[i], bounds[i + 1]) for i in (settings.heads.index(head) for head in self.heads)]

    @property
    def name(self) -> str:
        """`name@digest`, as the lake knows the model."""
        return f"{self.settings.name}@{self.digest}"

    @property
    def entity_types(self) -> list[str]:
        return sorted({entity_type for tags in self._tags for entity_type in tags.entity_types})

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order of their offsets (ModelError when a text makes the model fail)."""
        words = self.read(texts)
        labels = self.label(words)
        found = []
        for i, text in enumerate(texts):
            entities = self.decode(text, words[i], labels[i])
            if isinstance(entities, Failed):
                raise ModelError(f"text {i} makes {self.name} fail ({entities.why}); leave it out")
            found.append(entities)
        return found

    def read(self, texts: Sequence[str]) -> list[Words | Failed]:
        """Tokenise."""
        return halve(self._reader.read, texts, lambda: None)

    def label(
        self, texts: Sequence[Words | Failed], watch: Callable[[float], None] = unwatched
    ) -> list[Labels | Failed]:
        """Run the network over every text, in windows where it is long.

        `watch` is told before each batch which share of the tokens is done, and may raise to stop.
        """
        labels: list[Labels | Failed] = [
            words if isinstance(words, Failed) else self._blank(len(words)) for words in texts
        ]
        pieces = [
            piece for i, words in enumerate(texts) if isinstance(words, Words) for piece in self._pieces(i, words)
        ]
        pieces.sort(key=lambda piece: piece.tokens, reverse=True)
        todo, done = sum(piece.tokens for piece in pieces), 0
        for batch in self._batches(pieces):
            watch(done / todo)
            done += sum(piece.tokens for piece in batch)
            computed = halve(lambda part: self._compute(texts, part), batch, self._still_works)
            for piece, result in zip(batch, computed, strict=True):
                kept = labels[piece.text]
                if isinstance(result, Failed):
                    labels[piece.text] = result
                elif isinstance(kept, Labels):
                    kept.label[piece.first_word : piece.last_word] = result.label
                    kept.probability[piece.first_word : piece.last_word] = result.probability
        return labels

    def decode(self, text: str, words: Words | Failed, labels: Labels | Failed) -> list[Entity] | Failed:
        """Labels to entities: a mention's score is the mean probability of its words' labels."""
        if isinstance(words, Failed):
            return words
        if isinstance(labels, Failed):
            return labels
        entities = []
        for column, tags in enumerate(self._tags):
            probability = labels.probability[:, column]
            for first, last, entity_type in tags.spans(labels.label[:, column]):
                start, end = int(words.start[first]), int(words.end[last - 1])
                score = float(probability[first:last].mean(dtype=np.float64))
                entities.append(Entity(text[start:end], entity_type, start, end, min(score, 1.0)))
        entities.sort(key=lambda entity: (entity.start_char, entity.end_char, entity.entity_type))
        return entities

    def _blank(self, words: int) -> Labels:
        shape = (words, len(self.heads))
        return Labels(np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.float32))

    def _pieces(self, text: int, words: Words) -> list[Piece]:
        if not len(words):
            return []
        cuts = windows(len(words.ids), self.settings.window - 2, self.settings.overlap)
        bounds = np.searchsorted(words.first, [*(cut.keep_start for cut in cuts), len(words.ids)]).tolist()
        return [Piece(text, cut.start, cut.end, bounds[i], bounds[i + 1]) for i, cut in enumerate(cuts)]

    def _batches(self, pieces: Sequence[Piece]) -> list[list[Piece]]:
        """Pieces, longest first, in batches of at most `batch_tokens` tokens, padding included."""
        batches: list[list[Piece]] = []
        for piece in pieces:
            if not batches or (batches[-1][0].tokens + 2) * (len(batches[-1]) + 1) > self.batch_tokens:
                batches.append([])
            batches[-1].append(piece)
        return batches

    def _compute(self, texts: Sequence[Words | Failed], batch: Sequence[Piece]) -> list[Labels]:
        longest = batch[0].tokens + 2
        ids = np.full((len(batch), longest), self._pad, dtype=np.int64)
        lengths = np.array([piece.tokens + 2 for piece in batch])
        rows, columns = [], []
        for row, piece in enumerate(batch):
            words = texts[piece.text]
            assert isinstance(words, Words)
            ids[row, 0] = self._begin
            ids[row, 1 : piece.tokens + 1] = words.ids[piece.start : piece.end]
            ids[row, piece.tokens + 1] = self._end
            kept = words.first[piece.first_word : piece.last_word]
            rows.append(np.full(len(kept), row))
            columns.append(kept - piece.start + 1)
        mask = None if (lengths == longest).all() else torch.from_numpy(np.arange(longest) < lengths[:, None])
        label, probability = self._infer(
            torch.from_numpy(ids),
            mask,
            torch.from_numpy(np.concatenate(rows)),
            torch.from_numpy(np.concatenate(columns)),
        )
        edges = np.cumsum([0, *(len(column) for column in columns)])
        return [Labels(label[start:end], probability[start:end]) for start, end in pairwise(edges)]

    @torch.inference_mode()
    def _infer(
        self, ids: torch.Tensor, mask: torch.Tensor | None, rows: torch.Tensor, columns: torch.Tensor
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Only the words' labels and probabilities leave the device."""
        device = self.device
        logits = self._network(ids.to(device), None if mask is None else mask.to(device))
        logits = logits[rows.to(device), columns.to(device)].float()
        best = [logits[:, columns].softmax(dim=-1).max(dim=-1) for columns in self._columns]
        probability = torch.stack([values for values, _ in best], dim=1)
        if not bool(probability.isfinite().all()):
            raise ModelError("the model's output is not a number")
        label = torch.stack([indices for _, indices in best], dim=1).to(torch.uint8)
        return label.cpu().numpy(), probability.cpu().numpy()

    def _still_works(self) -> None:
        try:
            first = torch.zeros(1, dtype=torch.int64)
            self._infer(torch.tensor([[self._begin, self._end]]), None, first, first)
        except Exception as error:
            raise ModelError(f"{self.name} fails on every text on {self.device}: {error}") from error
