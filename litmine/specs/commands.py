"""What passes between `litmine train` or `litmine evaluate` and the task whose code they run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Tells the user how far things are, on stderr.
MessageCallback = Callable[[str], None]
# Runs trainings one after another, side by side on a GPU, or each on several workers, and returns their results. Each
# training takes a `MessageCallback`. Jobs and results are picklable.
TrainingRunner = Callable[[Sequence[Callable[[MessageCallback], Any]]], list[Any]]


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What a training is given beside its recipe.

    folder: where the model is to be.
    say: tells the user how far the training is.
    resume: whether to go on from what a killed run left in the folder; else it is begun anew.
    run: runs trainings on what the user chose.
    """

    folder: Path
    say: MessageCallback
    resume: bool
    run: TrainingRunner


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What an evaluation gives back, for the command to print.

    record: what `--format json` prints.
    table: what `--format table` prints, line by line. Control characters in it are made visible by the command.
    notes: sentences that explain the table, said on stderr beside it.
    files: records to be written as JSON lines, by file. They are written after the scores were printed.
    """

    record: Mapping[str, Any]
    table: Sequence[str]
    notes: Sequence[str] = ()
    files: Mapping[Path, Iterable[Mapping[str, Any]]] = field(default_factory=dict)
