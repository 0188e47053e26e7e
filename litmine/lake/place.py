"""Where a lake is: a folder, or a prefix of an object store.

Code over a lake goes by `Place`, and does with it what both can. What is kept on this machine wherever the lake is
(locks, the spool of a fetch, the search index) is on its desk.
"""

import os
import re
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from litmine.home import home
from litmine.lake.object_store import ObjectPath

Place: TypeAlias = Path | ObjectPath


def place(given: "str | PathLike[str] | Place") -> Place:
    """The place of a lake as someone names it: absolute, or a URL. Raises SettingError for a URL that is no place."""
    if isinstance(given, ObjectPath):
        return given
    if isinstance(given, str) and "://" in given:
        return ObjectPath.parse(given)
    return Path(given).resolve()


def within(lake: Place, path: Place) -> str:
    """A file as it is called within the lake: articles/x.parquet."""
    return str(path).removeprefix(f"{lake}/")


def desk(lake: Place) -> Path:
    """The folder on this machine for what belongs to a lake and needs a file system: the lake itself, if it is one."""
    if isinstance(lake, Path):
        return lake
    # Buckets of two stores may have one name.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    digest = blake2b(f"{endpoint} {lake}".encode(), digest_size=6).hexdigest()
    return home().resolve() / "lakes" / f"{re.sub('[^a-z0-9]+', '-', str(lake).lower())}-{digest}"
