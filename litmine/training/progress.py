"""Training progress: the loss of every step, tokens per second and the time left, logged every 30 seconds."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from litmine.training.checkpoint import model_write_errors

_LOG_SECONDS = 30.0
LOSS_FILE = "loss.tsv"


class TrainingProgress:
    """Counts the steps of a training up to `total`.

    `losses` holds the loss of every step and `loss` their running mean. `tokens` and `seconds` include earlier runs of
    the same training up to their last checkpoint.
    """

    def __init__(self, total: int, log: Callable[[str], None]) -> None:
        self.losses: list[float] = []
        self.tokens = 0
        self.loss = math.nan
        self.total = total
        self._log = log
        self._earlier_seconds = 0.0
        self._started = self._last_step = self._last_log = time.monotonic()

    @property
    def steps(self) -> int:
        """The number of completed steps."""
        return len(self.losses)

    @property
    def seconds(self) -> float:
        """Wall time of the training up to its last step."""
        return self._earlier_seconds + self._last_step - self._started

    def restore(self, losses: Sequence[float], tokens: int, seconds: float) -> None:
        """Continue from the values of an earlier run."""
        for loss in losses:
            self._add_loss(loss)
        self.tokens, self._earlier_seconds = tokens, seconds

    def step(self, tokens: int, loss: float) -> None:
        """Count a step, and log the progress if the last message is 30 seconds old."""
        self._add_loss(loss)
        self.tokens += tokens
        self._last_step = time.monotonic()
        if self._last_step - self._last_log > _LOG_SECONDS:
            self._last_log = self._last_step
            minutes_left = (self.total - self.steps) * self.seconds / self.steps / 60
            self._log(
                f"step {self.steps:,} of {self.total:,}: loss {self.loss:.4f},"
                f" {self.tokens / self.seconds:,.0f} tokens/s,"
                f" {minutes_left:.0f} min left"
            )

    def save(self, folder: Path) -> None:
        """Write `loss.tsv`: a header, and `step TAB loss` per step."""
        lines = [f"{step}\t{loss:.7g}\n" for step, loss in enumerate(self.losses, 1)]
        with model_write_errors(folder):
            (folder / LOSS_FILE).write_text("".join(["step\tloss\n", *lines]), encoding="utf-8")

    def _add_loss(self, loss: float) -> None:
        self.losses.append(loss)
        self.loss = loss if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss
