"""The unit of work of most tasks: the new texts of an article part, read once by a group of models.

Each model is a step and writes one target. A step may use the targets of other tasks, also those of an earlier step.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from litmine.errors import LakeError
from litmine.lake.articles import NewTexts, read_new_texts
from litmine.lake.paths import PART_TASKS, LakePath
from litmine.lake.runs import Gap
from litmine.lake.targets import (
    FailedText,
    TargetFooter,
    TargetInput,
    TargetSet,
    UpstreamRows,
    read_upstream,
    write_target,
)
from litmine.nn.failure_isolation import FailedItem
from litmine.specs import ARTICLES, import_object
from litmine.tasks.contract import ComputeInfo, ModelSpec, StepResult, WorkerModels
from litmine.versions import versions


@dataclass(frozen=True, slots=True)
class ModelStep:
    """One model's step: the targets it writes, and the targets of other tasks that it uses."""

    targets: TargetSet
    inputs: tuple[TargetInput, ...] = ()


@dataclass(frozen=True, slots=True)
class PartUnit:
    """An article part and the models that read it; `size` is its number of new texts.

    `steps` run in order.
    """

    lake: LakePath
    part: LakePath
    size: int
    model_specs: tuple[ModelSpec, ...]
    steps: tuple[ModelStep, ...]

    @property
    def name(self) -> str:
        return f"{ARTICLES}/{self.part.name}"

    @property
    def tables(self) -> Sequence[str]:
        return [step.targets.table for step in self.steps]

    def has_target(self, targets: TargetSet) -> bool:
        """Whether the part has a target of this set."""
        return targets.target_path(self.lake, self.part.stem).exists()

    def remaining(self) -> "PartUnit | None":
        steps = tuple(step for step in self.steps if not self.has_target(step.targets))
        return replace(self, steps=steps) if steps else None

    def load(self) -> "LoadedPart":
        return LoadedPart(self, read_new_texts(self.part))


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """A part with its new texts in memory."""

    unit: PartUnit
    texts: NewTexts

    @property
    def items(self) -> Sequence[str]:
        return self.texts.texts

    @property
    def models(self) -> Sequence[str]:
        return [step.targets.model for step in self.unit.steps]

    def write(
        self, models: WorkerModels, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        return [self._run_step(step, models, read, labels, info) for step in self.unit.steps]

    def _run_step(
        self, step: ModelStep, models: WorkerModels, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> StepResult:
        table, model = step.targets.table, step.targets.model
        started = time.monotonic()
        try:
            inputs = self._read_inputs(step)
        except LakeError as error:
            gap = Gap(self.unit.name, self._missing_inputs(step) or f"{model}: {error}")
            return StepResult(table, gaps=(gap,), exists=False, written=False)
        failed_upstream = {i: why for rows in inputs for i, why in rows.failed.items()}
        found = models.label_with_inputs(model, self.items, read, inputs, labels.get(model))
        decoded = models.model(model).decode(self.items, read, found, inputs)
        results = [FailedItem(failed_upstream[i]) if i in failed_upstream else one for i, one in enumerate(decoded)]
        rows = import_object(PART_TASKS[table].rows)(self.texts, results)
        decoding = time.monotonic() - started
        failed = self._failed_texts(results)
        footer = self._footer(step, [*failed.values()], info)
        written = write_target(self.unit.lake, step.targets, self.unit.part.stem, self.texts, rows, footer)
        # A text that failed upstream is already a gap of the upstream model.
        gaps = tuple(
            Gap(f"PMID {text.pmid}", f"{model}: {text.why}") for i, text in failed.items() if i not in failed_upstream
        )
        writing = time.monotonic() - started - decoding
        # Of rows that are repeated, only those count to which the model has added something.
        count = sum(row[-1] is not None for row in rows) if PART_TASKS[table].extends else len(rows)
        return StepResult(table, count, gaps, written=written, decode=decoding, write=writing)

    def _read_inputs(self, step: ModelStep) -> list[UpstreamRows]:
        """The rows of the step's inputs. Raises LakeError when a target is damaged or missing."""
        return [read_upstream(self.unit.lake, one, self.unit.part.stem, self.texts) for one in step.inputs]

    def _missing_inputs(self, step: ModelStep) -> str:
        """Which input models have not read this part; empty if all have."""
        missing = [one.targets.model for one in step.inputs if not self.unit.has_target(one.targets)]
        if not missing:
            return ""
        return (
            f"{step.targets.model} uses the results of {', '.join(missing)}, which has not read this part; annotate"
            " with that model first"
        )

    def _failed_texts(self, results: Sequence[Any]) -> dict[int, FailedText]:
        """The texts without a result, by index."""
        return {
            i: FailedText(self.texts.pmids[i], self.texts.text_hashes[i], result.why)
            for i, result in enumerate(results)
            if isinstance(result, FailedItem)
        }

    def _footer(self, step: ModelStep, failed: Sequence[FailedText], info: ComputeInfo) -> TargetFooter:
        return TargetFooter(
            step.targets.model,
            self.unit.part.stem,
            len(self.texts),
            failed,
            info.device,
            info.precision,
            info.seconds,
            info.tokens,
            versions(),
            [str(one.targets) for one in step.inputs],
        )
