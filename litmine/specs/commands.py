"""Arguments and results of a task's training and evaluation, as `litmine train` and `litmine evaluate` call them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Prints a message for the user on stderr.
MessageCallback = Callable[[str], None]
# Runs several trainings and returns their results: one after another, side by side on a GPU, or each on several
# workers. A training is a function of a `MessageCallback`. Trainings and results are picklable.
TrainingRunner = Callable[[Sequence[Callable[[MessageCallback], Any]]], list[Any]]


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """Arguments of a training in addition to its recipe.

    folder: where the training writes the model.
    report: prints a progress message.
    resume: whether to continue from the checkpoint of an interrupted run in the folder; if not, start again.
    run: runs trainings on the workers and GPUs that the user chose.
    """

    folder: Path
    report: MessageCallback
    resume: bool
    run: TrainingRunner


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The result of an evaluation, which the command prints.

    record: the output of `--format json`.
    table: the lines of `--format table`. The command makes control characters in them visible.
    notes: sentences that explain the table, printed on stderr.
    files: records to write as JSON lines, by file. The command writes them after it has printed the scores.
    """

    record: Mapping[str, Any]
    table: Sequence[str]
    notes: Sequence[str] = ()
    files: Mapping[Path, Iterable[Mapping[str, Any]]] = field(default_factory=dict)
