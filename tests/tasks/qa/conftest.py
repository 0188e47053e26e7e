"""Small question files in each of the three formats, and a tiny reader trained on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.tasks.qa.make import make_model
from litmine.tasks.qa.recipe import ReaderRecipe, ReaderStage

DRUGS = ("aspirin", "penicillin", "codeine", "heparin", "lidocaine", "morphine", "cocaine", "haloperidol")
SIGNS = ("an allergy", "asthma", "seizures", "a tumor", "hypotension", "anemia", "hepatitis", "headache")


def squad(version: int) -> dict[str, Any]:
    """One paragraph per drug; version 2 adds an unanswerable question to each."""
    articles = []
    for number, (drug, sign) in enumerate(zip(DRUGS, SIGNS, strict=True)):
        context = f"The patient was given {drug} and developed {sign} within days."
        pairs = [("Which drug was given?", drug), ("What developed?", sign)]
        qas: list[dict[str, Any]] = [
            {"id": f"{number}-{i}", "question": question, "answers": [{"text": answer, "answer_start": 0}]}
            for i, (question, answer) in enumerate(pairs)
        ]
        if version == 2:
            qas.append({"id": f"{number}-never", "question": "Who was the surgeon?", "answers": []})
        articles.append({"title": drug, "paragraphs": [{"context": context, "qas": qas}]})
    return {"version": f"{version}.0", "data": articles}


def bioasq() -> dict[str, Any]:
    """A factoid, a list and a yes/no question per drug, in the batches 1B1 and 2B1."""
    questions: list[dict[str, Any]] = []
    for number, (drug, sign) in enumerate(zip(DRUGS, SIGNS, strict=True)):
        snippets = [
            {"text": f"{drug.capitalize()} caused {sign} in mice."},
            {"text": f"We saw {sign} after {drug} again."},
        ]
        batch = "2B1" if number >= 6 else "1B1"
        exact = {"factoid": [[sign]], "list": [[drug]], "yesno": "yes" if number % 2 else "no"}
        bodies = {
            "factoid": f"What does {drug} cause?",
            "list": f"Which drugs cause {sign}?",
            "yesno": f"Is {drug} safe?",
        }
        questions += [
            {
                "id": f"{kind}{number}",
                "batch": batch,
                "type": kind,
                "body": body,
                "exact_answer": exact[kind],
                "snippets": snippets,
                "documents": [],
            }
            for kind, body in bodies.items()
        ]
    return {"questions": questions}


def pubmedqa() -> dict[str, Any]:
    return {
        str(number): {
            "QUESTION": f"Does {drug} help?",
            "CONTEXTS": ["We gave it.", f"Nobody got {sign}."],
            "LABELS": ["METHODS", "RESULTS"],
            "final_decision": ("yes", "no", "maybe")[number % 3],
        }
        for number, (drug, sign) in enumerate(zip(DRUGS, SIGNS, strict=True))
    }


@pytest.fixture(scope="session")
def question_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with squad1.json, squad2.json, bioasq.json and pubmedqa.json."""
    folder = tmp_path_factory.mktemp("questions")
    files = {"squad1": squad(1), "squad2": squad(2), "bioasq": bioasq(), "pubmedqa": pubmedqa()}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_recipe(tiny_base: Path, question_files: Path) -> ReaderRecipe:
    """Two stages of a few seconds; the BioASQ batch 2B1 has the dev questions."""
    return ReaderRecipe(
        "tiny-reader",
        str(tiny_base),
        (
            ReaderStage(("squad2.json",), epochs=20, learning_rate=1e-2),
            ReaderStage(("bioasq.json",), epochs=20, learning_rate=1e-2),
        ),
        str(question_files),
        dev="bioasq.json",
        dev_batches=("2B",),
        held_out=0.2,
        batch_tokens=800,
        window=64,
        overlap=16,
        dropout=0.0,
    )


@pytest.fixture(scope="session")
def tiny_reader(tiny_recipe: ReaderRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader trained with `tiny_recipe`."""
    folder = tmp_path_factory.mktemp("readers") / "tiny-reader"
    make_model(tiny_recipe, folder, lambda _: None)
    return folder
