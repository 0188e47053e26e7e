"""How a training gets on: steps, their losses, tokens a second and the time left, said now and then."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from litmine.training.checkpoint import writing

_SAY_SECONDS = 30.0
_LOSS_FILE = "loss.tsv"


class Pace:
    """Counts the steps up to `total`.

    `losses` are those of every step; `tokens` and `seconds` those of every run of this training, killed ones as far as
    their last checkpoint; `loss` is a running mean.
    """

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self.losses: list[float] = []
        self.tokens = 0
        self.loss = math.nan
        self.total = total
        self._say = say
        self._earlier = 0.0
        self._started = self._ended = self._said = time.monotonic()

    @property
    def steps(self) -> int:
        """How many are done."""
        return len(self.losses)

    @property
    def seconds(self) -> float:
        """Wall time of the training, to its last step."""
        return self._earlier + self._ended - self._started

    def go_on(self, losses: Sequence[float], tokens: int, seconds: float) -> None:
        """Stand where an earlier run stood."""
        for loss in losses:
            self._take(loss)
        self.tokens, self._earlier = tokens, seconds

    def step(self, tokens: int, loss: float) -> None:
        """Take note of a step."""
        self._take(loss)
        self.tokens += tokens
        self._ended = time.monotonic()
        if self._ended - self._said > _SAY_SECONDS:
            self._said = self._ended
            left = (self.total - self.steps) * self.seconds / self.steps / 60
            self._say(
                f"step {self.steps:,} of {self.total:,}: loss {self.loss:.4f},"
                f" {self.tokens / self.seconds:,.0f} tokens/s,"
                f" {left:.0f} min left"
            )

    def save(self, folder: Path) -> None:
        """Write the loss of every step, `step TAB loss` a line."""
        lines = [f"{step}\t{loss:.7g}\n" for step, loss in enumerate(self.losses, 1)]
        with writing(folder):
            (folder / _LOSS_FILE).write_text("".join(["step\tloss\n", *lines]), encoding="utf-8")

    def _take(self, loss: float) -> None:
        self.losses.append(loss)
        self.loss = loss if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss
