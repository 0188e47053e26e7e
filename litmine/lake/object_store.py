"""Paths in an object store (`s3://bucket/prefix`), with the methods of `pathlib.Path` that a lake needs.

An object is written in one request, completely or not at all, so a killed process leaves no partial files. s3fs reads
its settings from the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ...); only s3fs handles the credentials.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from litmine.errors import LakeError, SettingError

if TYPE_CHECKING:
    import fsspec

# Only characters that need no escaping in a glob pattern, a URL or SQL.
_VALID_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/(?!\.+(/|$))[A-Za-z0-9._=@-]+)*/?")


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """Size in bytes, and time of the last change in seconds since 1970."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True, order=True, slots=True)
class ObjectPath:
    """The URL of a lake, of an object in it, or of a prefix that serves as a folder.

    Methods raise FileNotFoundError as those of pathlib do, and LakeError when the store does not answer or denies
    access. A path from a listing already has its `stat`, so that asking for it costs no request.
    """

    url: str
    _stat: ObjectStat | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, url: str) -> "ObjectPath":
        """Check the URL of a lake. Raises SettingError if it is not valid."""
        if not _VALID_URL.fullmatch(url):
            raise SettingError(
                f"{url!r} is not a valid lake URL; write s3://bucket/prefix with letters, digits and . _ = @ - in the"
                " prefix, and set the keys in the environment"
            )
        return cls(url.rstrip("/"))

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "ObjectPath":
        return ObjectPath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> "ObjectPath":
        return ObjectPath(self.url.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether this is an object. A prefix of other objects is not."""
        with store_errors(self.url):
            return bool(s3_filesystem().isfile(self.url))

    is_file = exists

    def is_dir(self) -> bool:
        """Whether this is a prefix of other objects. A path with a `stat` is an object itself."""
        return self._stat is None and any(self.iterdir())

    def iterdir(self) -> Iterator["ObjectPath"]:
        """List one level: objects, and prefixes of objects."""
        with store_errors(self.url), suppress(FileNotFoundError):
            for info in s3_filesystem().ls(self.url, detail=True):
                yield ObjectPath(f"s3://{info['name']}", _stat(info) if info["type"] == "file" else None)

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """The objects that match a pattern, in which `*` does not match `/`.

        A pattern without `/` also matches prefixes of objects.
        """
        if "/" not in pattern:
            return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))
        fixed, _, _ = pattern.rpartition("/") if "*" in pattern else (pattern, "", "")
        below = self.url if "*" in fixed else f"{self.url}/{fixed}".rstrip("/")
        depth = self.url.count("/") + pattern.count("/") + 1
        return (path for path in ObjectPath(below).rglob(pattern) if path.url.count("/") == depth)

    def rglob(self, pattern: str) -> Iterator["ObjectPath"]:
        """The objects at any depth whose path ends with a match, sorted by path.

        This takes one request per thousand objects.
        """
        with store_errors(self.url):
            found = s3_filesystem().find(self.url, detail=True)
        for name, info in sorted(found.items()):
            if PurePosixPath(name).match(pattern):
                yield ObjectPath(f"s3://{name}", _stat(info))

    def stat(self) -> ObjectStat:
        if self._stat is not None:
            return self._stat
        with store_errors(self.url):
            return _stat(s3_filesystem().info(self.url))

    def read_bytes(self) -> bytes:
        return self.read_range(0, None)

    def read_range(self, start: int, end: int | None) -> bytes:
        """The bytes from `start` to `end`, in one request. A negative `start` counts from the end of the object."""
        with store_errors(self.url):
            return bytes(s3_filesystem().cat_file(self.url, start=start, end=end))

    def write_bytes(self, data: bytes | bytearray) -> bool:
        """Write an object or replace it. Returns True, to match `create_bytes`."""
        with store_errors(self.url):
            s3_filesystem().pipe_file(self.url, bytes(data))
        return True

    def create_bytes(self, data: bytes) -> bool:
        """Write an object unless it exists; return whether it was written."""
        try:
            with store_errors(self.url):
                s3_filesystem().pipe_file(self.url, data, mode="create")
        except FileExistsError:
            return False
        return True

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete an object. The store does not report whether it existed."""
        with suppress(*[FileNotFoundError] if missing_ok else []), store_errors(self.url):
            s3_filesystem().rm_file(self.url)


def _stat(info: Mapping[str, Any]) -> ObjectStat:
    return ObjectStat(info["size"], info["LastModified"].timestamp())


@cache
def s3_filesystem() -> "fsspec.AbstractFileSystem":
    """The s3fs file system, one per process. Raises SettingError when s3fs is not installed."""
    try:
        import s3fs
    except ImportError as error:
        raise SettingError("a lake on s3:// needs s3fs; install it with: pip install 'litmine[s3]'") from error
    # No caches: other processes write to the lake, so listings become outdated.
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Turn errors of the object store into LakeError, except FileNotFoundError and FileExistsError."""
    s3_filesystem()
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        reason = " ".join((str(error) or type(error).__name__).split()).rstrip(".")
        raise LakeError(
            f"{url} cannot be accessed ({reason}); check the network, the bucket and the AWS_ settings, and run the"
            " command again: finished work is kept"
        ) from error
