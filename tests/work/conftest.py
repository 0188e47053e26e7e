"""Lakes to annotate, models that fail, and all that targets hold."""

import json
import shutil
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
def fragile_model(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain token classifier whose vocabulary has one word more than its embedding: "zymurgy" makes it fail."""
    import torch
    from transformers import BertConfig, BertForTokenClassification
    from transformers.utils import logging

    folder = tmp_path_factory.mktemp("models") / "fragile"
    labels = dict(enumerate(["O", "B-Disease", "I-Disease"]))
    torch.manual_seed(1)
    logging.disable_progress_bar()
    config = BertConfig.from_pretrained(tiny_base, id2label=labels, label2id={name: i for i, name in labels.items()})
    BertForTokenClassification(config).save_pretrained(folder)
    tokenizer = json.loads((tiny_base / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["zymurgy"] = config.vocab_size
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def broken_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that loads and fails on every text: its weights are no numbers."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("models") / "broken"
    shutil.copytree(tiny_model, folder)
    weights = {name: weight * float("nan") for name, weight in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="session")
def random_reader(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader with a yes/no head, a layer of random weights, and windows shorter than a text."""
    import torch
    from transformers import BertConfig

    from litmine.models.folder import read_tokenizer
    from litmine.models.reader_folder import save_reader
    from litmine.models.reader_settings import ReaderSettings
    from litmine.models.span_network import SpanNetwork

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
