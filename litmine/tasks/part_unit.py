"""The unit of an article part: its new texts, read once by the models of a group, to a target for each of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from litmine.errors import LakeError
from litmine.lake.articles import NewTexts, new_texts
from litmine.lake.paths import PART_TASKS, Place
from litmine.lake.runs import Gap
from litmine.lake.targets import FailedText, Input, TargetFooter, TargetSet, read_upstream, write_target
from litmine.nn.failure_isolation import FailedItem
from litmine.specs import ARTICLES, import_object
from litmine.tasks.contract import ComputeInfo, Loading, Models, StepResult
from litmine.versions import versions


@dataclass(frozen=True, slots=True)
class Step:
    """One model's work on a part: its target set, and the targets of other tasks that it reads."""

    targets: TargetSet
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class PartUnit:
    """One part to be read by the models of a group; `size` is how many new texts it holds.

    `steps` are in order: a step may read what one before it has written.
    """

    lake: Place
    part: Place
    size: int
    loadings: tuple[Loading, ...]
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        return f"{ARTICLES}/{self.part.name}"

    @property
    def tables(self) -> Sequence[str]:
        return [step.targets.table for step in self.steps]

    def left(self) -> "PartUnit | None":
        steps = tuple(step for step in self.steps if not step.targets.target(self.lake, self.part.stem).exists())
        return replace(self, steps=steps) if steps else None

    def take(self) -> "PartInHand":
        return PartInHand(self, new_texts(self.part))


@dataclass(frozen=True, slots=True)
class PartInHand:
    """The texts of a part in a worker's hand."""

    unit: PartUnit
    texts: NewTexts

    @property
    def items(self) -> Sequence[str]:
        return self.texts.texts

    @property
    def models(self) -> Sequence[str]:
        return [step.targets.model for step in self.unit.steps]

    def write(
        self, models: Models, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> Sequence[StepResult]:
        return [self._step(step, models, read, labels, info) for step in self.unit.steps]

    def _step(
        self, step: Step, models: Models, read: Sequence[Any], labels: Mapping[str, Any], info: ComputeInfo
    ) -> StepResult:
        unit, own = self.unit, step.targets
        started = time.monotonic()
        try:
            inputs = [read_upstream(unit.lake, one, unit.part.stem, self.texts) for one in step.inputs]
        except LakeError as error:
            lacking = [one.targets for one in step.inputs if not one.targets.target(unit.lake, unit.part.stem).exists()]
            why = f"{own.model}: {error}"
            if lacking:
                makers = ", ".join(one.model for one in lacking)
                why = f"{own.model} builds on {makers}, which has not read this part; annotate with that model first"
            return StepResult(own.table, gaps=(Gap(unit.name, why),), made=False, written=False)
        inherited = {i: why for one in inputs for i, why in one.failed.items()}
        decoded = models.model(own.model).decode(self.texts.texts, read, labels.get(own.model), inputs)
        # A text that failed in what the step reads has failed here too, for the same reason.
        results = [FailedItem(inherited[i]) if i in inherited else one for i, one in enumerate(decoded)]
        failed = {
            i: FailedText(self.texts.pmids[i], self.texts.text_hashes[i], result.why)
            for i, result in enumerate(results)
            if isinstance(result, FailedItem)
        }
        rows = import_object(PART_TASKS[own.table].rows)(self.texts, results)
        decoding = time.monotonic() - started
        footer = TargetFooter(
            own.model,
            unit.part.stem,
            len(self.texts),
            [*failed.values()],
            info.device,
            info.precision,
            info.seconds,
            info.tokens,
            versions(),
            [str(one.targets) for one in step.inputs],
        )
        written = write_target(unit.lake, own, unit.part.stem, self.texts, rows, footer)
        # It is a gap once, where it failed first.
        gaps = tuple(
            Gap(f"PMID {text.pmid}", f"{own.model}: {text.why}") for i, text in failed.items() if i not in inherited
        )
        writing = time.monotonic() - started - decoding
        return StepResult(own.table, len(rows), gaps, written=written, decode=decoding, write=writing)
