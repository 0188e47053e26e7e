"""A trial model trained on two small corpora: heads by guideline, its identity, its rows, and its evaluation."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, CorpusError, ModelError
from litmine.lake.articles import NewTexts
from litmine.specs import TrainingContext
from litmine.tasks.ner.make import run_training
from litmine.tasks.ner.split_tagger import split_tagger
from litmine.tasks.registry import detect_task, identify, load_task_model
from litmine.tasks.trials.evaluation_settings import TrialEvaluation
from litmine.tasks.trials.model import trial_rows
from litmine.tasks.trials.recipe import TrialRecipe
from litmine.tasks.trials.run_evaluation import run_evaluation

TEXT = "Aspirin or placebo for an allergic reaction: 30 patients were randomised (NCT01234567)."
TYPES = {"Aspirin": "Intervention", "placebo": "Comparator", "allergic reaction": "Outcome", "30": "total-participants"}


def document(number: int, types: dict[str, str]) -> str:
    entities = [
        {"id": f"T{i}", "type": kind, "start": TEXT.index(words), "end": TEXT.index(words) + len(words)}
        for i, (words, kind) in enumerate(types.items())
    ]
    return json.dumps({"id": str(number), "text": f"{TEXT} Study {number}.", "entities": entities})


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora, A and B, which mark other words as an outcome."""
    folder = tmp_path_factory.mktemp("corpora")
    for name, types in (("A", TYPES), ("B", {"reaction": "Outcome"})):
        (folder / name).mkdir()
        for split, numbers in (("train", range(12)), ("dev", range(100, 103))):
            lines = [document(number + 1000 * (name == "B"), types) for number in numbers]
            (folder / name / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(corpora: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    trunk, _ = split_tagger(tiny_model, folder / "split")
    recipe = TrialRecipe(
        "small",
        str(trunk),
        tuple(f"{name}={corpora / name}" for name in "AB"),
        separate_heads=("A", "B"),
        epochs=25,
        learning_rate=2e-2,
        dropout=0,
        top_layers=1,
        top_after=1,
    )
    context = TrainingContext(folder / "small", lambda _: None, False, lambda jobs: [job(print) for job in jobs])
    run_training(recipe, context)
    return folder / "small"


def test_the_folder_is_one_of_this_task_with_all_guidelines(model: Path) -> None:
    settings = json.loads((model / "litmine.json").read_text())
    assert (settings["task"], detect_task(model).name) == ("trials", "trials")
    assert [(head["name"], head["default"]) for head in settings["heads"]][-1] == ("Outcome (B)", True)
    assert identify(str(model)) in (model / "README.md").read_text()
    assert "litmine evaluate trials" in (model / "README.md").read_text()
    with pytest.raises(ModelError, match="a model of the task 'trials', which finds what trials report"):
        load_task_model(str(model), "ner")


def test_mentions_have_element_guideline_and_number(model: Path) -> None:
    loaded = load_task_model(str(model), "trials", precision="float32")
    assert loaded.name == identify(str(model))
    (found,) = loaded.extract([f"{TEXT} Study 7."])
    heads = {(one.mention, one.element, one.guideline, one.number) for one in found if one.guideline != "rules"}
    assert {("Aspirin", "Intervention", "A", None), ("30", "total-participants", "A", 30)} <= heads
    outcomes = {(mention, guideline) for mention, element, guideline, _ in heads if element == "Outcome"}
    assert outcomes == {("allergic reaction", "A"), ("reaction", "B")}
    rules = {(one.element, one.value) for one in found if one.guideline == "rules"}
    assert rules == {("registry_number", "NCT01234567"), ("allocation", "randomised")}
    rows = trial_rows(NewTexts([7], [1], [TEXT], [()]), [found])
    assert [row[2:4] for row in rows] == sorted((one.start_char, one.end_char) for one in found)


def test_a_corpus_is_scored_by_the_heads_of_its_guideline(model: Path, corpora: Path) -> None:
    result = run_evaluation(TrialEvaluation((f"A={corpora / 'A'}", f"B={corpora / 'B'}"), model=str(model)))
    assert result.record["A"]["micro"]["support"] == 12
    assert result.record["A"]["micro"]["f1"] > 90
    assert result.record["B"]["Outcome"]["f1"] > 90
    assert result.record["A"]["words"]["macro_f1"] > 90
    # The same words, marked by the other guideline, are errors.
    other = run_evaluation(TrialEvaluation((str(corpora / "B" / "dev.jsonl"),), model=str(model), guideline="A"))
    assert other.record["Outcome"]["f1"] < 50
    assert other.record["words"]["Outcome"]["recall"] > 90
    with pytest.raises(CorpusError, match=r"follows the guideline 'C', which small@\w+ does not have; .*: A, B"):
        run_evaluation(TrialEvaluation((f"C={corpora / 'B' / 'dev.jsonl'}",), model=str(model)))


def test_the_commands_train_and_evaluate(
    run: Callable[..., CompletedProcess[str]], corpora: Path, tiny_trunk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    top = ("--top-layers", 1, "--top-after", 1, "--epochs", 1)
    ran = run("train", "trials", "--base", tiny_trunk, "--corpus", f"A={corpora / 'A'}", *top, "-o", out)
    assert (ran.returncode, ran.stdout) == (DONE, "")
    ran = run("evaluate", "trials", "--model", out, "--data", f"A={corpora / 'A'}", "--format", "json")
    assert ran.returncode == DONE, ran.stderr
    assert json.loads(ran.stdout)["micro"]["support"] == 12
