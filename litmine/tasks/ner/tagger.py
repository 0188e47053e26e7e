"""The tagger: texts to entities, in three stages that a worker runs side by side.

`read` (tokenizer, CPU) -> `label` (network, accelerator) -> `decode` (what it leaves open to labels to spans, CPU).
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import numpy as np
import torch

from litmine.errors import ModelError
from litmine.nn.batch import Piece, Row, batches_of, pieces_of, row_of
from litmine.nn.failure_isolation import Failed, halve
from litmine.nn.kernels import Kernels
from litmine.nn.tokenized_text import Words
from litmine.nn.tokenizer import WordReader
from litmine.tasks.ner.candidates import Open, Said
from litmine.tasks.ner.decoder import Decoder
from litmine.tasks.ner.engine import Choices, Engine, Running
from litmine.tasks.ner.settings import FIRST, Head, Settings
from litmine.types import Entity

# Tokens a batch: about where a CPU's caches and a large GPU's compute units are full.
BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
# Batches that a device has at a time: what it works on, and the next.
_AHEAD = 2


def unwatched(share: float) -> None:
    """Nobody watches."""


class Tagger:
    """A loaded model. `name` and `digest` say which; `annotate` does it all in one call.

    Attributes: `settings` (heads, window, overlap), `heads` (those in use), `device`, `precision` (`float32` or
    `bf16`), `batch_tokens` (tokens a batch, what is padded included), `packs` (nothing is padded).
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
        kernels: Kernels | None = None,
    ) -> None:
        """`kernels` to pack texts with; without them they are padded."""
        self.settings = settings
        self.digest = digest
        self.device = device
        self.precision = precision
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(device.type, BATCH_TOKENS["cpu"])
        self.packs = kernels is not None
        self.heads = list(heads)
        self._reader = reader
        self._begin, self._end, pad = special
        edges = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
        used = [settings.heads.index(head) for head in self.heads]
        chain = getattr(network, "chain", None)
        transitions = None if chain is None else chain.transitions()[used].detach().cpu().numpy()
        self._decoder = Decoder([head.labels for head in self.heads], transitions)
        asked = Choices.of([range(edges[i], edges[i + 1]) for i in used], self._decoder.outside, transitions)
        self._engine = Engine(network, asked, settings.window, pad, device, kernels)

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

    def label(self, texts: Sequence[Words | Failed], watch: Callable[[float], None] = unwatched) -> Said:
        """Run the network over every text, in windows where it is long.

        `watch` is told before each batch which share of the tokens is given to the network, and may raise to stop.
        """
        window, overlap, tight = self.settings.window, self.settings.overlap, self.settings.decoding != FIRST
        pieces = [
            piece
            for i, words in enumerate(texts)
            if isinstance(words, Words)
            for piece in pieces_of(i, words, window, overlap, tight)
        ]
        failed = {i: words for i, words in enumerate(texts) if isinstance(words, Failed)}
        found: list[Open] = []
        for batch, computed in self._computed(texts, batches_of(pieces, self.batch_tokens, not self.packs), watch):
            for piece, result in zip(batch, computed, strict=True):
                if isinstance(result, Failed):
                    failed[piece.text] = result
                elif result is not None:
                    found.append(result)
        return Said(Open.joined(found), failed)

    def decode(
        self,
        texts: Sequence[str],
        words: Sequence[Words | Failed],
        said: Said,
        inputs: Sequence[object] = (),  # noqa: ARG002
    ) -> list[list[Entity] | Failed]:
        """What may be in a mention to entities: a score is the mean probability of the words' labels."""
        found: list[list[Entity] | Failed] = [*self._decoder.entities(texts, words, said.open)]
        for i, failed in said.failed.items():
            found[i] = failed
        return found

    def _computed(
        self, texts: Sequence[Words | Failed], batches: Sequence[list[Piece]], watch: Callable[[float], None]
    ) -> Iterator[tuple[list[Piece], list[Open | Failed | None]]]:
        """Each batch, and what came of its pieces; a GPU has the next batch before it is asked for one."""
        todo, done = sum(piece.tokens for batch in batches for piece in batch), 0
        begun: deque[tuple[list[Piece], Running | None]] = deque()
        for batch in batches:
            watch(done / todo)
            done += sum(piece.tokens for piece in batch)
            begun.append((batch, self._begun(texts, batch)))
            if len(begun) == (1 if self.device.type == "cpu" else _AHEAD):
                yield self._finished(texts, *begun.popleft())
        while begun:
            yield self._finished(texts, *begun.popleft())

    def _begun(self, texts: Sequence[Words | Failed], batch: list[Piece]) -> Running | None:
        # Which text makes it fail is looked for when the result is asked for.
        with suppress(Exception):
            return self._engine.begin(row_of(batch, texts, self._begin, self._end))
        return None

    def _finished(
        self, texts: Sequence[Words | Failed], batch: list[Piece], running: Running | None
    ) -> tuple[list[Piece], list[Open | Failed | None]]:
        begun = [running]

        def compute(part: Sequence[Piece]) -> list[Open | None]:
            under_way = begun.pop() if begun else None
            under_way = under_way or self._engine.begin(row_of(part, texts, self._begin, self._end))
            # The first piece stands for all.
            return [under_way.result(), *[None] * (len(part) - 1)]

        return batch, halve(compute, batch, self._still_works)

    def _still_works(self) -> None:
        try:
            self._engine.begin(Row.empty(self._begin, self._end)).result()
        except Exception as error:
            raise ModelError(f"{self.name} fails on every text on {self.device}: {error}") from error
