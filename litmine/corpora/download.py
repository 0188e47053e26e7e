"""From a registered corpus to its folder: download, take the train and dev splits out, check them, one rename.

Test splits are left where they are: only the files that the registry names are fetched or taken out of an archive.
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
from litmine.corpora.registry import Entry
from litmine.errors import CorpusError
from litmine.sources.pubtator import HEAD

SOURCE_FILE = "SOURCE.txt"
GREATEST = 512 * 1024 * 1024
TIMEOUT = 60.0

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    # of headers that name sizes beyond everything
    MemoryError,
    OverflowError,
)
_PACKED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
# What a split is called where the registry does not say, or another mirror has it.
_USUAL = {"train": ("train.tsv", "train.pubtator"), "dev": ("dev.tsv", "devel.tsv", "dev.pubtator")}


def obtain(entry: Entry, url: str | None, say: Callable[[str], None], greatest: int = GREATEST) -> Path:
    """Fetch a corpus from `url`, or from where the registry says, into its folder; the folder.

    The address is a folder (it ends with a slash), an archive (zip or tar), or the file of the train split. Raises
    CorpusError for a corpus that may not be fetched or is here, for an address or an archive that is refused, for more
    than `greatest` bytes, and for what cannot be had or is no corpus; nothing is left behind then.
    """
    place = corpus_home(entry.name)
    url = url or entry.url
    if entry.agreement or not url:
        raise CorpusError(f"{entry.name} cannot be fetched into {place}: {entry.obtain}")
    if place.exists():
        raise CorpusError(f"{place} exists; delete it to fetch {entry.name} again")
    _allow(url)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=place.parent))
    try:
        fetched = _fetch_splits(entry, url, folder, greatest)
        for split in [split for split in SPLITS if (folder / split).exists()]:
            corpus = read_corpus(_with_suffix(folder / split), entry.name)
            say(f"{split}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        (folder / SOURCE_FILE).write_text(_source(entry, fetched), encoding="utf-8")
        folder.chmod(0o755)
        folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return place


def _fetch_splits(entry: Entry, url: str, folder: Path, greatest: int) -> list[tuple[str, str]]:
    """Put the splits into `folder` as `train` and `dev`; each address that was read and the SHA-256 of what it gave."""
    if url.endswith("/"):
        named = {"train": entry.train, "dev": entry.dev}
        addresses = {split: urljoin(url, name) for split, name in named.items() if name}
        return [(address, _download(address, folder / split, greatest)) for split, address in addresses.items()]
    fetched = folder / "fetched"
    digest = _download(url, fetched, greatest)
    try:
        _decompress(fetched, url, greatest)
        if zipfile.is_zipfile(fetched) or tarfile.is_tarfile(fetched):
            _unpack(entry, url, fetched, folder, greatest)
            fetched.unlink()
        else:
            fetched.rename(folder / "train")
    except _DAMAGED as error:
        raise CorpusError(f"{url} cannot be unpacked: {error}; try again, or another address with --from") from error
    return [(url, digest)]


def _download(url: str, to: Path, greatest: int) -> str:
    """Write what the address gives to a file; its SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        request = Request(url, headers={"User-Agent": "litmine"})
        with build_opener(_Careful).open(request, timeout=TIMEOUT) as answer, to.open("wb") as file:
            while block := answer.read(1 << 16):
                size += len(block)
                if size > greatest:
                    raise CorpusError(f"{url} gives more than {greatest:,} bytes, which no corpus needs; not fetched")
                digest.update(block)
                file.write(block)
            missing = answer.length
    except (OSError, HTTPException) as error:
        raise CorpusError(f"{url} cannot be fetched: {error}; try again, or another address with --from") from error
    if missing:
        raise CorpusError(f"{url} broke off after {size:,} of {size + missing:,} bytes; try again")
    return digest.hexdigest()


