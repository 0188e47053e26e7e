"""The built-in classifier: its size, its schemes, and what it says of plain texts."""

from pathlib import Path

import pytest

from litmine import load_model
from litmine.nn.references import builtin_folder
from litmine.tasks.classification.classifier import Classifier
from litmine.tasks.classification.found import FoundLabel
from litmine.tasks.classification.settings import ClassifierSettings
from litmine.text.sentences import split_sentences

TRIAL = (
    "Ibuprofen for acute migraine: a randomized controlled trial. Migraine is common. In this double-blind trial, 120"
    " patients were randomly assigned to ibuprofen 400 mg or placebo. Pain at two hours was lower with ibuprofen (p <"
    " 0.01). Ibuprofen relieves acute migraine."
)
CASE = (
    "Stevens-Johnson syndrome after lamotrigine: a case report. We report a 34-year-old woman who developed"
    " Stevens-Johnson syndrome two weeks after lamotrigine was started. She recovered when lamotrigine was stopped."
)
MICE = (
    "Loss of Pink1 in mice. Pink1 knockout mice were injected with levodopa or saline for ten days. Dopamine was"
    " measured by HPLC in the brains of the mice. Treated mice moved more than controls."
)


@pytest.fixture(scope="module")
def folder() -> Path:
    return builtin_folder("builtin-classifier")


@pytest.fixture(scope="module")
def found() -> dict[str, list[FoundLabel]]:
    model = load_model("builtin-classifier", precision="float32")
    assert isinstance(model, Classifier)
    texts = (TRIAL, CASE, MICE)
    return dict(zip(texts, model.annotate(texts), strict=True))


def best(labels: list[FoundLabel], scheme: str) -> FoundLabel:
    (label,) = [one for one in labels if one.scheme == scheme]
    return label


def test_it_is_small_and_described(folder: Path) -> None:
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 1_900_000
    card = (folder / "README.md").read_text(encoding="utf-8")
    model = load_model("builtin-classifier", precision="float32")
    assert model.name in card
    for corpus in ("StudyType", "NICTA-PIBOSO", "ADE", "EvidenceInference"):
        assert f"| {corpus} |" in card
    assert "HoC" not in card
    schemes = {one.name: (one.unit, len(one.labels)) for one in ClassifierSettings.load(folder).schemes}
    assert schemes == {
        "study_type": ("text", 14), "rct": ("text", 1), "sentence_role": ("sentence", 6), "section": ("sentence", 4),
        "adverse_event": ("sentence", 1),
    }  # fmt: skip


def test_it_knows_the_design_of_plain_studies(found: dict[str, list[FoundLabel]]) -> None:
    assert best(found[TRIAL], "study_type").label.startswith("Human-RCT")
    assert best(found[CASE], "study_type").label == "Human-case-report"
    assert best(found[MICE], "study_type").label.startswith("Animal")
    scores = [best(found[text], "rct").score for text in (TRIAL, CASE, MICE)]
    assert scores[0] > 0.8 > 0.2 > max(scores[1:])


def test_each_sentence_has_one_role_and_one_section(found: dict[str, list[FoundLabel]]) -> None:
    for text, labels in found.items():
        for scheme in ("sentence_role", "section"):
            spans = [(one.start_char, one.end_char) for one in labels if one.scheme == scheme]
            assert spans == split_sentences(text)
    sections = [one.label for one in found[TRIAL] if one.scheme == "section"]
    assert sections[-1] == "conclusions"
    assert "results" in sections


def test_a_sentence_that_reports_an_adverse_effect(found: dict[str, list[FoundLabel]]) -> None:
    effects = [CASE[one.start_char : one.end_char] for one in found[CASE] if one.scheme == "adverse_event"]
    assert any("developed" in sentence for sentence in effects)
    assert not [one for one in found[MICE] if one.scheme == "adverse_event"]
