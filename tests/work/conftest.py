"""Lakes to annotate, models that fail, all that targets hold, and what processes are up to."""

import ipaddress
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from litmine.lake.tables import EMPTY

# model folder, PMID, hash of the text, start, end, mention, type
Found = dict[tuple[object, ...], float]


@pytest.fixture
def lake(imported_lake: Path, tmp_path: Path) -> Path:
    """A lake that no model has read."""
    return Path(shutil.copytree(imported_lake, tmp_path / "lake"))


@pytest.fixture
def read_lake(annotated_lake: Path, tmp_path: Path) -> Path:
    """A lake that `tiny_model` has read."""
    return Path(shutil.copytree(annotated_lake, tmp_path / "read"))


@pytest.fixture(scope="session")
def found() -> Callable[[Path], Found]:
    """Each row of a lake's targets and its score, straight from the files; a row that stands twice fails."""

    def read(lake: Path) -> Found:
        rows: Found = {}
        for path in (lake / "entities").glob("*/*.parquet"):
            if path.name == EMPTY:
                continue
            columns = pq.read_table(path, partitioning=None).drop_columns("identifier").to_pydict()
            *keys, scores = columns.values()
            for key, score in zip(zip(*keys, strict=True), scores, strict=True):
                assert (path.parent.name, *key) not in rows
                rows[path.parent.name, *key] = score
        return rows

    return read


@pytest.fixture(scope="session")
def undisturbed(annotated_lake: Path, found: Callable[[Path], Found]) -> object:
    """What `tiny_model` finds in `imported_lake`: equal means the same rows, with scores within 1e-4."""
    rows = found(annotated_lake)
    assert len(rows) > 500
    return pytest.approx(rows, abs=1e-4)


@pytest.fixture(scope="session")
def broken_model(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory, rewrite_weights: Callable[..., None]
) -> Path:
    """A model that loads and fails on every text: its weights are no numbers."""
    folder = tmp_path_factory.mktemp("models") / "broken"
    shutil.copytree(tiny_model, folder)
    rewrite_weights(folder, lambda weights: weights.update({name: one * float("nan") for name, one in weights.items()}))
    return folder


@pytest.fixture(scope="session")
def descendants() -> Callable[[int], dict[int, str]]:
    """The processes that a process has started, directly or not, and their names."""

    def look(pid: int) -> dict[int, str]:
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
                parents[int(folder.name)] = (int(rest.split()[1]), name)
            except (OSError, ValueError):
                continue
        found: dict[int, str] = {}
        level = {pid}
        while level := {child for child, (parent, _) in parents.items() if parent in level}:
            found.update({child: parents[child][1] for child in level})
        return found

    return look


@pytest.fixture(scope="session")
def listening() -> Callable[[set[int]], list[str]]:
    """The addresses on which these processes listen; IPv4 is shown as such."""
    listens = "0A"

    def look(pids: set[int]) -> list[str]:
        sockets = set()
        for pid in pids:
            for handle in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    sockets.add(str(handle.readlink()))
                except OSError:
                    continue
        found = []
        for family, table in [(socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")]:
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == listens and f"socket:[{rest[5]}]" in sockets:
                    words = bytes.fromhex(local.partition(":")[0])
                    packed = b"".join(
                        struct.pack("!I", *struct.unpack("=I", words[i : i + 4])) for i in range(0, len(words), 4)
                    )
                    address = ipaddress.ip_address(socket.inet_ntop(family, packed))
                    found.append(str(getattr(address, "ipv4_mapped", None) or address))
        return found

    return look


@pytest.fixture(scope="session")
def random_reader(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader with a yes/no head, a layer of random weights, and windows shorter than a text."""
    import torch
    from transformers import BertConfig

    from litmine.nn.loading import read_tokenizer
    from litmine.tasks.qa.folder import save_reader
    from litmine.tasks.qa.network import SpanNetwork
    from litmine.tasks.qa.settings import ReaderSettings

    torch.manual_seed(5)
    config = BertConfig.from_pretrained(tiny_base, num_hidden_layers=1)
    network = SpanNetwork(config, yes_no=True)
    with torch.no_grad():
        network.span.weight.normal_(0, 0.5)
        assert network.verdict is not None
        network.verdict.weight.normal_(0, 0.5)
    folder = tmp_path_factory.mktemp("models") / "random-reader"
    save_reader(folder, network, read_tokenizer(tiny_base), ReaderSettings("random", 48, 12, yes_no=True))
    return folder
