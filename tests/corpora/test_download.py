"""Corpus downloads from a local server: folders, archives, and refused content."""

import bz2
import gzip
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request

import pytest

from litmine.corpora.corpus import open_corpus
from litmine.corpora.download import _SafeRedirectHandler, download_corpus
from litmine.corpora.registry import find_corpus
from litmine.errors import CorpusError

TRAIN = b"asthma\tB-Disease\nis\tO\n"
DEV = b"fever\tB-Disease\n"
PUBTATOR = b"7|t|asthma\n7|a|\n7\t0\t6\tasthma\tDisease\tD1\n"


class Server:
    """Serves `files` by path. A str value is a redirection; responses to `short` paths end one byte early."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | str] = {}
        self.short: set[str] = set()
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.files.get(self.path)
                self.send_response(404 if content is None else 302 if isinstance(content, str) else 200)
                if isinstance(content, str):
                    self.send_header("Location", content)
                body = content if isinstance(content, bytes) else b""
                length = {"Content-Length": str(len(body) + (self.path in outer.short))}
                for name, value in (length | outer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server()
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / "corpora"


def zipped(members: dict[str, bytes], link: bool = False) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(info, content)
    return packed.getvalue()


def tarred(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "elsewhere" if kind != tarfile.REGTYPE else ""
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def test_train_and_dev_files_are_downloaded_from_a_folder(server: Server, home: Path) -> None:
    server.files = {"/c/train.tsv": TRAIN, "/c/devel.tsv": DEV, "/c/test.tsv": b"secret\tO\n"}
    messages: list[str] = []
    folder = download_corpus(find_corpus("NCBI-disease"), f"{server.url}c/", messages.append)
    assert folder == home / "NCBI-disease"
    assert {file.name: file.read_bytes() for file in folder.glob("*.tsv")} == {"train.tsv": TRAIN, "dev.tsv": DEV}
    assert server.asked == ["/c/train.tsv", "/c/devel.tsv"]
    source = (folder / "SOURCE.txt").read_text()
    assert f"{server.url}c/train.tsv\nsha256 {hashlib.sha256(TRAIN).hexdigest()}" in source
    assert "licence: public domain" in source
    assert messages[0] == "train: 1 passages annotated with Disease"
    corpus = open_corpus("NCBI-disease", "dev")
    assert corpus is not None
    assert corpus.passages[0].text == "fever"
    assert [path.name for path in home.iterdir()] == ["NCBI-disease"]


def hostile_tar(size: int, name: str = "././@LongLink", kind: bytes = tarfile.GNUTYPE_LONGNAME) -> bytes:
    """A tar archive whose first member has a name of `size` bytes."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def longest_name(size: int) -> bytes:
    """A small archive for which tarfile would hold a name of `size` bytes in memory."""
    return gzip.compress(hostile_tar(size) + bytes(size), mtime=0)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_registered_files_are_extracted_from_an_archive(server: Server, pack: object) -> None:
    assert callable(pack)
    members = {"BIORED/Train.PubTator": PUBTATOR, "BIORED/Dev.PubTator": PUBTATOR, "BIORED/Test.PubTator": b"secret"}
    server.files = {"/BIORED.any": pack(members)}
    folder = download_corpus(find_corpus("BioRED"), f"{server.url}BIORED.any", lambda _: None)
    assert {file.name for file in folder.iterdir()} == {"train.pubtator", "dev.pubtator", "SOURCE.txt"}


