"""The interface between tasks and workers: what a model and a unit of work must implement, and the records they use.

The pipeline (`litmine.pipeline`) splits work into units. A worker (`litmine.runtime.worker`) loads the models of a
group of units once. For each unit it calls:

1. `Unit.remaining()`, which skips the targets that exist;
2. `Unit.load()`, which reads the items;
3. `WorkerModels.read()`, which tokenizes the items once for all models of the unit;
4. `WorkerModels.label()`, which runs the networks that read only the items;
5. `LoadedUnit.write()`, which for each step calls `WorkerModels.label_with_inputs()`, if the step's network reads the
   results of other models too, then `StepModel.decode()`, and writes the step's target.

A worker runs up to UNITS_PER_WORKER units at the same time, each in a thread, so that the device does not wait: while
one unit is in call 4, others are in the calls before or after it. So `read` and `decode` must be thread-safe. Rows stay
in the worker; it returns only a `UnitResult`.

A new task whose unit is an article part implements `StepModel` only, because `litmine.tasks.part_unit` is its unit.
`litmine.specs.spec.TaskSpec` names the other functions of a task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from litmine.lake.paths import LakePath
from litmine.lake.runs import Gap
from litmine.lake.targets import UpstreamRows

# One unit is read, one is computed, one is written.
UNITS_PER_WORKER = 3
MAX_WORKERS_PER_GPU = 8


# The model


class StepModel(Protocol):
    """A loaded model of any task, as `TaskSpec.load` returns it.

    A model with a network is a subclass of `litmine.nn.network_model.NetworkModel`, which adds `read`, `label`,
    `device` and `precision`. If its network reads the step's inputs too, it has the attribute `reads_inputs`, which is
    true, and in place of `label` a method `label_with_inputs(items, read, inputs, watch)`. Such a model may have
    `shared_top(read)`, a top that runs with the others of its trunk; `label_with_inputs` then gets that top's result as
    `shared`. A model without a network (`TaskSpec.network` is False) needs only `name` and `decode`, and decodes the
    items and inputs.
    """

    @property
    def name(self) -> str:
        """`name@digest`."""
        ...

    def decode(
        self, items: Sequence[Any], read: Sequence[Any], labels: Any, inputs: Sequence[UpstreamRows]
    ) -> Sequence[Any]:
        """One result per item, in the order of the items, of any type that `TaskSpec.rows` accepts.

        The result of an item that the model fails on is a `litmine.nn.failure_isolation.FailedItem`. `read` has
        the tokenized items from `WorkerModels.read`, `labels` this model's output from `WorkerModels.label` or
        `WorkerModels.label_with_inputs`. `labels` is None for a model without a network. `inputs` has an element for
        each input of the step, with the rows of all items. A MemoryError makes the unit a gap; any other exception ends
        the run.
        """
        ...


class WorkerModels(Protocol):
    """The loaded models of a worker, by `name@digest`; `read` and `label` ignore models without a network."""

    def read(self, models: Sequence[str], items: Sequence[Any]) -> Sequence[Any]:
        """Tokenize the items once for all `models`, which share a tokenizer; empty if none of them has a network.

        An item that cannot be tokenized becomes a `FailedItem`.
        """
        ...

    def label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> dict[str, Any]:
        """Run the networks on tokenized items; returns the output of each model, in the form that its `decode` takes.

        `watch` is called before each batch with the share of the tokens already started; it may raise to stop the run.
        Of a network that reads the inputs of its step, the result is that of its shared top, if it has one and other
        networks run too; `label_with_inputs` takes it.
        """
        ...

    def label_with_inputs(
        self, model: str, items: Sequence[Any], read: Sequence[Any], inputs: Sequence[UpstreamRows], label: Any
    ) -> Any:
        """The output of a network that reads its step's inputs, computed where `label` computes.

        label: what `label` returned for the model, which is the output of any other model.
        """
        ...

    def model(self, name: str) -> StepModel:
        """The model with this `name@digest`."""
        ...


# The unit of work


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model a worker loads, and how.

    ref: the reference to load. model: the `name@digest` that it must have; a worker refuses any other. task: the name
    of the model's task. network: whether the model has a neural network. trunk: the digest of the encoder that the
    model shares with others, empty if it has its own or none. vocabulary: the reference of the vocabulary of a model
    that links (`TaskSpec.vocabulary`); the built-in one if empty.
    """

    ref: str
    model: str
    device: str = "auto"
    precision: str = "auto"
    batch_tokens: int | None = None
    task: str = "ner"
    network: bool = True
    trunk: str = ""
    vocabulary: str = ""


