"""What DuckDB sees of an object store: one lake, and nothing that writes.

DuckDB asks of each file whether it is there, how long it is and when it changed, several times a query, and opens it as
often. Files of a lake do not change: one listing answers all of it, and a connection sees the lake as it stood at its
first look.
"""

import io
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from litmine.lake.object_store import ObjectPath

# A file up to this size comes in one request, and the last few are kept; a larger one comes in pieces.
_WHOLE = 4 << 20
_KEPT = 32


class ObjectReader(AbstractFileSystem):  # type: ignore[misc]
    """The files of one lake, as a read-only file system of fsspec's. Whatever else it is asked for is not there."""

    protocol = "s3"
    cachable = False

    def __init__(self, lake: ObjectPath) -> None:
        super().__init__()
        self._lake = lake
        self._whole = lru_cache(_KEPT)(ObjectPath.read_bytes)

    def glob(self, path: str, **_: Any) -> list[str]:
        """The files that match, `*` within a name."""
        if not any(character in path for character in "*?["):
            return [path] if self.exists(path) else []
        wanted = path.split("/")
        found = ((url, url.split("/")) for url in self._listed)
        return [url for url, has in found if len(has) == len(wanted) and all(map(fnmatchcase, has, wanted))]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        stat = self._file(path).stat()
        return {"name": path, "size": stat.st_size, "type": "file", "mtime": stat.st_mtime}

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self.info(path)["mtime"], UTC)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        return self._file(path).read_range(start or 0, end)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BytesIO | AbstractBufferedFile:
        if mode != "rb":
            raise PermissionError(f"{path}: a query writes nothing")
        file = self._file(path)
        if file.stat().st_size <= _WHOLE:
            return io.BytesIO(self._whole(file))
        return AbstractBufferedFile(self, path, block_size=_WHOLE, size=file.stat().st_size)

    @cached_property
    def _listed(self) -> dict[str, ObjectPath]:
        return {path.url: path for path in self._lake.rglob("*.parquet")}

    def _file(self, path: str) -> ObjectPath:
        """A file of the lake, which was listed or came since."""
        url = str(self.unstrip_protocol(path))
        if url not in self._listed:
            if not url.startswith(f"{self._lake}/") or ".." in url.split("/"):
                raise FileNotFoundError(f"{url} is not in the lake")
            self._listed[url] = ObjectPath(url, ObjectPath(url).stat())
        return self._listed[url]
