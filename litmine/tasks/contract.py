"""What passes between the plan and the workers: small records, never rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from litmine.lake.place import Place
from litmine.lake.runs import Gap

# Tasks that a worker has in hand at a time: one is read, one computed, one written.
THREADS = 3
# Workers that share a GPU at most.
SHARERS = 8


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model is to be loaded: `ref` is what loads it, `model` the name@digest that must come of it.

    `task` is the task that it is a model of.
    """

    ref: str
    model: str
    device: str = "auto"
    precision: str = "auto"
    batch_tokens: int | None = None
    task: str = "ner"


@dataclass(frozen=True, slots=True)
class Stages:
    """Where a task's seconds went: waiting is for the task before it, which computes."""

    take: float = 0.0
    read: float = 0.0
    wait: float = 0.0
    compute: float = 0.0
    decode: float = 0.0
    write: float = 0.0


@dataclass(frozen=True, slots=True)
class Made:
    """How a worker made what it found: wall time in seconds, tokens read, and on what."""

    device: str
    precision: str
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a target: False when another run had made it meanwhile; rows, and what could not be read."""

    written: bool
    rows: int
    gaps: tuple[Gap, ...] = ()


class Hand(Protocol):
    """What a worker has in hand of one task: the items that the model reads, one result each."""

    @property
    def items(self) -> Sequence[Any]: ...

    def write(self, found: Sequence[Any], made: Made) -> Written:
        """Write the target; a result is what the model decodes, or Failed."""
        ...


class Task(Protocol):
    """One target to be made by one model. Equal tasks make the same target; hashable, and small enough to be sent.

    `size` is how many items it has; `name` is what a gap calls it.
    """

    @property
    def lake(self) -> Place: ...

    @property
    def loading(self) -> Loading: ...

    @property
    def size(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> Place:
        """The file exists = the work is done."""
        ...

    def take(self) -> Hand:
        """Read what the model is to read. Raises LakeError when it is damaged."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """A finished task: items read, rows written, tokens, seconds of wall time, and what could not be read.

    `made` is False when there is no target: the task could not be done, and `gaps` says why. `written` is False when
    another run had made the target meanwhile.
    """

    task: Task
    items: int = 0
    rows: int = 0
    tokens: int = 0
    seconds: float = 0.0
    gaps: tuple[Gap, ...] = ()
    made: bool = True
    written: bool = True
    device: str | None = None
    precision: str | None = None
    stages: Stages = Stages()

    @classmethod
    def undone(cls, task: Task, why: str) -> "Done":
        """A task that could not be done."""
        return cls(task, gaps=(Gap(task.name, why),), made=False, written=False)


def out_of_memory(error: MemoryError) -> str:
    """Why a task could not be done when there was no room for it."""
    said = f" ({error})" if str(error) else ""
    return f"there was not enough memory for it{said}; run the command again with fewer workers or --batch-tokens"
