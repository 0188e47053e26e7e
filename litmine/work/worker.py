"""The worker: takes a task, runs the model over it, writes the target. The same in this process and under Ray.

`do` is called from several threads, which read and tokenise the next task or decode and write the last while one task
is computed, or two on a GPU, which then has work while one begins or ends. A worker needs torch, transformers and
pyarrow, and nothing else of litmine's dependencies.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Protocol

import torch

from litmine.errors import LakeError, ModelError
from litmine.nn.engine import unwatched
from litmine.nn.failure_isolation import Failed
from litmine.nn.tokenized_text import Words
from litmine.tasks.contract import Done, Loading, Made, Stages, Task
from litmine.tasks.qa.pairs import Pair
from litmine.tasks.registry import load


class StoppedError(Exception):
    """The worker was told to stop; the target at hand is not written."""


class _Model(Protocol):
    """A tagger or a reader: both go by the same three stages."""

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def precision(self) -> str: ...

    def read(self, items: Sequence[Any], /) -> Sequence[Words | Pair | Failed]: ...

    def label(self, read: Sequence[Any], watch: Callable[[float], None], /) -> Any: ...

    def decode(self, items: Sequence[Any], read: Sequence[Any], labels: Any, /) -> Sequence[Any]: ...


class Worker:
    """Loads a model once (ModelError as `load_model` and `load_reader`) and does tasks with it.

    `threads` is how many processor threads torch may use, None for all of them.
    """

    def __init__(self, loading: Loading, threads: int | None = None) -> None:
        # One thread loads and computes: OpenMP gives each that multiplies a team of its own, and with more threads than
        # cores all of them sleep where they waited. Three threads in turn took 1.2 times as long in float32.
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="litmine-compute")
        self._model: _Model = self._computing.submit(_load, loading, threads).result()
        if self._model.name != loading.model:
            raise ModelError(
                f"{loading.ref} is {self._model.name} here and {loading.model} where the work was planned;"
                " give every machine the same model and versions"
            )
        if self._model.device.type == "cuda":
            self._computing = ThreadPoolExecutor(2, thread_name_prefix="litmine-compute")
        self._stop = threading.Event()

    def do(self, task: Task, watch: Callable[[float], None] = unwatched) -> Done:
        """Make one target; `watch` is told the share of the task's tokens that is done (StoppedError after `stop`)."""
        started = time.monotonic()
        if task.target.exists():
            return Done(task, written=False)
        try:
            hand = task.take()
        except LakeError as error:
            return Done.undone(task, str(error))
        model, times = self._model, [started, time.monotonic()]
        read = model.read(hand.items)
        times.append(time.monotonic())
        began, labels = self._computing.submit(self._label, read, watch).result()
        times += [began, time.monotonic()]
        found = model.decode(hand.items, read, labels)
        times.append(time.monotonic())
        made = Made(
            torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "cpu",
            model.precision,
            times[-1] - started,
            sum(_tokens(one) for one in read),
        )
        target = hand.write(found, made)
        times.append(time.monotonic())
        return Done(
            task,
            items=len(hand.items),
            rows=target.rows,
            tokens=made.tokens,
            seconds=made.seconds,
            gaps=target.gaps,
            written=target.written,
            device=made.device,
            precision=made.precision,
            stages=Stages(*(after - before for before, after in pairwise(times))),
        )

    def stop(self) -> None:
        """Let every `do` under way end at its next batch, without a target."""
        self._stop.set()

    def _label(self, read: Sequence[Any], watch: Callable[[float], None]) -> tuple[float, Any]:
        """When it began, and what the model says."""
        began = time.monotonic()
        return began, self._model.label(read, lambda share: self._watch(share, watch))

    def _watch(self, share: float, watch: Callable[[float], None]) -> None:
        if self._stop.is_set():
            raise StoppedError
        watch(share)


def _load(loading: Loading, threads: int | None) -> _Model:
    if threads is not None:
        torch.set_num_threads(threads)
    model: _Model = load(loading.ref, loading.task, loading.device, loading.precision, loading.batch_tokens)
    return model


def _tokens(read: Words | Pair | Failed) -> int:
    if isinstance(read, Failed):
        return 0
    return read.tokens if isinstance(read, Pair) else len(read.ids)
