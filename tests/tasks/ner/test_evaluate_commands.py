"""The command `litmine evaluate ner` with several files, intervals, errors and a second model."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.corpora.corpus import read_corpus
from litmine.errors import DONE, FAILED, WRONG_USAGE
from litmine.tasks.ner.error_analysis import KINDS

Evaluate = Callable[..., CompletedProcess[str]]
SCORES = {"precision", "recall", "f1", "support"}
FIGURES = ("precision", "recall", "f1")


@pytest.fixture
def evaluate(run: Callable[..., CompletedProcess[str]], tiny_model: Path) -> Evaluate:
    return lambda *arguments: run("evaluate", "ner", "--model", tiny_model, "--precision", "float32", *arguments)


@pytest.fixture
def ner(sample_data: Path) -> Path:
    return sample_data / "ner"


def scores_of(ran: CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == DONE, ran.stderr
    read: dict[str, Any] = json.loads(ran.stdout)
    return read


def test_one_file_has_plain_scores_and_several_are_keyed_by_corpus(evaluate: Evaluate, ner: Path) -> None:
    files = {name: ner / name / "dev.tsv" for name in ("NCBI-disease", "BC5CDR")}
    alone = {name: scores_of(evaluate("--data", file, "--format", "json")) for name, file in files.items()}
    assert list(alone["BC5CDR"]) == ["Chemical", "Disease", "micro"]
    assert all(score.keys() == SCORES for scores in alone.values() for score in scores.values())
    both = [part for file in files.values() for part in ("--data", file)]
    assert scores_of(evaluate(*both, "--format", "json")) == alone


def test_files_may_be_named_and_equal_names_are_refused(evaluate: Evaluate, ner: Path) -> None:
    file = ner / "BC5CDR" / "dev.tsv"
    ran = evaluate("--data", file, "--data", ner / "BC5CDR" / "train.tsv")
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    assert ran.stderr == "litmine: the files BC5CDR, BC5CDR need different names; use --data NAME=FILE\n"
    assert list(scores_of(evaluate("--data", file, "--data", f"again={file}", "--format", "json"))) == [
        "BC5CDR",
        "again",
    ]


def test_a_path_with_an_equals_sign_is_a_path(evaluate: Evaluate, ner: Path, tmp_path: Path) -> None:
    file = tmp_path / "seed=1.tsv"
    file.write_bytes((ner / "BC5CDR" / "dev.tsv").read_bytes())
    assert evaluate("--data", file).stdout.startswith("seed=1: ")


def test_the_dev_split_of_a_folder_is_used(evaluate: Evaluate, ner: Path, tmp_path: Path) -> None:
    errors = [evaluate("--data", place) for place in (ner / "BC5CDR", ner / "BC5CDR" / "dev.tsv")]
    assert errors[0].stdout == errors[1].stdout
    (tmp_path / "train.tsv").write_text("aspirin\tB-Chemical\n")
    ran = evaluate("--data", tmp_path)
    assert ran.returncode == FAILED
    assert ran.stderr == f"litmine: {tmp_path} has no dev split; name a file with --data FILE\n"


def test_the_tag_scheme_may_be_set(evaluate: Evaluate, tmp_path: Path) -> None:
    file = tmp_path / "iob1.tsv"
    file.write_text("aspirin\tI-Chemical\nhelps\tO\n")
    scores = scores_of(evaluate("--data", file, "--tags", "iob1", "--format", "json"))
    assert scores["micro"]["support"] == 1
    assert evaluate("--data", file, "--tags", "iob2").returncode == FAILED


def test_intervals_in_json_contain_the_scores(evaluate: Evaluate, ner: Path) -> None:
    scores = scores_of(evaluate("--data", ner / "BC5CDR" / "dev.tsv", "--format", "json", "--intervals"))
    for score in scores.values():
        assert score.keys() == SCORES | {"intervals"}
        assert list(score["intervals"]) == list(FIGURES)
        for figure, (low, high) in score["intervals"].items():
            assert 0 <= low <= score[figure] <= high <= 100


def test_a_table_shows_the_interval_of_f1(evaluate: Evaluate, ner: Path) -> None:
    files = ("--data", ner / "BC5CDR" / "dev.tsv", "--data", ner.parent / "documents" / "NCBI-disease_dev.pubtator")
    scores = scores_of(evaluate(*files, "--map", "SpecificDisease=Disease", "--map", "Modifier=Disease",
                             "--map", "DiseaseClass=Disease", "--map", "CompositeMention=Disease",
                             "--format", "json", "--intervals", "--resamples", 500))  # fmt: skip
    ran = evaluate(*files, "--map", "SpecificDisease=Disease", "--map", "Modifier=Disease",
                   "--map", "DiseaseClass=Disease", "--map", "CompositeMention=Disease",
                   "--resamples", 500)  # fmt: skip
    titles = [line for line in ran.stdout.splitlines() if "tagged by tiny@" in line]
    assert [title.partition(",")[0].split()[0] for title in titles] == ["BC5CDR:", "NCBI-disease_dev:"]
    assert "documents" in titles[1]
    assert "intervals: 95 %, 500 bootstrap resamples of each file's sentences and documents" in ran.stderr
    low, high = scores["BC5CDR"]["micro"]["intervals"]["f1"]
    f1, support = scores["BC5CDR"]["micro"]["f1"], scores["BC5CDR"]["micro"]["support"]
    micro = next(line for line in ran.stdout.splitlines() if line.startswith("micro"))
    assert micro.split()[3:] == [f"{f1:.2f}", f"{low:.2f}", "to", f"{high:.2f}", str(support)]


def test_errors_in_json_and_all_errors_in_a_file(evaluate: Evaluate, ner: Path, tmp_path: Path) -> None:
    file, out = ner / "BC5CDR" / "dev.tsv", tmp_path / "errors.jsonl"
    scores = scores_of(evaluate("--data", file, "--errors", 2, "--errors-to", out, "--format", "json"))
    errors = scores.pop("errors")
    assert list(scores) == ["Chemical", "Disease", "micro"]
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert list(errors["counts"]) == list(KINDS)
    for kind, count in errors["counts"].items():
        assert count == sum(line["class"] == kind for line in lines)
        assert sum(group["class"] == kind for group in errors["frequent"]) <= 2
    assert sum(errors["counts"].values()) > 0
    passages = read_corpus(file, "BC5CDR").passages
    for line in lines:
        assert line["corpus"] == "BC5CDR"
        text = passages[line["passage"] - 1].text
        assert line["before"] + line["text"] + line["after"] in text
        for span in filter(None, (line["gold"], line["found"])):
            assert text[span["start_char"] : span["end_char"]] == span["mention"]


def test_errors_without_a_number_lists_the_default_number(evaluate: Evaluate, ner: Path) -> None:
    ran = evaluate("--data", ner / "BC5CDR" / "dev.tsv", "--errors")
    counts = next(line for line in ran.stdout.splitlines() if line.startswith("errors: "))
    for number, kind in (part.split() for part in counts.removeprefix("errors: ").split(", ")):
        assert (f"\n{kind}: " in ran.stdout) == (number != "0")
    assert "«" in ran.stdout


def test_an_unwritable_errors_file_is_refused(evaluate: Evaluate, ner: Path, tmp_path: Path) -> None:
    ran = evaluate("--data", ner / "BC5CDR" / "dev.tsv", "--errors-to", tmp_path / "no" / "errors.jsonl")
    assert ran.returncode == FAILED
    assert "errors.jsonl cannot be written (No such file or directory); choose another file" in ran.stderr


def test_a_model_does_not_differ_from_itself(evaluate: Evaluate, ner: Path, tiny_model: Path) -> None:
    file = ner / "BC5CDR" / "dev.tsv"
    scores = scores_of(evaluate("--data", file, "--against", tiny_model, "--format", "json"))
    against = scores.pop("against")
    assert against["scores"] == scores
    assert against["model"].startswith("tiny@")
    for difference in against["difference"].values():
        assert difference == {"f1": 0.0, "interval": [0.0, 0.0], "p": 1.0}
    assert against["right_only_in_model"] == against["right_only_in_against"] == {"count": 0, "frequent": []}


def test_two_models_are_compared(evaluate: Evaluate, ner: Path) -> None:
    # The tiny model was trained on these sentences.
    options = ("--data", ner / "BC5CDR" / "train.tsv", "--against", "builtin", "--errors", 3)
    scores = scores_of(evaluate(*options, "--format", "json"))
    against = scores["against"]
    for name, difference in against["difference"].items():
        assert difference["f1"] == pytest.approx(scores[name]["f1"] - against["scores"][name]["f1"])
        low, high = difference["interval"]
        assert low <= difference["f1"] <= high
    for side in ("right_only_in_model", "right_only_in_against"):
        frequent = against[side]["frequent"]
        assert len(frequent) <= 3
        assert sum(mention["count"] for mention in frequent) <= against[side]["count"]
    table = evaluate(*options).stdout
    assert "\nagainst builtin@" in table
    assert f": {against['right_only_in_model']['count']} gold mentions" in table


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--against-head", "Disease"), FAILED, "--against-head needs --against"),
        (("--against", "builtin", "--against-head", "Dragon"), FAILED, "has no head 'Dragon'"),
        (("--against", "builtin", "--against-head", "Gene"), FAILED, "annotates Chemical, Disease, but builtin@"),
        (("--against", "nowhere"), WRONG_USAGE, "no model 'nowhere' here"),
    ],
)
def test_invalid_comparisons_are_refused(
    evaluate: Evaluate, ner: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = evaluate("--data", ner / "BC5CDR" / "dev.tsv", *arguments)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert sentence in ran.stderr


def test_fewer_resamples_than_percentiles_are_wrong_usage(evaluate: Evaluate, ner: Path) -> None:
    assert evaluate("--data", ner / "BC5CDR" / "dev.tsv", "--resamples", 10).returncode == 2
