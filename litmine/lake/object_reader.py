"""A read-only file system, through which DuckDB reads the files of one lake in an object store.

In each query, DuckDB checks several times whether a file exists, how large it is and when it changed. Files of a lake
never change, so a single listing answers all these requests. A connection sees the lake as it was at its first query.
"""

import io
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from litmine.lake.object_store import ObjectPath

# Files up to this size are read in one request, and the latest ones are cached; larger files are read in blocks.
_MAX_WHOLE_BYTES = 4 << 20
_CACHED_FILES = 32


class ReadOnlyFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """An fsspec file system with the files of one lake. It reports any other file as missing."""

    protocol = "s3"
    cachable = False

    def __init__(self, lake: ObjectPath) -> None:
        super().__init__()
        self._lake = lake
        self._read_whole = lru_cache(_CACHED_FILES)(ObjectPath.read_bytes)

    def glob(self, path: str, **_: Any) -> list[str]:
        """The files that match a pattern, in which `*` does not match `/`."""
        if not any(character in path for character in "*?["):
            return [path] if self.exists(path) else []
        pattern = path.split("/")
        files = ((url, url.split("/")) for url in self._files)
        return [url for url, names in files if len(names) == len(pattern) and all(map(fnmatchcase, names, pattern))]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        stat = self._file(path).stat()
        return {"name": path, "size": stat.st_size, "type": "file", "mtime": stat.st_mtime}

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self.info(path)["mtime"], UTC)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        return self._file(path).read_range(start or 0, end)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BytesIO | AbstractBufferedFile:
        if mode != "rb":
            raise PermissionError(f"{path}: a query cannot write files")
        file = self._file(path)
        if file.stat().st_size <= _MAX_WHOLE_BYTES:
            return io.BytesIO(self._read_whole(file))
        return AbstractBufferedFile(self, path, block_size=_MAX_WHOLE_BYTES, size=file.stat().st_size)

    @cached_property
    def _files(self) -> dict[str, ObjectPath]:
        """The lake's files by URL."""
        return {path.url: path for path in self._lake.rglob("*.parquet")}

    def _file(self, path: str) -> ObjectPath:
        """A file of the lake, from the listing or written since. Raises FileNotFoundError for any other path."""
        url = str(self.unstrip_protocol(path))
        if url not in self._files:
            if not url.startswith(f"{self._lake}/") or ".." in url.split("/"):
                raise FileNotFoundError(f"{url} is not in the lake")
            self._files[url] = ObjectPath(url, ObjectPath(url).stat())
        return self._files[url]
