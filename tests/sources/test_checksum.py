"""The `.md5` beside a file, as NLM and md5sum write it."""

from hashlib import md5
from pathlib import Path

import pytest

from litmine.errors import SourceError
from litmine.sources.files import compute_checksum, read_declared_md5

MD5 = md5(b"content", usedforsecurity=False).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pubmed26n0001.xml.gz"
    path.write_bytes(b"content")
    return path


@pytest.mark.parametrize(
    "content",
    [
        f"MD5(pubmed26n0001.xml.gz)= {MD5}\n",
        f"MD5 (pubmed26n0001.xml.gz) = {MD5}\n",
        f"{MD5}  pubmed26n0001.xml.gz\n",
        f"{MD5} *pubmed26n0001.xml.gz\r\n",
        MD5.upper(),
    ],
)
def test_the_declared_md5_is_read(file: Path, content: str) -> None:
    Path(f"{file}.md5").write_text(content)
    assert read_declared_md5(file) == MD5
    assert (compute_checksum(file, MD5).md5, compute_checksum(file, None).size) == (MD5, 7)


def test_a_file_without_an_md5_file(file: Path) -> None:
    assert read_declared_md5(file) is None


@pytest.mark.parametrize("content", [b"", b"<html></html>", MD5[:-1].encode(), b"\xff" * 99, f"{MD5}{MD5}".encode()])
def test_an_md5_file_without_an_md5_is_refused(file: Path, content: bytes) -> None:
    Path(f"{file}.md5").write_bytes(content)
    with pytest.raises(SourceError, match=r"as pubmed26n0001\.xml\.gz\.md5 has no MD5: download that file again, or"):
        read_declared_md5(file)


def test_an_unreadable_md5_file_is_refused(file: Path) -> None:
    Path(f"{file}.md5").mkdir()
    why = r"as pubmed26n0001\.xml\.gz\.md5 cannot be read \(Is a directory\): make that file readable"
    with pytest.raises(SourceError, match=why):
        read_declared_md5(file)


def test_a_mismatch_is_refused(file: Path) -> None:
    with pytest.raises(SourceError, match=r"it does not match its \.md5: download it again\."):
        compute_checksum(file, "0" * 32)


def test_a_missing_file_is_refused(file: Path) -> None:
    file.unlink()
    with pytest.raises(SourceError, match=r"The file cannot be read \(No such file or directory\): make"):
        compute_checksum(file, None)