@dataclass(frozen=True, slots=True)
class UnitTimings:
    """Wall time of the stages of a unit in seconds; `wait` is the time until its turn to compute."""

    load: float = 0.0
    read: float = 0.0
    wait: float = 0.0
    compute: float = 0.0
    decode: float = 0.0
    write: float = 0.0


@dataclass(frozen=True, slots=True)
class ComputeInfo:
    """How a worker computed a unit, for the footers of its targets: wall time in seconds, and tokens read."""

    device: str
    precision: str
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of one step: what happened to its target.

    table: the target's table. rows: rows in the target. gaps: what could not be read. exists: whether the target exists
    now; if not, `gaps` has the reason. written: False if another run had written the target before. decode, write:
    seconds.
    """

    table: str
    rows: int = 0
    gaps: tuple[Gap, ...] = ()
    exists: bool = True
    written: bool = True
    decode: float = 0.0
    write: float = 0.0


class LoadedUnit(Protocol):
    """A unit with its items in memory."""

    @property
    def items(self) -> Sequence[Any]:
        """What the models read: the texts of a part, or pairs of a question and a text."""
        ...

    @property
    def models(self) -> Sequence[str]:
        """The `name@digest` of the model of each step."""
        ...

    def write(
        self, models: WorkerModels, read: Sequence[Any], labels: dict[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        """Decode and write the target of each step, in the order of the steps; a step may read an earlier one's target.

        `read` and `labels` are the results of `WorkerModels.read` and `WorkerModels.label`. A target is written whole
        and only if it does not exist. Raises SchemaError for rows that do not fit their table or text, which is a bug
        of the model, and LakeError when a file cannot be written.
        """
        ...


class Unit(Protocol):
    """A unit of work: items that a group of models reads together, and one target for each step.

    Units are hashable and small, because they are sent to workers; equal units have the same targets.
    """

    @property
    def lake(self) -> LakePath:
        """The lake that the unit reads and writes."""
        ...

    @property
    def model_specs(self) -> tuple[ModelSpec, ...]:
        """The models that a worker loads for the unit; units with the same models go to the same workers."""
        ...

    @property
    def size(self) -> int:
        """Number of items, for the order of the units and for progress."""
        ...

    @property
    def name(self) -> str:
        """The unit's name in gaps: a file of the lake."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """The table of each step."""
        ...

    def remaining(self) -> "Unit | None":
        """The unit with only those steps whose target does not exist yet; None if there is no such step."""
        ...

    def load(self) -> LoadedUnit:
        """Read the items. Raises LakeError when their file is damaged."""
        ...


@dataclass(frozen=True, slots=True)
class UnitResult:
    """The result of a unit: number of items and tokens, wall time in seconds, and the result of each step."""

    unit: Unit
    items: int = 0
    tokens: int = 0
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    device: str | None = None
    precision: str | None = None
    timings: UnitTimings = UnitTimings()

    @property
    def rows(self) -> int:
        """Number of rows in all targets."""
        return sum(step.rows for step in self.steps)

    @property
    def targets(self) -> int:
        """Number of targets that exist now."""
        return sum(step.exists for step in self.steps)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps of all steps, without duplicates."""
        return tuple(dict.fromkeys(gap for step in self.steps for gap in step.gaps))

    @classmethod
    def failure(cls, unit: Unit, why: str) -> "UnitResult":
        """The result of a unit that could not be read or computed: no target, and one gap."""
        gap = Gap(unit.name, why)
        return cls(
            unit, steps=tuple(StepResult(table, gaps=(gap,), exists=False, written=False) for table in unit.tables)
        )


def out_of_memory_reason(error: MemoryError) -> str:
    """The reason that the gap of a unit gives after a MemoryError."""
    details = f" ({error})" if str(error) else ""
    return f"not enough memory{details}; run the command again with fewer workers or --batch-tokens"
