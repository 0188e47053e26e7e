"""A lake of its own for a request: models read texts of a request there, and the explored lake stays as it is.

The models are loaded once and stay in memory. `annotate` and `answer` run in the scratch lake as they do in any other,
so an answer has what the views of a lake would show.
"""

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from litmine.errors import SettingError
from litmine.explore.queries import BusyError
from litmine.lake.documents import DocumentSelection, read_documents
from litmine.lake.lake import Lake
from litmine.lake.parquet import SCHEMA_FILE
from litmine.runtime.executor import Executor
from litmine.runtime.worker import Worker
from litmine.tasks.contract import ModelSpec, Unit, UnitResult, out_of_memory_reason
from litmine.types import BARE_TEXT, RECORD, Article, SourceRecord

# Groups of models that stay in memory.
_MAX_WORKERS = 4
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ResidentExecutor(Executor):
    """Runs units in this process, with models that stay loaded."""

    loaded: dict[tuple[ModelSpec, ...], Worker] = field(default_factory=dict)

    def run(self, units: Sequence[Unit], watch: Callable[[Unit, float], None]) -> Generator[UnitResult]:
        for unit in units:
            try:
                yield self._worker(unit.model_specs).run(unit, lambda share, unit=unit: watch(unit, share))  # type: ignore[misc]
            except MemoryError as error:
                yield UnitResult.failure(unit, out_of_memory_reason(error))

    def _worker(self, model_specs: tuple[ModelSpec, ...]) -> Worker:
        # The last one used is the last one in the dictionary.
        worker = self.loaded.pop(model_specs, None) or Worker(model_specs)
        self.loaded[model_specs] = worker
        while len(self.loaded) > _MAX_WORKERS:
            del self.loaded[next(iter(self.loaded))]
        return worker


class ScratchLake:
    """A lake in a temporary folder that one request at a time fills. Close it at the end."""

    def __init__(self, wait: float) -> None:
        """wait: how long a request waits for the one before, in seconds."""
        self._wait = wait
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self.executor = ResidentExecutor()

    @contextmanager
    def filled(self, records: Sequence[SourceRecord]) -> Iterator[Lake]:
        """The lake with these records only. Raises BusyError when another request takes too long."""
        if not self._lock.acquire(timeout=self._wait):
            raise BusyError("the models are busy with another request; try again in a moment")
        try:
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="litmine-explore-"))
            # One place for all requests, because the catalogue of a lake holds its path and takes time to write.
            lake = Lake.create(self._folder / "lake")
            _empty(lake)
            lake.add(records, source="request")
            yield lake
        finally:
            self._lock.release()

    def close(self) -> None:
        """Delete the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def records_of_texts(texts: Sequence[str]) -> list[SourceRecord]:
    """Texts as records with the PMIDs 1, 2 and so on. A lone surrogate becomes U+FFFD, so offsets stay the same."""
    now = datetime.now(UTC)
    cleaned = [_LONE_SURROGATE.sub("\ufffd", text) for text in texts]
    return [
        SourceRecord(Article(number, abstract=text or None), now, record_class=BARE_TEXT)
        for number, text in enumerate(cleaned, 1)
    ]


def records_of_articles(lake: Lake, pmids: Sequence[int]) -> list[SourceRecord]:
    """The current records of articles of a lake. Raises LakeError as `read_documents`."""
    if not pmids:
        return []
    if len(pmids) > 1_000:
        raise SettingError(f"at most 1,000 articles can be read at once, and these are {len(pmids):,}")
    selection = DocumentSelection(models=(), where=f"pmid IN ({', '.join(map(str, pmids))})", whole_records=True)
    return [
        SourceRecord(one.article, one.as_of or datetime.now(UTC), record_class=one.record_class or RECORD)
        for one in read_documents(lake, selection)
    ]


def _empty(lake: Lake) -> None:
    """Delete all rows but those of the vocabularies, which `annotate` would have to copy again."""
    for file in lake.path.rglob("*.parquet"):
        if file.name != SCHEMA_FILE and file.relative_to(lake.path).parts[0] != "vocabularies":
            file.unlink()
    shutil.rmtree(lake.path / "search", ignore_errors=True)
