"""The commands `litmine train qa` and `litmine evaluate qa`."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, FAILED

Run = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("bioasq.json", ["strict_accuracy", "lenient_accuracy", "mrr"]),
        ("squad1.json", ["exact_match", "f1"]),
        ("squad2.json", ["exact_match", "f1"]),
        ("pubmedqa.json", ["yesno_accuracy", "yesno_macro_f1"]),
    ],
)
def test_evaluate_prints_the_documented_json_keys(
    run: Run, tiny_reader: Path, question_files: Path, file: str, keys: list[str]
) -> None:
    ran = run("evaluate", "qa", "--model", tiny_reader, "--data", question_files / file, "--format", "json")
    assert ran.returncode == DONE, ran.stderr
    scores = json.loads(ran.stdout)
    assert list(scores) == keys
    assert all(0 <= score <= 100 for score in scores.values())


def test_evaluate_scores_all_types_of_a_batch_as_a_table(
    run: Run, tiny_reader: Path, question_files: Path, tmp_path: Path
) -> None:
    ran = run(
        "evaluate", "qa", "--model", tiny_reader, "--data", question_files / "bioasq.json", "--batch", "2B",
        "--all-types", "--answers-to", tmp_path / "answers.jsonl",
    )  # fmt: skip
    title, *rows = ran.stdout.splitlines()
    assert title.startswith("bioasq: 6 questions, read by tiny-reader@")
    recorded = json.loads((tiny_reader / "scores.json").read_text())["dev"]
    assert {row.split()[0]: row.split()[1] for row in rows} == {
        name: f"{score:.2f}" for name, score in recorded.items()
    }
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["question_type"] for line in lines] == ["factoid", "list", "yesno"] * 2


def test_train_on_files_named_by_flags(run: Run, tiny_base: Path, question_files: Path, tmp_path: Path) -> None:
    ran = run(
        "train", "qa", "--base", tiny_base, "--data", "squad1.json", "--data", "bioasq.json", "--data-folder",
        question_files, "--dev", "bioasq.json", "--dev-batch", "2B", "-o", tmp_path / "mine", "--epochs", 1, "--window",
        64, "--overlap", 16, "--batch-tokens", 1000, "--seed", 3,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert "stage 2 of 2: bioasq" in ran.stderr
    assert "bioasq, batches 2B (6 questions): strict_accuracy" in ran.stderr
    assert f"the model is in {tmp_path / 'mine'}; its card is {tmp_path / 'mine' / 'README.md'}" in ran.stderr
    recipe = json.loads((tmp_path / "mine" / "recipe.json").read_text())
    assert (recipe["name"], recipe["seed"], len(recipe["stages"])) == ("mine", 3, 2)


def test_invalid_train_and_evaluate_commands(
    run: Run, tiny_reader: Path, tiny_base: Path, question_files: Path
) -> None:
    ran = run("train", "qa", "--base", tiny_base, "-o", "mine")
    assert "Give --base and --data, or a --recipe." in ran.stderr
    ran = run("train", "qa", "--recipe", "builtin-reader", "--epochs", 3, "-o", "mine")
    assert "--epochs applies to the stages of --data; give --data too." in ran.stderr
    ran = run("evaluate", "qa", "--model", tiny_reader, "--data", question_files / "bioasq.json", "--batch", "7B")
    assert ran.returncode == FAILED
    assert "has no question of 7B" in ran.stderr
    ran = run("evaluate", "qa", "--model", tiny_reader, "--data", question_files / "nowhere.json")
    assert ran.returncode == FAILED
    assert "nowhere.json cannot be read as JSON" in ran.stderr
