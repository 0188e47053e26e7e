"""The tagger: texts to entities, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (logits to labels to spans, CPU).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from litmine.errors import ModelError
from litmine.models.decoder import Decoder, Logits
from litmine.models.halving import Failed, halve
from litmine.models.heads import CHAINED, Head, Settings
from litmine.models.words import WordReader, Words
from litmine.text.windows import windows
from litmine.types import Entity

# Tokens a batch: about where a CPU's caches and a large GPU's compute units are full.
BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}


def unwatched(share: float) -> None:
    """Nobody watches."""


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
        bounds = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        used = [settings.heads.index(head) for head in self.heads]
        self._outputs = torch.tensor([i for head in used for i in range(bounds[head], bounds[head + 1])], device=device)
        chain = getattr(network, "chain", None)
        self._decoder = Decoder(
            [head.labels for head in self.heads],
            None if chain is None else chain.transitions()[used].detach().cpu().numpy(),
        )

    @property
    def name(self) -> str:
        """`name@digest`, as the lake knows the model."""
        return f"{self.settings.name}@{self.digest}"

    @property
    def entity_types(self) -> list[str]:
        return self._decoder.entity_types

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order of their offsets (ModelError when a text makes the model fail)."""
        words = self.read(texts)
        found = []
        for i, entities in enumerate(self.decode(texts, words, self.label(words))):
            if isinstance(entities, Failed):
                raise ModelError(f"text {i} makes {self.name} fail ({entities.why}); leave it out")
            found.append(entities)
        return found

    def read(self, texts: Sequence[str]) -> list[Words | Failed]:
        """Tokenise."""
        return halve(self._reader.read, texts, lambda: None)

    def label(
        self, texts: Sequence[Words | Failed], watch: Callable[[float], None] = unwatched
    ) -> list[Logits | Failed]:
        """Run the network over every text, in windows where it is long.

        `watch` is told before each batch which share of the tokens is done, and may raise to stop.
        """
        logits: list[Logits | Failed] = [
            words if isinstance(words, Failed) else np.zeros((len(words), len(self._outputs)), dtype=np.float32)
            for words in texts
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
                kept = logits[piece.text]
                if isinstance(result, Failed):
                    logits[piece.text] = result
                elif not isinstance(kept, Failed):
                    kept[piece.first_word : piece.last_word] = result
        return logits

    def decode(
        self, texts: Sequence[str], words: Sequence[Words | Failed], logits: Sequence[Logits | Failed]
    ) -> list[list[Entity] | Failed]:
        """Logits to entities: a mention's score is the mean probability of its words' labels."""
        good = [
            (text, own, said)
            for text, own, said in zip(texts, words, logits, strict=True)
            if isinstance(own, Words) and not isinstance(said, Failed)
        ]
        entities = iter(self._decoder.entities(good))
        return [said if isinstance(said, Failed) else next(entities) for said in logits]

    def _pieces(self, text: int, words: Words) -> list[Piece]:
        if not len(words):
            return []
        cuts = windows(
            len(words.ids), self.settings.window - 2, self.settings.overlap, self.settings.decoding == CHAINED
        )
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

    def _compute(self, texts: Sequence[Words | Failed], batch: Sequence[Piece]) -> list[Logits]:
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
        logits = self._infer(
            torch.from_numpy(ids),
            mask,
            torch.from_numpy(np.concatenate(rows)),
            torch.from_numpy(np.concatenate(columns)),
        )
        return np.split(logits, np.cumsum([len(column) for column in columns])[:-1])

    @torch.inference_mode()
    def _infer(self, ids: torch.Tensor, mask: torch.Tensor | None, rows: torch.Tensor, columns: torch.Tensor) -> Logits:
        """Only the words' logits leave the device, and of these the heads' in use."""
        device = self.device
        logits = self._network(ids.to(device), None if mask is None else mask.to(device))
        said: Logits = logits[rows.to(device), columns.to(device)].float()[:, self._outputs].cpu().numpy()
        if not np.isfinite(said).all():
            raise ModelError("the model's output is not a number")
        return said

    def _still_works(self) -> None:
        try:
            first = torch.zeros(1, dtype=torch.int64)
            self._infer(torch.tensor([[self._begin, self._end]]), None, first, first)
        except Exception as error:
            raise ModelError(f"{self.name} fails on every text on {self.device}: {error}") from error
