"""The checksum of a whole file covers every byte of it, and files without one are read as before."""

import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import LakeError
from litmine.lake.checksums import CHECKSUM_KEY, NO_CHECKSUM, check_content
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.parquet import FOOTER_KEY, encode_parquet, read_footer, read_table, write_tables
from litmine.schema import arrow_schema

# A footer that looks like the key of a checksum does not matter.
FOOTER = {"note": f"{CHECKSUM_KEY}: {'f' * 16} \x18\x10"}
ROWS = pa.table({"file": ["articles/a", "articles/b"], "by": ["articles/c"] * 2}, schema=arrow_schema("replaced"))
SEALED = encode_parquet("replaced", ROWS, FOOTER)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed") / "file.parquet"


def test_the_checksum_is_of_the_bytes_with_zeros_in_its_place(file: Path) -> None:
    file.write_bytes(SEALED)
    digits = (pq.read_metadata(file).metadata or {})[CHECKSUM_KEY.encode()]
    metadata = len(SEALED) - 8 - int.from_bytes(SEALED[-8:-4], "little")
    head, tail = SEALED[:metadata], SEALED[metadata:].replace(digits, NO_CHECKSUM.encode())
    assert digits.decode() == f"{zlib.crc32(head):08x}{zlib.crc32(tail):08x}"
    assert check_content(file)
    assert read_footer(file) == FOOTER
    assert read_table(file, ["file", "by"]) == ROWS


def test_a_file_that_is_written_in_chunks_has_a_checksum(file: Path) -> None:
    other = file.with_name("chunks.parquet")
    assert write_tables(other, "replaced", iter([ROWS, ROWS]), FOOTER)
    assert check_content(other)
    assert len(read_table(other, ["file"])) == 4


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_or_changes_nothing(file: Path, position: int, change: int) -> None:
    file.write_bytes(SEALED[:position] + bytes([SEALED[position] ^ change]) + SEALED[position + 1 :])
    try:
        verify_parquet(file)
    except LakeError as error:
        assert f"{file} is damaged" in str(error)  # noqa: PT017 -- a change of the key itself leaves no checksum
    else:
        assert read_table(file, ["file", "by"]) == ROWS
        assert CHECKSUM_KEY.encode() not in (pq.read_metadata(file).metadata or {})


@given(st.integers(0, len(SEALED) - 1))
def test_a_cut_file_is_damaged(file: Path, length: int) -> None:
    file.write_bytes(SEALED[:length])
    with pytest.raises(LakeError, match="is damaged"):
        verify_parquet(file)


def test_a_file_without_a_checksum_is_verified_by_its_pages(file: Path) -> None:
    pq.write_table(ROWS, file, write_page_checksum=True, store_schema=False)
    assert not check_content(file)
    verify_parquet(file)
    data = bytearray(file.read_bytes())
    column = pq.read_metadata(file).row_group(0).column(0)
    data[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 3] ^= 1
    file.write_bytes(data)
    with pytest.raises(LakeError, match="is damaged"):
        verify_parquet(file)


def test_damage_of_the_metadata_is_found_when_a_footer_is_read(file: Path) -> None:
    place = SEALED.index(FOOTER_KEY + b"\x18") + len(FOOTER_KEY) + 12
    file.write_bytes(SEALED[:place] + b"#" + SEALED[place + 1 :])
    assert (pq.read_metadata(file).metadata or {})[FOOTER_KEY] != b""
    with pytest.raises(LakeError, match="do not match its checksum"):
        read_footer(file)
