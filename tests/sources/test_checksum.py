"""The `.md5` beside a file, as NLM and md5sum write it."""

from hashlib import md5
from pathlib import Path

import pytest

from litmine.errors import SourceError
from litmine.sources.files import compute_checksum, read_declared_md5

SUM = md5(b"content", usedforsecurity=False).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pubmed26n0001.xml.gz"
    path.write_bytes(b"content")
    return path


@pytest.mark.parametrize(
    "said",
    [
        f"MD5(pubmed26n0001.xml.gz)= {SUM}\n",
        f"MD5 (pubmed26n0001.xml.gz) = {SUM}\n",
        f"{SUM}  pubmed26n0001.xml.gz\n",
        f"{SUM} *pubmed26n0001.xml.gz\r\n",
        SUM.upper(),
    ],
)
def test_what_is_declared(file: Path, said: str) -> None:
    Path(f"{file}.md5").write_text(said)
    assert read_declared_md5(file) == SUM
    assert (compute_checksum(file, SUM).md5, compute_checksum(file, None).size) == (SUM, 7)


def test_a_file_without_one(file: Path) -> None:
    assert read_declared_md5(file) is None


@pytest.mark.parametrize("said", [b"", b"<html></html>", SUM[:-1].encode(), b"\xff" * 99, f"{SUM}{SUM}".encode()])
def test_what_is_no_checksum(file: Path, said: bytes) -> None:
    Path(f"{file}.md5").write_bytes(said)
    with pytest.raises(SourceError, match=r"as pubmed26n0001\.xml\.gz\.md5 holds no MD5: download that again, or"):
        read_declared_md5(file)


def test_a_checksum_that_cannot_be_read(file: Path) -> None:
    Path(f"{file}.md5").mkdir()
    with pytest.raises(SourceError, match=r"as pubmed26n0001\.xml\.gz\.md5 cannot be read \(Is a directory\): make it"):
        read_declared_md5(file)


def test_another_content(file: Path) -> None:
    with pytest.raises(SourceError, match=r"it does not match its \.md5: download it again\."):
        compute_checksum(file, "0" * 32)


def test_a_file_that_is_gone(file: Path) -> None:
    file.unlink()
    with pytest.raises(SourceError, match=r"It cannot be read \(No such file or directory\); nothing was read: make"):
        compute_checksum(file, None)
