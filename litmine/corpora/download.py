"""Download a registered corpus: fetch or unpack its train and dev splits, check them, and move them into place.

Only the files that the registry names are fetched or extracted, so test splits never reach this machine's folders.
"""

import bz2
import gzip
import hashlib
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPException, HTTPMessage
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from litmine.corpora.corpus import SPLITS, corpus_home, read_corpus
from litmine.corpora.registry import CorpusEntry
from litmine.errors import CorpusError
from litmine.sources.pubtator import HEADER_PATTERN

SOURCE_FILE = "SOURCE.txt"
MAX_BYTES = 512 * 1024 * 1024
TIMEOUT = 60.0

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_UNPACK_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    # raised for headers with absurd sizes
    MemoryError,
    OverflowError,
)
_DECOMPRESSORS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
# Usual file names of the splits, for archives that do not have the registered names.
_USUAL_NAMES = {"train": ("train.tsv", "train.pubtator"), "dev": ("dev.tsv", "devel.tsv", "dev.pubtator")}


def download_corpus(
    entry: CorpusEntry, url: str | None, log: Callable[[str], None], max_bytes: int = MAX_BYTES
) -> Path:
    """Download a corpus from `url`, or from the registry's address, and return its folder.

    The address is a folder (with a final slash), an archive (zip or tar), or the file of the train split. Raises
    CorpusError when the corpus must be obtained by hand or exists already, when the address or the archive is unsafe,
    when it has more than `max_bytes` bytes, and when the download fails or is not a corpus. No files remain after an
    error.
    """
    target = corpus_home(entry.name)
    url = url or entry.url
    # The files of relation corpora have forms of their own, which are read where they are.
    by_hand = entry.agreement or (bool(entry.relations) and not entry.url)
    if by_hand or not url:
        raise CorpusError(f"{entry.name} cannot be downloaded into {target}: {entry.obtain}")
    if target.exists():
        raise CorpusError(f"{target} exists; delete it to download {entry.name} again")
    _check_url(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=target.parent))
    try:
        sources = _fetch_splits(entry, url, folder, max_bytes)
        for split in [split for split in SPLITS if (folder / split).exists()]:
            corpus = read_corpus(_with_suffix(folder / split), entry.name)
            log(f"{split}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        (folder / SOURCE_FILE).write_text(_source_text(entry, sources), encoding="utf-8")
        folder.chmod(0o755)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def _fetch_splits(entry: CorpusEntry, url: str, folder: Path, max_bytes: int) -> list[tuple[str, str]]:
    """Put the splits into `folder` as `train` and `dev`; returns each downloaded address with its SHA-256."""
    if url.endswith("/"):
        names = {"train": entry.train, "dev": entry.dev}
        addresses = {split: urljoin(url, name) for split, name in names.items() if name}
        return [(address, _download(address, folder / split, max_bytes)) for split, address in addresses.items()]
    fetched = folder / "fetched"
    digest = _download(url, fetched, max_bytes)
    try:
        _decompress(fetched, url, max_bytes)
        if zipfile.is_zipfile(fetched) or tarfile.is_tarfile(fetched):
            _unpack(entry, url, fetched, folder, max_bytes)
            fetched.unlink()
        else:
            fetched.rename(folder / "train")
    except _UNPACK_ERRORS as error:
        raise CorpusError(
            f"{url} cannot be unpacked: {error}; try again, or use another address with --from"
        ) from error
    return [(url, digest)]


def _download(url: str, to: Path, max_bytes: int) -> str:
    """Download an address to a file; returns the SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    try:
        request = Request(url, headers={"User-Agent": "litmine"})
        with build_opener(_SafeRedirectHandler).open(request, timeout=TIMEOUT) as response, to.open("wb") as file:
            while block := response.read(1 << 16):
                size += len(block)
                if size > max_bytes:
                    raise CorpusError(f"{url} has more than {max_bytes:,} bytes; use another address with --from")
                digest.update(block)
                file.write(block)
            missing = response.length
    except (OSError, HTTPException) as error:
        raise CorpusError(
            f"{url} cannot be downloaded: {error}; try again, or use another address with --from"
        ) from error
    if missing:
        raise CorpusError(f"the download of {url} ended after {size:,} of {size + missing:,} bytes; try again")
    return digest.hexdigest()


def _decompress(file: Path, url: str, max_bytes: int) -> None:
    """Decompress a file in place, at most to `max_bytes` bytes, before any archive header in it is read."""
    with file.open("rb") as stream:
        start = stream.read(6)
    opening = next((opening for magic, opening in _DECOMPRESSORS.items() if start.startswith(magic)), None)
    if opening is None:
        return
    unpacked, size = file.with_name("unpacked"), 0
    with opening(file) as packed, unpacked.open("wb") as out:
        while block := packed.read(1 << 16):
            size += len(block)
            if size > max_bytes:
                raise CorpusError(f"{url} unpacks to more than {max_bytes:,} bytes; use another address with --from")
            out.write(block)
    unpacked.replace(file)


class _SafeRedirectHandler(HTTPRedirectHandler):
    """Follows redirects to permitted addresses only; a redirect from another machine to this one is not followed."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _check_url(newurl)
        if urlsplit(req.full_url).hostname not in _LOOPBACK and urlsplit(newurl).hostname in _LOOPBACK:
            raise CorpusError(
                f"{req.full_url} redirects to {newurl} on this machine, which is not allowed; use another address"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_url(url: str) -> None:
    """Raise CorpusError unless the address is https, or http on this machine, without a user name."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CorpusError(f"{url} is not a valid address: {error}") from error
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise CorpusError(f"{url} is not allowed; use https, or http from this machine")
    if parts.username is not None:
        # The address is not quoted: it may contain a password, which would end up in logs.
        raise CorpusError("addresses with a user name are not allowed; download the corpus yourself")


def _unpack(entry: CorpusEntry, url: str, archive: Path, folder: Path, max_bytes: int) -> None:
    """Extract the splits from an archive. Raises CorpusError for unsafe paths, links, and too much data."""
    members = _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)
    names = []
    for name, total_size, is_regular_file in members:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise CorpusError(
                f"{url} is unsafe: its member {name!r} would be written outside the folder; use another address"
            )
        if not is_regular_file:
            raise CorpusError(f"{url} is unsafe: its member {name!r} is not a regular file; use another address")
        if total_size > max_bytes:
            raise CorpusError(f"{url} unpacks to more than {max_bytes:,} bytes; use another address with --from")
        names.append(name)
    for split, registered in (("train", entry.train), ("dev", entry.dev)):
        member = next(
            (m for wanted in (registered, *_USUAL_NAMES[split]) if wanted for m in names if _matches(m, wanted)), None
        )
        if member is not None:
            _extract(archive, member, folder / split, max_bytes)
        elif split == "train":
            raise CorpusError(
                f"{url} does not contain {entry.train}, only {', '.join(names[:10])}; use another address with --from"
            )


def _matches(member: str, wanted: str) -> bool:
    return member == wanted or member.endswith(f"/{wanted}")


def _zip_members(archive: Path) -> Iterator[tuple[str, int, bool]]:
    """For each member that is not a folder: name, total size so far, and whether it is a regular file."""
    total = 0
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            total += info.file_size
            kind = (info.external_attr >> 16) & 0o170000
            if not info.is_dir():
                yield info.filename, total, kind in {0, 0o100000}


def _tar_members(archive: Path) -> Iterator[tuple[str, int, bool]]:
    """As `_zip_members`, for a tar archive."""
    total = 0
    with tarfile.open(archive) as opened:
        for info in opened:
            total += info.size
            if not info.isdir():
                yield info.name, total, info.isfile()


def _extract(archive: Path, member: str, to: Path, max_bytes: int) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
            to.write_bytes(stream.read(max_bytes))
    else:
        with tarfile.open(archive) as tar:
            content = tar.extractfile(member)
            assert content is not None
            to.write_bytes(content.read(max_bytes))


def _with_suffix(file: Path) -> Path:
    """Rename a file so that its suffix shows its format, detected from the first line."""
    with file.open("rb") as stream:
        first = next((line for line in stream if line.strip()), b"")
    return file.rename(file.with_suffix(".pubtator" if HEADER_PATTERN.match(first) else ".tsv"))


def _source_text(entry: CorpusEntry, sources: list[tuple[str, str]]) -> str:
    lines = [f"{entry.name}, downloaded {datetime.now(UTC):%Y-%m-%d} by litmine", ""]
    lines += [f"from {url}\nsha256 {digest}" for url, digest in sources]
    lines += ["", f"licence: {entry.licence}", f"terms: {entry.terms}", f"cite: {entry.citation} {entry.doi}".rstrip()]
    return "\n".join(lines) + "\n"