def test_a_file_is_the_train_split_and_a_redirection_is_followed(server: Server) -> None:
    server.files = {"/here": "/there", "/there": PUBTATOR}
    folder = download_corpus(find_corpus("BC4CHEMD"), f"{server.url}here", lambda _: None)
    assert (folder / "train.pubtator").read_bytes() == PUBTATOR


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped({"../train.tsv": TRAIN}), "its member '../train.tsv' would be written outside the folder"),
        (zipped({"/etc/train.tsv": TRAIN}), "would be written outside"),
        (zipped({"c:\\train.tsv": TRAIN}), "would be written outside"),
        (zipped({"train.tsv": b"x"}, link=True), "its member 'train.tsv' is not a regular file"),
        (tarred({"a/../../train.tsv": TRAIN}), "would be written outside"),
        (tarred({"train.tsv": b""}, tarfile.SYMTYPE), "is not a regular file"),
        (tarred({"train.tsv": b""}, tarfile.LNKTYPE), "is not a regular file"),
        (tarred({"train.tsv": b""}, tarfile.FIFOTYPE), "is not a regular file"),
        (zipped({"train.tsv": b"a\tO\n" * 50_000}), "unpacks to more than 100,000 bytes"),
        (b"a\tO\n" * 50_000, "has more than 100,000 bytes"),
        (zipped({"readme": b""}), "does not contain train.tsv, only readme"),
        (b"<html>Sorry</html>", "expected token TAB tag"),
        (b"", "is empty"),
        (tarred({"train.tsv": TRAIN})[:60], "cannot be unpacked: "),
        (longest_name(200_000), "unpacks to more than 100,000 bytes"),
        (hostile_tar(2**60), "cannot be unpacked: |expected token TAB tag|is not UTF-8"),
        (hostile_tar(2**60, "train.tsv", tarfile.REGTYPE), "unpacks to more than 100,000 bytes"),
        (bz2.compress(b"a\tO\n" * 50_000), "unpacks to more than 100,000 bytes"),
        ("http://example.org/train.tsv", "is not allowed; use https"),
        ("file:///etc/passwd", "is not allowed"),
        ("/nowhere", "cannot be downloaded: HTTP Error 404"),
    ],
)
def test_a_refused_download_leaves_no_files(server: Server, home: Path, content: bytes | str, sentence: str) -> None:
    server.files = {"/corpus": content}
    with pytest.raises(CorpusError, match=sentence):
        download_corpus(find_corpus("NCBI-disease"), f"{server.url}corpus", lambda _: None, max_bytes=100_000)
    assert list(home.iterdir()) == []


def test_a_truncated_response_is_an_error(server: Server, home: Path) -> None:
    server.files, server.short = {"/c": TRAIN}, {"/c"}
    with pytest.raises(CorpusError, match=r"ended after 22 of 23 bytes; try again"):
        download_corpus(find_corpus("NCBI-disease"), f"{server.url}c", lambda _: None)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://example.org/a.zip", "ftp://example.org/", "/etc/passwd", "https://", "http://["]
)
def test_addresses_without_https_or_with_credentials_are_refused(home: Path, url: str) -> None:
    with pytest.raises(CorpusError, match=r"is not allowed; use https|is not a valid address"):
        download_corpus(find_corpus("NCBI-disease"), url, lambda _: None)
    assert not home.exists()


def test_a_password_in_an_address_is_not_printed(home: Path) -> None:
    with pytest.raises(CorpusError, match="addresses with a user name are not allowed") as refused:
        download_corpus(find_corpus("NCBI-disease"), "https://me:secret@example.org/a.zip", lambda _: None)
    assert "secret" not in str(refused.value)
    assert not home.exists()


def test_a_redirection_to_this_machine_is_refused(server: Server) -> None:
    request = Request("https://example.org/a.zip")
    for place in (server.url, "https://localhost/"):
        with pytest.raises(CorpusError, match="on this machine, which is not allowed"):
            _SafeRedirectHandler().redirect_request(request, io.BytesIO(), 302, "Found", HTTPMessage(), place)
    assert server.asked == []


def test_a_bad_content_length_is_ignored(server: Server) -> None:
    server.files, server.headers = {"/c": TRAIN}, {"Content-Length": "many"}
    assert (
        download_corpus(find_corpus("NCBI-disease"), f"{server.url}c", lambda _: None) / "train.tsv"
    ).read_bytes() == TRAIN


@pytest.mark.parametrize("url", [None, "https://example.org/i2b2.zip"])
def test_a_corpus_with_an_agreement_is_not_downloaded(url: str | None) -> None:
    with pytest.raises(
        CorpusError, match=r"i2b2-2010 cannot be downloaded into .*: each user must sign its data use agreement"
    ):
        download_corpus(find_corpus("i2b2-2010"), url, lambda _: None)


def test_a_corpus_without_an_address_explains_how_to_obtain_it() -> None:
    with pytest.raises(CorpusError, match=r"BC4CHEMD cannot be downloaded into .*: get it from https"):
        download_corpus(find_corpus("BC4CHEMD"), None, lambda _: None)


def test_a_downloaded_corpus_is_not_downloaded_again(server: Server, home: Path) -> None:
    (home / "NCBI-disease").mkdir(parents=True)
    with pytest.raises(CorpusError, match="exists; delete it to download NCBI-disease again"):
        download_corpus(find_corpus("NCBI-disease"), server.url, lambda _: None)
    assert server.asked == []
