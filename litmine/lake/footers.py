"""Read the JSON footers of many files of a lake, each file once: a cache beside the lake keeps them.

Reading the footers of 2,000 files takes longer than most queries, and a request for each of them in an object store.
What the cache (`litmine.lake.caches`) lacks is read from the files.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.caches import FileIdentity, cache_file, file_identity, write_cache_file
from litmine.lake.parquet import read_footer_text
from litmine.lake.paths import LakePath, relative_path

_CACHE = "footers"
# The cache is written again when it lacked this many footers. Fewer are read in the time of writing it.
_MIN_NEW = {True: 64, False: 4}
_THREADS = {True: 8, False: 32}
_SCHEMA = pa.schema([("file", pa.string()), ("size", pa.int64()), ("modified_ns", pa.int64()), ("footer", pa.string())])


class _CachedFooter(NamedTuple):
    identity: FileIdentity
    footer: str | None


class Footers(NamedTuple):
    """Footers as JSON text, None for a file without one; and the errors of files that are damaged or gone."""

    texts: dict[LakePath, str | None]
    errors: dict[LakePath, LakeError]

    def complete(self) -> dict[LakePath, str | None]:
        """All footers. Raises the first LakeError if there is one."""
        for error in self.errors.values():
            raise error
        return self.texts


def read_footers(lake: LakePath, files: Sequence[LakePath], update_cache: bool = False) -> Footers:
    """The footers of all live files of some folders of a lake, in the order of the files.

    Only files that the cache does not have are read, several at a time. `update_cache` adds them to the cache, unless
    they are few; a query must not, because it changes nothing in the lake.
    """
    cached, names = _read_cache(lake), {path: relative_path(lake, path) for path in files}
    texts: dict[LakePath, str | None] = {}
    errors: dict[LakePath, LakeError] = {}
    entries: dict[str, _CachedFooter] = {}
    missing: list[LakePath] = []
    for path, name in names.items():
        entry = cached.get(name)
        if entry is not None and _is_unchanged(path, entry):
            texts[path], entries[name] = entry.footer, entry
        else:
            missing.append(path)
    local = isinstance(lake, Path)
    if missing:
        with ThreadPoolExecutor(min(_THREADS[local], len(missing))) as pool:
            for path, read in zip(missing, pool.map(_read_or_error, missing), strict=True):
                if isinstance(read, LakeError):
                    errors[path] = read
                else:
                    texts[path], entries[names[path]] = read.footer, read
    if update_cache and len(missing) - len(errors) >= _MIN_NEW[local]:
        _write_cache(lake, _of_other_folders(cached, entries) | entries)
    return Footers(texts, errors)


def _read_or_error(path: LakePath) -> _CachedFooter | LakeError:
    try:
        # First, so that a file that changes while it is read is read again the next time.
        identity = file_identity(path)
        return _CachedFooter(identity, read_footer_text(path))
    except LakeError as error:
        return error


def _is_unchanged(path: LakePath, entry: _CachedFooter) -> bool:
    try:
        return file_identity(path) == entry.identity
    except LakeError:
        return False


def _of_other_folders(
    cached: Mapping[str, _CachedFooter], current: Mapping[str, _CachedFooter]
) -> dict[str, _CachedFooter]:
    """The cached footers of folders that are not read now. Those of replaced and deleted files are forgotten."""
    folders = {name.rpartition("/")[0] for name in current}
    return {name: footer for name, footer in cached.items() if name.rpartition("/")[0] not in folders}


def _read_cache(lake: LakePath) -> dict[str, _CachedFooter]:
    """The cached footers by path relative to the lake; empty for a missing, damaged or unknown cache."""
    try:
        table = pq.read_table(BytesIO(cache_file(lake, _CACHE).read_bytes()), page_checksum_verification=True)
        if not table.schema.equals(_SCHEMA):
            return {}
        columns = [column.to_pylist() for column in table.columns]
    except (OSError, pa.ArrowException):
        return {}
    return {
        file: _CachedFooter(FileIdentity(size, modified_ns), footer)
        for file, size, modified_ns, footer in zip(*columns, strict=True)
    }


def _write_cache(lake: LakePath, footers: Mapping[str, _CachedFooter]) -> None:
    columns = [
        list(footers),
        [one.identity.size for one in footers.values()],
        [one.identity.modified_ns for one in footers.values()],
        [one.footer for one in footers.values()],
    ]
    table = pa.table(columns, schema=_SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    write_cache_file(lake, _CACHE, bytes(sink.getvalue()))
