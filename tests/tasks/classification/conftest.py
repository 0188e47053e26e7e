"""A classifier on the trunk of the tiny tagger, and the table of labelled texts that it learnt from."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.tasks.classification.make import make_top
from litmine.tasks.classification.recipe import ClassifierRecipe, LabelData

DRUGS = ("aspirin", "penicillin", "ibuprofen", "morphine", "lithium", "heparin")
ILLNESSES = ("asthma", "fever", "nausea", "rash", "anaemia", "pain")


def labelled_rows() -> list[dict[str, str]]:
    """Texts by drug and illness: a third of them about rats is out, and those about patients are in."""
    rows = []
    for number, (drug, illness) in enumerate((drug, illness) for drug in DRUGS for illness in ILLNESSES):
        of_patients = number % 3 == 0
        who = "patients with disease received" if of_patients else "the cells of rats were treated with"
        title, abstract = f"A study of {drug}.", f"In this study {who} {drug}. It was given for {illness}."
        label = "in" if of_patients else "out"
        rows.append({"pmid": str(1000 + number), "title": title, "abstract": abstract, "label": label})
    return rows


def write_rows(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 36 labelled texts."""
    return write_rows(tmp_path_factory.mktemp("labelled") / "labelled.csv", labelled_rows())


@pytest.fixture(scope="session")
def tiny_recipe(labelled: Path, tiny_trunk: Path, tiny_model: Path) -> ClassifierRecipe:
    """The recipe of `tiny_classifier`."""
    return ClassifierRecipe(
        "screen",
        (LabelData((str(labelled),)),),
        trunk=str(tiny_trunk),
        first_layers=str(tiny_model),
        after=1,
        layers=1,
        folds=2,
        queries=2,
        epochs=12,
        batch_tokens=400,
        learning_rate=2e-2,
        layer_rate=0.5,
        dropout=0.0,
    )


@pytest.fixture(scope="session")
def tiny_classifier(build_once: Callable[[str, Callable[[Path], object]], Path], tiny_recipe: ClassifierRecipe) -> Path:
    """A classifier that tells texts about patients from texts about rats."""
    return build_once("tiny-classifier", lambda folder: make_top(tiny_recipe, folder, print))
