"""The commands `litmine train linking` and `litmine evaluate linking`, on a small vocabulary."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.errors import DONE, FAILED, WRONG_USAGE
from litmine.tasks.linking.make import make_linker
from litmine.tasks.linking.recipe import LinkerRecipe

Run = Callable[..., CompletedProcess[str]]
FILES = ("learned_names.jsonl", "litmine.json", "rankers.json", "recipe.json", "scores.json", "words.parquet")


@pytest.fixture
def evaluate(run: Run, small_folder: Path, small_vocabulary: Path) -> Run:
    def run_evaluate(*more: object) -> CompletedProcess[str]:
        return run("evaluate", "linking", "--model", small_folder, "--vocabulary", small_vocabulary, *more)

    return run_evaluate


def scores_of(ran: CompletedProcess[str]) -> Any:
    assert ran.returncode == DONE, ran.stderr
    return json.loads(ran.stdout)


def test_a_training_makes_the_same_linker_again(small_recipe: LinkerRecipe, small_folder: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    make_linker(small_recipe, tmp_path / "again", messages.append)
    assert sorted(file.name for file in (tmp_path / "again").iterdir()) == sorted(("README.md", *FILES))
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (small_folder / name).read_bytes(), name
    assert any("that are scored are left out" in one for one in messages)
    dev = json.loads((small_folder / "scores.json").read_text())["dev dev"]
    assert min(dev[kind]["accuracy"] for kind in ("Chemical", "Disease")) > 90


def test_documents_to_score_are_not_learnt_from(gold_files: Path, small_folder: Path) -> None:
    card = (small_folder / "README.md").read_text()
    lines = (gold_files / "train.jsonl").read_text().splitlines()
    dev = set((gold_files / "dev.jsonl").read_text().splitlines())
    (row,) = [line for line in card.splitlines() if line.startswith("| Small |")]
    _, learnt, mentions, terms = (cell.strip() for cell in row.strip("|").split("|"))
    assert 0 < int(learnt) < len([line for line in lines if line not in dev])
    assert (int(mentions), terms) == (2 * int(learnt), "written by hand")
    assert "| Small held-out tenth | Disease |" in card


def test_train_on_files_named_by_flags(run: Run, gold_files: Path, small_vocabulary: Path, tmp_path: Path) -> None:
    ran = run(
        "train", "linking", "--data", "Mine=train.jsonl", "--data-folder", gold_files, "--vocabulary", small_vocabulary,
        "--epochs", 1, "--gene-epochs", 1, "--seed", 3, "-o", tmp_path / "mine",
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert f"the model is in {tmp_path / 'mine'}; its card is {tmp_path / 'mine' / 'README.md'}" in ran.stderr
    recipe = json.loads((tmp_path / "mine" / "recipe.json").read_text())
    assert (recipe["name"], recipe["seed"], recipe["corpora"][0]["data"]) == ("mine", 3, ["Mine=train.jsonl"])
    settings = json.loads((tmp_path / "mine" / "litmine.json").read_text())
    assert (settings["task"], settings["vocabulary"].partition("@")[0]) == ("linking", "small")


def test_evaluate_prints_the_documented_json_keys(evaluate: Run, gold_files: Path, small_folder: Path) -> None:
    scores = scores_of(evaluate("--data", gold_files / "dev.jsonl", "--format", "json"))
    assert list(scores) == ["Chemical", "Disease", "Gene", "micro"]
    assert all(list(one) == ["accuracy", "support"] for one in scores.values())
    detailed = scores_of(evaluate("--data", gold_files / "dev.jsonl", "--format", "json", "--details"))
    assert detailed == json.loads((small_folder / "scores.json").read_text())["dev dev"]
    # A vocabulary keeps one name of each normal form.
    assert detailed["Disease"]["baselines"]["exact"] < detailed["Disease"]["baselines"]["normal_forms"] == 100


def test_the_table_shows_ceiling_and_exact_match(evaluate: Run, gold_files: Path) -> None:
    ran = evaluate("--data", gold_files / "dev.jsonl")
    title, heading, *rows = ran.stdout.splitlines()
    assert title.startswith("dev.jsonl: ")
    assert "linked by small@" in title
    assert heading.split()[-5:] == ["ceiling", "exact", "precision", "recall", "support"]
    assert [row.split()[0] for row in rows] == ["Chemical", "Disease", "Gene", "micro"]
    assert "ceiling: share of the mentions of which small@" in ran.stderr
    assert "exact: a name of the vocabulary" in ran.stderr
    assert "intervals: 95 %, 1,000 bootstrap resamples of the documents" in ran.stderr


def test_end_to_end_with_a_term_list_as_the_tagger(evaluate: Run, tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text(
        "name\ttype\tidentifier\nheart attack\tDisease\tX:1\nparacetamol\tChemical\tX:2\nfever\tDisease\tX:3\n"
    )
    text = "Paracetamol in heart attack and aspirin."
    entities = [
        {"type": "Drug", "start": 0, "end": 11, "identifier": "MESH:D000082"},
        {"type": "Disease", "start": 15, "end": 27, "identifier": "MESH:D009203"},
        {"type": "Drug", "start": 32, "end": 39, "identifier": "MESH:D001241"},
    ]
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": "1", "text": text, "entities": entities}) + "\n")
    options = ("--data", tmp_path / "gold.jsonl", "--map", "Drug=Chemical", "--end-to-end")
    ran = evaluate(*options, "--tagger", tmp_path / "terms.tsv", "--format", "json")
    scores = scores_of(ran)
    assert list(scores) == ["Chemical", "Disease", "micro", "documents"]
    assert scores["Disease"] == {"precision": 100, "recall": 100, "f1": 100, "support": 1}
    assert scores["Chemical"] == {"precision": 100, "recall": 50, "f1": pytest.approx(200 / 3), "support": 2}
    assert scores["documents"]["Chemical"] == scores["Chemical"]
    ran = evaluate(*options, "--tagger", tmp_path / "terms.tsv")
    assert "mentions found by" in ran.stdout
    assert [line.split()[0] for line in ran.stdout.splitlines()[1:]] == [
        "mentions", "Chemical", "Disease", "micro", "documents", "Chemical", "Disease", "micro",
    ]  # fmt: skip


def test_a_mistyped_map_and_repeated_documents(evaluate: Run, gold_files: Path, tmp_path: Path) -> None:
    refused = evaluate("--data", gold_files / "dev.jsonl", "--map", "Desease=Disease")
    assert (refused.returncode, refused.stdout) == (FAILED, "")
    message = "--map renames 'Desease', which the data do not have (did you mean Disease?); their types are Chemical"
    assert message in refused.stderr
    twice = tmp_path / "twice.jsonl"
    lines = (gold_files / "dev.jsonl").read_text()
    twice.write_text(lines * 2)
    once, repeated = (evaluate("--data", file, "--resamples", 100) for file in (gold_files / "dev.jsonl", twice))
    assert once.stdout.splitlines()[1:] == repeated.stdout.splitlines()[1:]
    assert f"documents that the file has more than once count once: {len(lines.splitlines())} (" in repeated.stderr


DOCUMENT = {"id": "1", "text": "Asthma.", "entities": [{"type": "Disease", "start": 0, "end": 6}]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (json.dumps(DOCUMENT), "has no mention with an identifier of the types Disease, Chemical"),
        ("", "has no mention with an identifier"),
        ("{", "is not BioC JSON"),
        ('{"id": "1"}', "line 1: not an annotated document"),
        (
            json.dumps(DOCUMENT | {"entities": [{"type": "Disease", "start": 0, "end": 60, "identifier": "D001249"}]}),
            "1 of 1 mentions are not at their offsets, first in line 1: 0 to 60",
        ),
        ("1|t|Asthma.\n1|a|\n1\t0\tx\tAsthma\tDisease\tD001249\n", "line 3: not a PubTator mention"),
        ("1|t|Asthma.\n1|a|\n1\t2\t8\tAsthma\tDisease\tD001249\n", "not at their offsets, first in line 3: 'Asthma'"),
    ],
)
def test_files_that_cannot_be_scored_get_a_sentence(evaluate: Run, tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "gold").write_text(content + "\n")
    ran = evaluate("--data", tmp_path / "gold")
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


def test_wrong_models_files_and_vocabularies_get_a_sentence(run: Run, evaluate: Run, gold_files: Path) -> None:
    data = gold_files / "dev.jsonl"
    ran = run("evaluate", "linking", "--model", "builtin-reader", "--data", data)
    assert ran.returncode == FAILED
    assert "give one that links mentions to identifiers (linking)" in ran.stderr
    ran = run("evaluate", "linking", "--model", "./nowhere", "--data", data)
    assert "no model './nowhere' here" in ran.stderr
    ran = evaluate("--data", gold_files / "nowhere.jsonl")
    assert (ran.returncode, "nowhere.jsonl cannot be read (No such file" in ran.stderr) == (FAILED, True)
    ran = evaluate("--data", gold_files)
    assert (ran.returncode, "or name a file" in ran.stderr) == (FAILED, True)
    ran = evaluate("--data", data, "--vocabulary", "nothing")
    assert (ran.returncode, "there is no vocabulary nothing" in ran.stderr) == (WRONG_USAGE, True)
    ran = evaluate("--data", data, "--end-to-end", "--tagger", "builtin-reader")
    assert (ran.returncode, "give one that finds entities (ner)" in ran.stderr) == (FAILED, True)


def test_trainings_that_cannot_start_get_a_sentence(
    run: Run, gold_files: Path, small_vocabulary: Path, tmp_path: Path
) -> None:
    def train(*options: object) -> str:
        ran = run("train", "linking", "--data-folder", gold_files, "-o", tmp_path / "mine", *options)
        assert ran.returncode not in (DONE, None)
        assert not (tmp_path / "mine").exists()
        return ran.stderr

    assert "Give --data, or a --recipe." in train()
    assert "--held-out applies to the corpora of --data; give --data too." in train("--held-out")
    assert "nowhere.jsonl does not exist; name the folder of the recipe's files" in train("--data", "nowhere.jsonl")
    both = train("--data", "train.jsonl", "--data", "train.jsonl", "--vocabulary", small_vocabulary)
    assert "the files train, train need different names" in both
    only_dev = ("--data", "dev.jsonl", "--dev", "train.jsonl", "--vocabulary", small_vocabulary)
    assert "every document is one of the files to score" in train(*only_dev)
    (tmp_path / "other.jsonl").write_text(
        json.dumps(
            {"id": "1", "text": "Asthma.", "entities": [{"type": "Disease", "start": 0, "end": 6, "identifier": "X:1"}]}
        )
    )
    unknown = train("--data", tmp_path / "other.jsonl", "--vocabulary", small_vocabulary)
    assert "none of the gold identifiers is among the concepts of small@" in unknown