def _decompress(file: Path, url: str, greatest: int) -> None:
    """Unpack a compressed file in its place, so that no header inside can make more of it than `greatest`."""
    with file.open("rb") as stream:
        start = stream.read(6)
    opening = next((opening for magic, opening in _PACKED.items() if start.startswith(magic)), None)
    if opening is None:
        return
    unpacked, size = file.with_name("unpacked"), 0
    with opening(file) as packed, unpacked.open("wb") as out:
        while block := packed.read(1 << 16):
            size += len(block)
            if size > greatest:
                raise CorpusError(f"{url} is refused: it unpacks to more than {greatest:,} bytes")
            out.write(block)
    unpacked.replace(file)


class _Careful(HTTPRedirectHandler):
    """Follows a redirection only to where a download may go, and from elsewhere not to a service of this machine."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _allow(newurl)
        if urlsplit(req.full_url).hostname not in _LOOPBACK and urlsplit(newurl).hostname in _LOOPBACK:
            raise CorpusError(f"{req.full_url} sends us to {newurl}, on this machine, and is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _allow(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CorpusError(f"{url} is no address: {error}") from error
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise CorpusError(f"{url} is refused: a corpus is fetched over https, or over http from this machine only")
    if parts.username is not None:
        # Not quoted: a password would stand in logs, and in SOURCE.txt.
        raise CorpusError("an address with a user name in it is refused; fetch the corpus yourself")


def _unpack(entry: Entry, url: str, archive: Path, folder: Path, greatest: int) -> None:
    """Take the splits out of an archive whose members are all plain files inside it and not too large."""
    members = _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)
    names = []
    for name, size, plain in members:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise CorpusError(f"{url} is refused: its member {name!r} would be written outside of the folder")
        if not plain:
            raise CorpusError(f"{url} is refused: its member {name!r} is a link or no plain file")
        if size > greatest:
            raise CorpusError(f"{url} is refused: it unpacks to more than {greatest:,} bytes")
        names.append(name)
    for split, registered in (("train", entry.train), ("dev", entry.dev)):
        member = next((m for wanted in (registered, *_USUAL[split]) if wanted for m in names if _is(m, wanted)), None)
        if member is not None:
            _extract(archive, member, folder / split, greatest)
        elif split == "train":
            raise CorpusError(f"{url} holds no {entry.train}; it holds {', '.join(names[:10])}")


def _is(member: str, wanted: str) -> bool:
    return member == wanted or member.endswith(f"/{wanted}")


def _zip_members(archive: Path) -> Iterator[tuple[str, int, bool]]:
    """Name, size so far and whether it is a plain file, of each member that is no folder."""
    total = 0
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            total += info.file_size
            kind = (info.external_attr >> 16) & 0o170000
            if not info.is_dir():
                yield info.filename, total, kind in {0, 0o100000}


def _tar_members(archive: Path) -> Iterator[tuple[str, int, bool]]:
    total = 0
    with tarfile.open(archive) as opened:
        for info in opened:
            total += info.size
            if not info.isdir():
                yield info.name, total, info.isfile()


def _extract(archive: Path, member: str, to: Path, greatest: int) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
            to.write_bytes(stream.read(greatest))
    else:
        with tarfile.open(archive) as tar:
            content = tar.extractfile(member)
            assert content is not None
            to.write_bytes(content.read(greatest))


def _with_suffix(file: Path) -> Path:
    """The file under the name that says its format, which its first line tells."""
    with file.open("rb") as stream:
        first = next((line for line in stream if line.strip()), b"")
    return file.rename(file.with_suffix(".pubtator" if HEAD.match(first) else ".tsv"))


def _source(entry: Entry, fetched: list[tuple[str, str]]) -> str:
    lines = [f"{entry.name}, fetched {datetime.now(UTC):%Y-%m-%d} by litmine", ""]
    lines += [f"from {url}\nsha256 {digest}" for url, digest in fetched]
    lines += ["", f"licence: {entry.licence}", f"terms: {entry.terms}", f"cite: {entry.citation} {entry.doi}".rstrip()]
    return "\n".join(lines) + "\n"
