"""What passes between the plan and the workers: small records, never rows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model is to be run: `ref` is what loads it, `model` the name@digest that must come of it."""

    ref: str
    model: str
    device: str = "auto"
    precision: str = "auto"
    batch_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One part to be read by one model; `texts` is how many it holds."""

    lake: Path
    part: Path
    texts: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Done:
    """A finished task: counts, seconds of wall time, and what could not be read.

    `failed` are texts, as (PMID, reason): their target is written without them. `unreadable` is why the whole part has
    no target. `written` is False when another run had made the target meanwhile.
    """

    task: Task
    texts: int = 0
    entities: int = 0
    tokens: int = 0
    seconds: float = 0.0
    failed: tuple[tuple[int, str], ...] = ()
    unreadable: str | None = None
    written: bool = True
    device: str | None = None
    precision: str | None = None
