"""Training a classifier: what is written, what it finds, the command on a user's own table, and resuming."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from litmine.errors import DONE, FAILED, SettingError
from litmine.specs import spec_by_name
from litmine.tasks.classification.classifier import Classifier
from litmine.tasks.classification.folder import load_top
from litmine.tasks.classification.labelled_texts import read_labelled
from litmine.tasks.classification.make import make_top
from litmine.tasks.classification.recipe import ClassifierRecipe, LabelData
from litmine.tasks.classification.settings import ClassifierSettings
from litmine.tasks.registry import identify, load_model, load_task_model
from litmine.text.sentences import split_sentences
from litmine.training.recipe import make_recipe, read_recipe
from tests.fixtures.labelled_texts import labelled_rows

Run = Callable[..., CompletedProcess[str]]


def text_of(label: str) -> str:
    """A text with this label."""
    return next(f"{row['title']} {row['abstract']}" for row in labelled_rows() if row["label"] == label)


def test_the_folder_has_model_scores_recipe_and_card(tiny_classifier: Path) -> None:
    settings = ClassifierSettings.load(tiny_classifier)
    (scheme,) = settings.schemes
    assert (scheme.name, scheme.labels, scheme.unit, scheme.choice) == ("screen", ("in", "out"), "text", "one")
    assert sum(scheme.thresholds) == pytest.approx(1)
    scores = json.loads((tiny_classifier / "scores.json").read_text(encoding="utf-8"))["screen, cross-validated"]
    assert scores["in"]["support"] == 12
    assert scores["area_under_roc"] > 70
    assert scores["screening"]["recall"] >= 95
    # A third of the texts must be read, so no more than 62 % can be saved at a recall of 95 %.
    assert scores["screening"]["work_saved"] <= 62
    card = (tiny_classifier / "README.md").read_text(encoding="utf-8")
    assert identify(str(tiny_classifier)) in card
    assert "labelled.csv" in card
    assert not list(tiny_classifier.glob("training.*"))
    recipe = json.loads((tiny_classifier / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["corpora"][0]["data"] == ["labelled.csv"]


def test_it_labels_texts_and_says_which_sentence_decided(tiny_classifier: Path) -> None:
    model: Any = load_model(str(tiny_classifier), precision="float32")
    assert isinstance(model, Classifier)
    texts = text_of("in"), text_of("out")
    found = model.annotate([*texts, "", "?"])
    for text, labels, expected in zip(texts, found[:2], ("in", "out"), strict=True):
        label, *evidence = labels
        assert (label.scheme, label.label, label.start_char, label.end_char) == ("screen", expected, None, None)
        assert 0 <= label.score <= 1
        spans = [(one.start_char, one.end_char) for one in evidence]
        assert spans
        assert set(spans) <= set(split_sentences(text))
        assert {(one.scheme, one.label) for one in evidence} == {("screen_evidence", expected)}
    assert found[2] == []
    assert len(found[3]) >= 1


def test_labels_do_not_depend_on_batches(tiny_classifier: Path) -> None:
    texts = [f"{row['title']} {row['abstract']}" for row in labelled_rows()]
    long = " ".join(texts)
    whole = load_top(tiny_classifier, precision="float32").annotate([*texts, long])
    small = load_top(tiny_classifier, precision="float32", batch_tokens=300)
    for expected, found in zip(whole, [one for text in (*texts, long) for one in small.annotate([text])], strict=True):
        assert [one[:2] + one[3:] for one in found] == [one[:2] + one[3:] for one in expected]
        np.testing.assert_allclose([one.score for one in found], [one.score for one in expected], atol=1e-4)


def test_every_sentence_of_a_long_text_is_labelled_once(
    classifier_recipe: ClassifierRecipe, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("roles")
    sentences = [("background", "Asthma is a disease."), ("methods", "Patients received aspirin."),
                 ("results", "The patients had less fever.")]  # fmt: skip
    lines = []
    # In every order, so that the words of a sentence decide and not its place.
    for number, order in enumerate([*permutations(sentences)] * 4):
        marked = [{"label": label, "text": text} for label, text in order * 3]
        lines.append(json.dumps({"pmid": str(number + 1), "sentences": marked}))
    (folder / "roles.jsonl").write_text("\n".join(lines), encoding="utf-8")
    data = LabelData((str(folder / "roles.jsonl"),), scheme="role")
    recipe = replace(classifier_recipe, name="roles", corpora=(data,), folds=0, epochs=12)
    make_top(recipe, folder / "model", lambda _: None)
    model = load_top(folder / "model", precision="float32")
    assert model.settings.schemes[0].unit == "sentence"
    text = " ".join(text for _ in range(60) for _, text in sentences)
    assert len(model.read([text])[0].ids) > 300
    (found,) = model.annotate([text])
    assert [(one.start_char, one.end_char) for one in found] == split_sentences(text)
    in_order = [label for _ in range(60) for label, _ in sentences]
    right = sum(one.label == label for one, label in zip(found, in_order, strict=True))
    assert right > 0.8 * len(found)


def test_the_command_trains_annotates_and_evaluates(
    run: Run, labelled: Path, tiny_trunk: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "screen"
    command = (
        "train", "classification", "--data", labelled, "--recall", "0.9", "--trunk", tiny_trunk, "--first-layers",
        tiny_model, "--after", "1", "--folds", "2", "--epochs", "12", "--batch-tokens", "300", "--learning-rate",
        "3e-2", "-o", out,
    )  # fmt: skip
    trained = run(*command)
    assert trained.returncode == DONE, trained.stderr
    assert "screen, cross-validated: micro F1" in trained.stderr
    assert "at recall" in trained.stderr
    assert "work saved" in trained.stderr
    judged = run("evaluate", "classification", "--model", out, "--data", labelled, "--format", "json")
    assert judged.returncode == DONE, judged.stderr
    record = json.loads(judged.stdout)
    assert record["micro"]["support"] == 36
    assert record["macro_f1"] > 80
    table = run("evaluate", "classification", "--model", out, "--data", labelled)
    assert "work saved over sampling" in table.stdout
    other = tmp_path / "other.csv"
    other.write_text("id,text,label\n1,Some text.,maybe\n", encoding="utf-8")
    refused = run("evaluate", "classification", "--model", out, "--data", other)
    assert refused.returncode == FAILED
    assert "has no label of" in refused.stderr


def test_the_builtin_recipe_is_valid() -> None:
    spec = spec_by_name("classification")
    recipe = make_recipe(spec, read_recipe(spec, "builtin"))
    names = {one.partition("=")[0] for data in recipe.corpora for one in data.data}
    assert names == {"StudyType", "EvidenceInference", "NICTA-PIBOSO", "ADE"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"folds": 1}, "--folds is 1"), ({"name": "a/b"}, "valid model name"), ({"corpora": ()}, "at least one file"),
     ({"recall": 0.0}, "recall")],
)  # fmt: skip
def test_wrong_settings_are_refused(classifier_recipe: ClassifierRecipe, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        replace(classifier_recipe, **settings)
    with pytest.raises(SettingError, match="NEW=PATTERN"):
        LabelData(labels=("trial",))


def test_judging_texts_by_a_scheme_of_sentences_is_refused(run: Run, tiny_classifier: Path, tmp_path: Path) -> None:
    line = {"pmid": "1", "sentences": [{"label": "in", "text": "A sentence."}, {"label": "out", "text": "Another."}]}
    file = tmp_path / "sentences.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    assert read_labelled(file)[0].sentences
    said = run("evaluate", "classification", "--model", tiny_classifier, "--data", file, "--scheme", "screen").stderr
    assert "labels sentences, and the scheme screen of" in said


def test_a_classifier_is_found_by_its_task(tiny_classifier: Path) -> None:
    loaded = load_task_model(str(tiny_classifier), "classification", precision="float32")
    assert loaded.name == identify(str(tiny_classifier))
