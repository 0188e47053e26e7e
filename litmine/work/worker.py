"""The worker: reads a part, runs the model over its texts, writes the target. The same in this process and under Ray.

`do` is called from several threads. Only one at a time computes; meanwhile another reads and tokenises the next part
and a third decodes and writes the last, so the accelerator does not wait. A worker needs torch, transformers and
pyarrow, and nothing else of litmine's dependencies.
"""

import threading
import time
from collections.abc import Callable

import torch

from litmine.errors import LakeError, ModelError
from litmine.lake.articles import new_texts
from litmine.lake.entities import Failed as FailedText
from litmine.lake.entities import TargetFooter, target, write_target
from litmine.models.halving import Failed
from litmine.models.registry import load_model
from litmine.models.tagger import unwatched
from litmine.models.words import Words
from litmine.work.task import Done, Reading, Task
from litmine.work.versions import versions

# One reads, one computes, one writes.
THREADS = 3


class StoppedError(Exception):
    """The worker was told to stop; the target at hand is not written."""


class Worker:
    """Loads a model once (ModelError as `load_model`) and does tasks with it.

    `threads` is how many processor threads torch may use, None for all of them.
    """

    def __init__(self, reading: Reading, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._tagger = load_model(reading.ref, reading.device, reading.precision, batch_tokens=reading.batch_tokens)
        if self._tagger.name != reading.model:
            raise ModelError(
                f"{reading.ref} is {self._tagger.name} here and {reading.model} where the work was planned;"
                " give every machine the same model and versions"
            )
        self._computing = threading.Lock()
        self._stop = threading.Event()

    def do(self, task: Task, watch: Callable[[float], None] = unwatched) -> Done:
        """Make one target; `watch` is told the share of the part's tokens that is done (StoppedError after `stop`)."""
        started = time.monotonic()
        if target(task.lake, task.reading.model, task.part.stem).exists():
            return Done(task, written=False)
        try:
            texts = new_texts(task.part)
        except LakeError as error:
            return Done(task, unreadable=str(error))
        tagger = self._tagger
        words = tagger.read(texts.texts)
        with self._computing:
            labels = tagger.label(words, lambda share: self._watch(share, watch))
        found = [tagger.decode(*one) for one in zip(texts.texts, words, labels, strict=True)]
        failed = [
            FailedText(pmid, text_hash, entities.why)
            for pmid, text_hash, entities in zip(texts.pmids, texts.text_hashes, found, strict=True)
            if isinstance(entities, Failed)
        ]
        seconds = time.monotonic() - started
        tokens = sum(len(one.ids) for one in words if isinstance(one, Words))
        device = torch.cuda.get_device_name(tagger.device) if tagger.device.type == "cuda" else "cpu"
        footer = TargetFooter(
            task.reading.model,
            task.part.stem,
            len(texts),
            failed,
            device,
            tagger.precision,
            seconds,
            tokens,
            versions(),
        )
        rows = [None if isinstance(entities, Failed) else entities for entities in found]
        written = write_target(task.lake, task.reading.model, task.part.stem, texts, rows, footer)
        return Done(
            task,
            texts=len(texts),
            entities=sum(len(entities) for entities in rows if entities is not None),
            tokens=tokens,
            seconds=seconds,
            failed=tuple((text.pmid, text.why) for text in failed),
            written=written,
            device=device,
            precision=tagger.precision,
        )

    def stop(self) -> None:
        """Let every `do` under way end at its next batch, without a target."""
        self._stop.set()

    def _watch(self, share: float, watch: Callable[[float], None]) -> None:
        if self._stop.is_set():
            raise StoppedError
        watch(share)
