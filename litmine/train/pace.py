"""How a training gets on: steps, loss, tokens a second and the time left, said now and then."""

import math
import time
from collections.abc import Callable

_SAY_SECONDS = 30.0


class Pace:
    """Counts from `step` to `total`; `tokens` and `seconds` are those of this run, `loss` is a running mean."""

    def __init__(self, total: int, step: int, say: Callable[[str], None]) -> None:
        self.tokens = 0
        self.loss = math.nan
        self._total, self._first, self._step, self._say = total, step, step, say
        self._started = self._said = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since the run began."""
        return time.monotonic() - self._started

    def step(self, tokens: int, loss: float) -> None:
        """Take note of a step."""
        self._step += 1
        self.tokens += tokens
        self.loss = loss if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss
        if time.monotonic() - self._said > _SAY_SECONDS:
            self._said = time.monotonic()
            left = (self._total - self._step) * self.seconds / (self._step - self._first) / 60
            self._say(
                f"step {self._step:,} of {self._total:,}: loss {self.loss:.4f},"
                f" {self.tokens / self.seconds:,.0f} tokens/s,"
                f" {left:.0f} min left"
            )
