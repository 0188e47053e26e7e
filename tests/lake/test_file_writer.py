"""Tests of the file writer: a file of the lake appears whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litmine.errors import LakeError, LakeLockedError
from litmine.lake.file_writer import file_write_error, write_atomically, write_bytes
from litmine.lake.lock import hold_lock

SLOW_WRITER = """
import sys
from pathlib import Path
from litmine.lake.file_writer import write_atomically

def write(temporary):
    with temporary.open("wb") as file:
        for _ in range(int(sys.argv[2])):
            file.write(b"x" * 1000)
            file.flush()
            print("wrote", flush=True)
        sys.stdin.read()  # wait until killed

write_atomically(Path(sys.argv[1]), write)
"""

LIMITED_WRITER = """
import resource, signal, sys
from pathlib import Path
from litmine.errors import LakeError
from litmine.lake.file_writer import write_bytes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_bytes(Path(sys.argv[1]), b"x" * 100_000)
except LakeError as error:
    print(error)
"""


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_files_are_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.parquet"
    assert write_bytes(path, b"one")
    assert write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_exclusive_writing_keeps_an_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert write_bytes(path, b"one", exclusive=True)
    assert not write_bytes(path, b"two", exclusive=True)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("lines", [1, 5, 40])
def test_a_killed_writer_leaves_no_partial_file(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "a.parquet"
    with run(SLOW_WRITER, path, lines) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert not list(tmp_path.glob("*.parquet"))
    assert len(list(tmp_path.iterdir())) == 1
    assert write_bytes(path, b"whole")
    assert list(tmp_path.glob("*.parquet")) == [path]


def test_temporary_files_are_deleted_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / ".a.parquet.1.tmp", tmp_path / ".a.parquet.2.tmp"
    for temporary in (old, young):
        temporary.touch()
    day_ago = time.time() - 25 * 3600
    os.utime(old, (day_ago, day_ago))
    write_bytes(tmp_path / "b.parquet", b"")
    assert sorted(tmp_path.iterdir()) == [young, tmp_path / "b.parquet"]


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_full_disk_leaves_no_partial_file(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "a.parquet"
    if before is not None:
        path.write_bytes(before)

    def fill(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(LakeError, match=r"a\.parquet could not be written \(No space left on device\); free"):
        write_atomically(path, fill)
    assert [left.read_bytes() for left in tmp_path.iterdir()] == ([] if before is None else [before])


def test_a_reason_without_its_number_has_the_remedy_too(tmp_path: Path) -> None:
    error = file_write_error(tmp_path / "lake.duckdb", OSError('IO Error: Could not write file "x": File too large'))
    assert "free some space" in str(error)


def test_the_systems_file_size_limit_is_reported(tmp_path: Path) -> None:
    with run(LIMITED_WRITER, tmp_path / "a.parquet") as process:
        output, _ = process.communicate()
    assert "could not be written" in output
    assert "free some space" in output
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="could not be written"):
        write_bytes(tmp_path / "file" / "a.parquet", b"")


def test_a_lock_excludes_others_until_its_process_ends(tmp_path: Path) -> None:
    holder = "import sys; from pathlib import Path; from litmine.lake.lock import hold_lock\n"
    holder += "with hold_lock(Path(sys.argv[1]), 'import'):\n    print('held', flush=True); sys.stdin.read()"
    with run(holder, tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with (
            pytest.raises(LakeLockedError, match="another litmine import is writing") as caught,
            hold_lock(tmp_path, "import"),
        ):
            pass
        assert caught.value.exit_code == 75
        with hold_lock(tmp_path, "compact"):
            pass
        process.kill()
    with hold_lock(tmp_path, "import"):
        pass


def test_a_process_can_wait_for_a_lock(tmp_path: Path) -> None:
    waiter = "import sys; from pathlib import Path; from litmine.lake.lock import hold_lock\n"
    waiter += "print('waits', flush=True)\nwith hold_lock(Path(sys.argv[1]), 'import', wait=True):\n    print('holds')"
    with hold_lock(tmp_path, "import"):
        process = run(waiter, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    output, _ = process.communicate()
    assert output == "holds\n"
