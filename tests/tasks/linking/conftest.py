"""A small vocabulary in the publishers' forms, annotated documents over it, and a linker trained on them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from litmine.tasks.linking.make import make_linker
from litmine.tasks.linking.recipe import LinkerRecipe, TrainingData
from litmine.tasks.linking.training_examples import GoldDocument
from litmine.vocabulary.build import SourceFiles, build_vocabulary
from tests.fixtures.linking import CHEMICALS, DISEASES, GENES, documents

GENE_COLUMNS = "#tax_id\tGeneID\tSymbol\tSynonyms\tdbXrefs\tdescription"


def mesh_records() -> str:
    """The diseases and chemicals as a file of MeSH in ASCII."""
    records = []
    for tree, concepts in (("C23.888", DISEASES), ("D02.065", CHEMICALS)):
        for number, (identifier, (name, *others)) in enumerate(concepts.items(), 100):
            lines = [f"MH = {name}", *(f"ENTRY = {one}" for one in others), f"MN = {tree}.{number}"]
            records.append("\n".join(["*NEWRECORD", "RECTYPE = D", *lines, f"UI = {identifier.removeprefix('MESH:')}"]))
    return "\n\n".join(records) + "\n"


def json_lines(found: Sequence[GoldDocument]) -> str:
    """Documents as JSON lines in litmine's form."""
    lines = []
    for one in found:
        entities = [
            {"type": mention.entity_type, "start": mention.start, "end": mention.end, "identifier": "|".join(gold)}
            for mention, gold in zip(one.mentions, one.gold, strict=True)
        ]
        lines.append(json.dumps({"id": one.name, "text": one.text, "entities": entities}))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def small_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "d2024.bin").write_text(mesh_records())
    rows = [f"{taxon}\t{number}\t{symbol}\t-\t-\t{name}" for number, symbol, name, taxon in GENES]
    (folder / "gene_info").write_text("\n".join([GENE_COLUMNS, *rows]) + "\n")
    built = build_vocabulary(
        SourceFiles(mesh=[folder / "d2024.bin"], gene=[folder / "gene_info"]), folder / "small", "small"
    )
    assert built.problems == []
    return folder / "small"


@pytest.fixture(scope="session")
def gold_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `train.jsonl`, and `dev.jsonl` with every seventh of its documents."""
    folder = tmp_path_factory.mktemp("gold")
    found = documents()
    (folder / "train.jsonl").write_text(json_lines(found))
    (folder / "dev.jsonl").write_text(json_lines(found[::7]))
    return folder


@pytest.fixture(scope="session")
def small_recipe(small_vocabulary: Path, gold_files: Path) -> LinkerRecipe:
    return LinkerRecipe(
        "small",
        (TrainingData(("Small=train.jsonl",), held_out=True, terms="written by hand"),),
        str(gold_files),
        dev=("dev.jsonl",),
        vocabulary=str(small_vocabulary),
        epochs=10,
        gene_epochs=10,
    )


@pytest.fixture(scope="session")
def small_folder(small_recipe: LinkerRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a linker that was trained on the small files; tests must not change it."""
    folder = tmp_path_factory.mktemp("linker") / "small"
    make_linker(small_recipe, folder, lambda _: None)
    return folder
