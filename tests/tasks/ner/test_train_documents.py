"""A corpus of documents: training and `litmine evaluate ner` score the same dev split."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, FAILED

Run = Callable[..., CompletedProcess[str]]

# A gene family and genes, a mention that is not at its offsets, a relation, a document without an abstract.
ONE = (
    "{pmid}|t|BRCA1 and kinases in asthma {pmid}\n{pmid}|a|BRCA1 again and again.\n"
    "{pmid}\t0\t5\tBRCA1\tGene\t672\n{pmid}\t10\t17\tkinases\tFamilyName\n{pmid}\t21\t27\tasthma\tDisease\n"
    "{pmid}\t{again}\tBRCA1\tGene\t672\n{pmid}\tAssociation\t672\tD1\n\n"
)
OFF = "{pmid}|t|asthma\n{pmid}|a|\n{pmid}\t1\t7\tasthma\tDisease\n{pmid}\t0\t6\tasthma\tDisease\n\n"


def documents(first: int) -> str:
    text = ""
    for pmid in range(first, first + 12):
        start = len(f"BRCA1 and kinases in asthma {pmid} ")
        text += ONE.format(pmid=pmid, again=f"{start}\t{start + 5}")
    return text + OFF.format(pmid=first + 12)


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for split, first in (("train", 100), ("dev", 200)):
        (folder / f"{split}.pubtator").write_text(documents(first))
    return folder


def train(run: Run, base: Path, out: Path, *options: object) -> str:
    ran = run("train", "ner", "--base", base, "-o", out, "--epochs", 2, "--learning-rate", 5e-3, *options)
    assert ran.returncode == DONE, ran.stderr
    return ran.stderr


def evaluate(run: Run, model: Path, *options: object) -> dict[str, dict[str, float]]:
    ran = run("evaluate", "ner", "--model", model, "--precision", "float32", "--format", "json", *options)
    assert ran.returncode == DONE, ran.stderr
    read: dict[str, dict[str, float]] = json.loads(ran.stdout)
    return read


def test_training_and_evaluation_score_a_folder_of_documents_equally(
    run: Run, tiny_model: Path, tmp_path: Path
) -> None:
    corpus, out = put(tmp_path / "corpus"), tmp_path / "out"
    options = ("--map", "X:FamilyName=-", "--map", "Disease=Illness")
    output = train(run, tiny_model, out, "--corpus", f"X={corpus}", *options)
    assert "X: 13 passages annotated with Gene, Illness" in output
    assert "skipped 1 mentions that are not at their offsets" in output
    scores = json.loads((out / "scores.json").read_text())["X"]
    assert {kind: score["support"] for kind, score in scores.items()} == {"Gene": 24, "Illness": 13, "micro": 37}
    assert scores["micro"]["f1"] > 0
    for data in (f"X={corpus}", f"X={corpus / 'dev.pubtator'}"):
        assert evaluate(run, out, "--data", data, *options) == scores
    assert "`litmine evaluate ner --errors`" in (out / "README.md").read_text()


def test_a_file_of_documents_has_no_dev_split(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    file, out = put(tmp_path / "corpus") / "train.pubtator", tmp_path / "out"
    output = train(run, tiny_model, out, "--corpus", f"X={file}")
    assert "X: 13 passages annotated with Disease, FamilyName, Gene" in output
    assert json.loads((out / "scores.json").read_text()) == {}
    scores = evaluate(run, out, "--data", f"X={file}")
    assert {kind: score["support"] for kind, score in scores.items()} == {
        "Disease": 13, "FamilyName": 12, "Gene": 24, "micro": 49,
    }  # fmt: skip


def test_a_registered_corpus_has_mapped_types_by_name_and_raw_types_by_path(
    run: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path))
    corpus, out = put(tmp_path / "corpora" / "GNormPlus"), tmp_path / "out"
    output = train(run, tiny_model, out, "--corpus", "GNormPlus", "--map", "Disease=-")
    assert "GNormPlus: 13 passages annotated with Gene" in output
    scores = json.loads((out / "scores.json").read_text())["GNormPlus"]
    assert evaluate(run, out, "--data", "GNormPlus", "--map", "Disease=-") == scores
    file = corpus / "dev.pubtator"
    ran = run("evaluate", "ner", "--model", out, "--data", file)
    assert ran.returncode == FAILED
    assert f"{file} annotates Disease, FamilyName, but out@" in ran.stderr
    assert evaluate(run, out, "--data", file, "--map", "Disease=-", "--map", "FamilyName=-") == scores
