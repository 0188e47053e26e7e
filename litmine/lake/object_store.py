"""A lake on an object store, `s3://bucket/prefix`, through fsspec: what pathlib does for a lake in a folder.

One request writes an object, whole or not at all, so that a killed process leaves no half of one. Credentials are the
environment's (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ...) and stay in s3fs.
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

# What needs no escaping anywhere: neither in a pattern, nor in a URL, nor in SQL.
_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/(?!\.+(/|$))[A-Za-z0-9._=@-]+)*/?")


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """Size in bytes, and seconds since 1970 of the last change."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True, order=True, slots=True)
class ObjectPath:
    """A lake, or an object or "folder" of it: the part of `pathlib.Path` that a lake needs.

    A path that came from a listing knows its `stat`. Methods raise FileNotFoundError as pathlib's do, and LakeError
    where the store does not answer or refuses.
    """

    url: str
    _stat: ObjectStat | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, url: str) -> "ObjectPath":
        """The place of a lake. Raises SettingError for what is none."""
        if not _URL.fullmatch(url):
            raise SettingError(
                f"{url!r} is no place for a lake: write s3://bucket/prefix, with letters, digits and . _ = @ - in the"
                " prefix, and keys in the environment"
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
        """Whether there is such an object; a prefix of others is none."""
        with asking(self.url):
            return bool(store().isfile(self.url))

    is_file = exists

    def is_dir(self) -> bool:
        """Whether there are objects below; what came from a listing is one itself."""
        return self._stat is None and any(self.iterdir())

    def iterdir(self) -> Iterator["ObjectPath"]:
        """What is right below: objects, and prefixes of others."""
        with asking(self.url), suppress(FileNotFoundError):
            for info in store().ls(self.url, detail=True):
                yield ObjectPath(f"s3://{info['name']}", _stat(info) if info["type"] == "file" else None)

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """What matches below, `*` within a name: objects, and for a single name prefixes of others too."""
        if "/" not in pattern:
            return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))
        fixed, _, _ = pattern.rpartition("/") if "*" in pattern else (pattern, "", "")
        below = self.url if "*" in fixed else f"{self.url}/{fixed}".rstrip("/")
        depth = self.url.count("/") + pattern.count("/") + 1
        return (path for path in ObjectPath(below).rglob(pattern) if path.url.count("/") == depth)

    def rglob(self, pattern: str) -> Iterator["ObjectPath"]:
        """The objects at any depth below whose path ends in a match, by name: a request for each thousand objects."""
        with asking(self.url):
            found = store().find(self.url, detail=True)
        for name, info in sorted(found.items()):
            if PurePosixPath(name).match(pattern):
                yield ObjectPath(f"s3://{name}", _stat(info))

    def stat(self) -> ObjectStat:
        if self._stat is not None:
            return self._stat
        with asking(self.url):
            return _stat(store().info(self.url))

    def read_bytes(self) -> bytes:
        return self.read_range(0, None)

    def read_range(self, start: int, end: int | None) -> bytes:
        """The bytes from `start` (from the end if negative) up to `end`, in one request."""
        with asking(self.url):
            return bytes(store().cat_file(self.url, start=start, end=end))

    def write_bytes(self, data: bytes | bytearray) -> bool:
        """Put an object, whole, in the place of any that is there; returns that it was put."""
        with asking(self.url):
            store().pipe_file(self.url, bytes(data))
        return True

    def create_bytes(self, data: bytes) -> bool:
        """Put an object, whole, unless there is one; returns whether it was put."""
        try:
            with asking(self.url):
                store().pipe_file(self.url, data, mode="create")
        except FileExistsError:
            return False
        return True

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete an object. A store does not say whether there was one."""
        with suppress(*[FileNotFoundError] if missing_ok else []), asking(self.url):
            store().rm_file(self.url)


def _stat(info: Mapping[str, Any]) -> ObjectStat:
    return ObjectStat(info["size"], info["LastModified"].timestamp())


@cache
def store() -> "fsspec.AbstractFileSystem":
    """The file system of s3fs; a process has one. Raises SettingError when s3fs is not installed."""
    try:
        import s3fs
    except ImportError as error:
        raise SettingError("a lake on s3:// needs s3fs: pip install 'litmine[s3]'") from error
    # Others write to the lake: what was listed a moment ago is not what is there now.
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


@contextmanager
def asking(url: str) -> Iterator[None]:
    """Let only what is there, or is not, through as OSError; whatever else a store says becomes LakeError."""
    store()
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        said = " ".join((str(error) or type(error).__name__).split()).rstrip(".")
        raise LakeError(
            f"{url} cannot be had ({said}); see to the network, the bucket and the AWS_ settings, and run the command"
            " again: what was finished stays"
        ) from error
