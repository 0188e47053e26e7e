"""The settings of how a model is loaded that every command has that runs one.

What passes between the plan and the workers: small records, never rows; and what a worker needs of a model.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Protocol

from litmine.lake.paths import Place
from litmine.lake.runs import Gap
from litmine.lake.targets import Upstream
from litmine.settings import setting

# Units that a worker has in hand at a time: one is read, one computed, one written.
THREADS = 3
# Workers that share a GPU at most.
SHARERS = 8


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model is to be loaded: `ref` is what loads it, `model` the name@digest that must come of it.

    `task` is the task that it is a model of. `network` is False where it computes without one. `trunk` is the digest of
    the encoder that it shares with other models; empty where it has one of its own, or none.
    """

    ref: str
    model: str
    device: str = "auto"
    precision: str = "auto"
    batch_tokens: int | None = None
    task: str = "ner"
    network: bool = True
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class Stages:
    """Where a unit's seconds went: waiting is for the unit before it, which computes."""

    take: float = 0.0
    read: float = 0.0
    wait: float = 0.0
    compute: float = 0.0
    decode: float = 0.0
    write: float = 0.0


@dataclass(frozen=True, slots=True)
class ComputeInfo:
    """How a worker made what it found: wall time in seconds, tokens read, and on what."""

    device: str
    precision: str
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of one target: rows, what could not be read, and seconds of decoding and writing.

    `written` is False when another run had made it meanwhile. `made` is False when it could not be made, and `gaps`
    says why.
    """

    table: str
    rows: int = 0
    gaps: tuple[Gap, ...] = ()
    made: bool = True
    written: bool = True
    decode: float = 0.0
    write: float = 0.0


class StepModel(Protocol):
    """A loaded model, as its task's loader gives it.

    A network reads what it is given in `read` and `label`; one of a shared encoder leaves both to `litmine.nn.engine`.
    A model without a network has no `label`, and decodes what its inputs say.
    """

    @property
    def name(self) -> str:
        """name@digest."""
        ...

    def decode(
        self, items: Sequence[Any], read: Sequence[Any], labels: Any, inputs: Sequence[Upstream]
    ) -> Sequence[Any]:
        """One result an item, or `litmine.nn.failure_isolation.FailedItem`."""
        ...


class Models(Protocol):
    """The models of a unit, loaded by a worker: what of them computes, and each by its name@digest."""

    def read(self, models: Sequence[str], items: Sequence[Any]) -> Sequence[Any]:
        """Tokenise the items for these models; empty where none of them computes with a network."""
        ...

    def label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> dict[str, Any]:
        """What the networks say, by model; `watch` is told the share of the tokens that is done, and may raise."""
        ...

    def model(self, name: str) -> StepModel: ...


class LoadedTask(Protocol):
    """What a worker has in hand of one unit: its items, and the models that read them."""

    @property
    def items(self) -> Sequence[Any]: ...

    @property
    def models(self) -> Sequence[str]: ...

    def write(
        self, models: Models, read: Sequence[Any], labels: dict[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        """Decode and write the targets, in the order of the steps."""
        ...


class Unit(Protocol):
    """What a worker does at a time: items that one group of models reads, and a target for each step.

    Equal units make the same targets; hashable, and small enough to be sent. `loadings` are the models that are loaded
    together; `size` is how many items it has; `name` is what a gap calls it.
    """

    @property
    def lake(self) -> Place: ...

    @property
    def loadings(self) -> tuple[Loading, ...]: ...

    @property
    def size(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> Sequence[str]:
        """The table of each step."""
        ...

    def left(self) -> "Unit | None":
        """What of it is still to be done: a file that exists is done work. None when nothing is."""
        ...

    def take(self) -> LoadedTask:
        """Read the items. Raises LakeError when they are damaged."""
        ...


@dataclass(frozen=True, slots=True)
class UnitResult:
    """A finished unit: items read, tokens, seconds of wall time, and what became of each step's target."""

    unit: Unit
    items: int = 0
    tokens: int = 0
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    device: str | None = None
    precision: str | None = None
    stages: Stages = Stages()

    @property
    def rows(self) -> int:
        return sum(step.rows for step in self.steps)

    @property
    def made(self) -> int:
        """How many targets there are now."""
        return sum(step.made for step in self.steps)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read, each once."""
        return tuple(dict.fromkeys(gap for step in self.steps for gap in step.gaps))

    @classmethod
    def undone(cls, unit: Unit, why: str) -> "UnitResult":
        """A unit that could not be done."""
        gap = Gap(unit.name, why)
        return cls(
            unit, steps=tuple(StepResult(table, gaps=(gap,), made=False, written=False) for table in unit.tables)
        )


def out_of_memory(error: MemoryError) -> str:
    """Why a unit could not be done when there was no room for it."""
    said = f" ({error})" if str(error) else ""
    return f"there was not enough memory for it{said}; run the command again with fewer workers or --batch-tokens"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model computes."""

    _: KW_ONLY
    precision: Literal["auto", "float32", "bf16"] = setting(
        "Arithmetic of the model; auto takes bf16 where the processor or GPU has it.", "auto"
    )
    batch_tokens: int | None = setting(
        "Tokens a batch, padding included.", None, unset="what suits the device", at_least=1
    )
