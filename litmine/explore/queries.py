"""Queries of requests: each within limits of time, memory and rows, few at the same time, the usual ones cached."""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from litmine.errors import LitmineError, QueryError, QueryLimitError
from litmine.explore.shared import Shared
from litmine.explore.slots import Slots
from litmine.lake.lake import Lake
from litmine.lake.listing import live_files_by_table, model_folders
from litmine.lake.part_ranges import PartRanges
from litmine.lake.paths import MODEL_TABLES, REPLACED, TABLES, LakePath
from litmine.lake.prepared_views import PreparedViews, TableInMemory
from litmine.lake.query_limits import QueryLimits
from litmine.lake.view_definitions import view_descriptions
from litmine.output.hidden_paths import HiddenPaths
from litmine.output.rows import records, with_unique_names
from litmine.specs import ARTICLES

_MAX_CACHED = 200
# A result with more rows is not kept.
_MAX_CACHED_ROWS = 20_000
# Creating views over a selection of parts takes 0.05 s, as long as a query opens so many files in vain.
_MIN_FILES_SAVED = 40
# The views whose rows about an article come from the files of its part.
_BY_ARTICLE = {"articles", "entities", "all_entities", "abbreviations", "relations", "answers", "labels", "trials"}
# A folder that changed less long ago may change again without another time: clocks of file systems have steps.
_STEP_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may use.

    seconds, memory, threads: of each query (`QueryLimits`). rows: rows of a page of the API or of a table in the
    browser. download_rows: rows of a file. queries: queries that run at the same time; others wait for `wait` seconds.
    patience: seconds that a request waits for what is being prepared. page_wait: seconds that a page waits for its own
    long work before it says that it is under way. body_bytes: size of the body of a request. texts, text_chars: number
    of texts to annotate and characters of each.
    """

    seconds: float | None = 30.0
    memory: str = "2GB"
    threads: int = 2
    rows: int = 1_000
    download_rows: int = 1_000_000
    queries: int = 4
    wait: float = 20.0
    patience: float = 10.0
    page_wait: float = 0.5
    body_bytes: int = 4_000_000
    texts: int = 100
    text_chars: int = 50_000


class BusyError(LitmineError):
    """Too many requests at the same time."""


@dataclass(frozen=True, slots=True)
class _State:
    """The live files of a lake by table, and digests of the names of all and of the article parts."""

    digest: str
    articles: str
    files: Mapping[str, Sequence[LakePath]]


class LakeQueries:
    """Runs SELECTs over the views of a lake, as `litmine sql` does. Threads share it."""

    def __init__(self, lake: Lake, limits: RequestLimits | None = None) -> None:
        self.lake = lake
        self.limits = limits or RequestLimits()
        self.hidden = HiddenPaths(lake.location)
        self.query_limits = QueryLimits(self.limits.memory, self.limits.threads, seconds=self.limits.seconds)
        self._slots = Slots(self.limits.queries)
        self._cache: OrderedDict[tuple[str, str], list[dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()
        # Idle connections over the files of one state of the lake.
        self._prepared: list[PreparedViews] = []
        self._prepared_state = ""
        self._ranges = PartRanges()
        # Some columns of all articles; without it, every query reads the lake.
        self.article_table: Shared[TableInMemory] | None = None
        # The latest state, with the times of the folders that it was listed from.
        self._listed: tuple[dict[Path, int], _State] | None = None

    @classmethod
    def for_preparing(cls, lake: Lake, limits: RequestLimits) -> Self:
        """Queries beside the requests: one at a time, on one thread, for as long as it takes."""
        return cls(lake, replace(limits, seconds=None, threads=1, queries=1, wait=threading.TIMEOUT_MAX))

    @property
    def views(self) -> frozenset[str]:
        """The names of the lake's views."""
        return frozenset(view_descriptions())

    def state(self) -> str:
        """A digest of the names of the lake's live files: it changes when the lake does.

        Raises LakeError for a damaged lake.
        """
        return self._live().digest

    def articles_state(self) -> str:
        """The same of the article parts alone, which `annotate` does not change."""
        return self._live().articles

    def _live(self) -> "_State":
        """The state of the lake, listed again only if one of its folders has changed."""
        listed = self._listed
        if listed is not None and all(_time_of(folder) == time for folder, time in listed[0].items()):
            return listed[1]
        began, times = time.time_ns(), self._folder_times()
        files = live_files_by_table(self.lake.location)
        state = _State(_digest(path for some in files.values() for path in some), _digest(files[ARTICLES]), files)
        self._listed = (times, state) if times and max(times.values()) < began - _STEP_NS else None
        return state

    def _folder_times(self) -> dict[Path, int]:
        """When each folder with files of the lake changed; none for a lake in an object store."""
        place = self.lake.location
        if not isinstance(place, Path):
            return {}
        folders = [*TABLES, REPLACED]
        for table in MODEL_TABLES:
            for folder in model_folders(place, table):
                folders += [folder, folder.rpartition("/")[0]]
        return {path: _time_of(path) for path in (place / folder for folder in sorted({*folders, ""}))}

    @contextmanager
    def open(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, with unique column names, while they are computed.

        Raises BusyError when too many queries run, QueryError and LakeError as `litmine.lake.query.select`; reading the
        rows can raise these too.
        """
        with self.slot(), ExitStack() as stack:
            live = self._live()
            views = self._take(live.digest) or PreparedViews(self.lake.location, self.query_limits)
            stack.callback(self._give_back, views, live.digest)
            reader = self._open_least(views, query, live, stack)
            stack.callback(reader.close)
            yield self.hidden.rows(with_unique_names(reader))

    def _open_least(self, views: PreparedViews, query: str, live: "_State", stack: ExitStack) -> pa.RecordBatchReader:
        """The rows of a query, from the table in memory or from few parts if that is enough, else from the views."""
        statement = views.parse(query)
        table = self.article_table.get_current(live.digest) if self.article_table else None
        if table is not None and table.has_all(statement):
            try:
                return stack.enter_context(closing(table.connect())).open(query)
            except QueryLimitError:
                raise
            except QueryError:  # the views have macros that the table lacks, and say better what is wrong
                pass
        if statement.tables and statement.tables <= _BY_ARTICLE:
            parts = self._parts_of(statement.pmids or (), live, 1)
            if parts is not None:
                narrow = stack.enter_context(closing(views.narrowed(statement.tables, live.files, parts)))
                return narrow.open(query)
        return views.open(query)

    def page(self, query: str, offset: int, size: int) -> tuple[list[str], list[dict[str, Any]], bool]:
        """The column names, the rows from `offset`, at most `size`, and whether there are more. Raises as `open`."""
        with self.open(query) as reader:
            schema, wanted = reader.schema, offset + size + 1
            batches, seen = [], 0
            for batch in reader:
                first = max(0, offset - seen)
                batches.append(batch.slice(first, max(0, wanted - seen - first)))
                seen += batch.num_rows
                if seen >= wanted:
                    break
        found = list(records(pa.RecordBatchReader.from_batches(schema, batches)))
        return schema.names, found[:size], len(found) > size

    def rows(self, query: str) -> list[dict[str, Any]]:
        """All rows of one of litmine's own queries, which limits their number. Raises as `open`."""
        return list(records(self.table(query).to_reader()))

    def table(self, query: str) -> pa.Table:
        """The same as a table, without folders of this machine."""
        return self.tables([query])[0]

    def tables(
        self, queries: Sequence[str], pmids: Collection[int] = (), names: Collection[str] = ()
    ) -> list[pa.Table]:
        """The same for several queries, of one state of the lake.

        DuckDB plans them sooner than one query with many subqueries. pmids, names: the only articles and views that the
        queries are about, so that the files of other articles need not be opened; any if empty.
        """
        with self.slot():
            live = self._live()
            views = self._take(live.digest) or PreparedViews(self.lake.location, self.query_limits)
            try:
                parts = self._parts_of(pmids, live, len(queries))
                if parts is None:
                    found = [views.table(query) for query in queries]
                else:
                    with closing(views.narrowed(names, live.files, parts)) as narrow:
                        found = [narrow.table(query) for query in queries]
            except BaseException:
                views.close()
                raise
            self._give_back(views, live.digest)
        return [self.hidden.rows(with_unique_names(one.to_reader())).read_all() for one in found]

    def _parts_of(self, pmids: Collection[int], live: "_State", queries: int) -> list[LakePath] | None:
        """The article parts that can have these articles; None if views over them alone would save nothing."""
        if not pmids or not isinstance(self.lake.location, Path):
            return None
        parts = live.files[ARTICLES]
        kept = list(filter(self._ranges.parts_with(pmids), parts))
        if (len(parts) - len(kept)) * queries < _MIN_FILES_SAVED:
            return None
        self._ranges.forget_others(parts)
        return kept

    def has_rows(self, view: str) -> bool:
        """Whether a view has a row. Raises as `open`."""
        return bool(self.cached_rows(f"SELECT 1 AS one FROM {view} LIMIT 1"))

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for views in self._prepared:
                views.close()
            self._prepared = []

    def _take(self, state: str) -> PreparedViews | None:
        """An idle connection for this state of the lake; None if there is none."""
        with self._lock:
            if state != self._prepared_state:
                old, self._prepared, self._prepared_state = self._prepared, [], state
                for views in old:
                    views.close()
            return self._prepared.pop() if self._prepared else None

    def _give_back(self, views: PreparedViews, state: str) -> None:
        with self._lock:
            if views.is_idle and state == self._prepared_state:
                self._prepared.append(views)
                return
        views.close()

    def row(self, query: str) -> dict[str, Any]:
        """The row of a query that gives exactly one. Raises as `open`."""
        (row,) = self.rows(query)
        return row

    def cached_rows(self, query: str, pmids: Collection[int] = (), names: Collection[str] = ()) -> list[dict[str, Any]]:
        """The same as `rows`, from a cache as long as the lake does not change. pmids, names: as for `tables`."""
        key = (self.state(), query)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        found = list(records(self.tables([query], pmids, names)[0].to_reader()))
        if len(found) <= _MAX_CACHED_ROWS:
            with self._lock:
                self._cache[key] = found
                while len(self._cache) > _MAX_CACHED:
                    self._cache.popitem(last=False)
        return found

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Room for one query or search. Raises BusyError when too many run."""
        if not self._slots.acquire(timeout=self.limits.wait):
            raise BusyError("too many requests at the same time; try again in a moment")
        try:
            yield
        finally:
            self._slots.release()


def _digest(files: Iterable[LakePath]) -> str:
    names = "\n".join(sorted(map(str, files)))
    return blake2b(names.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _time_of(folder: Path) -> int:
    """When a folder changed; -1 if it is not there."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return -1
