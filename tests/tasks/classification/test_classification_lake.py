"""Labels end to end: views, kills, compaction, other models, status and export."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine import Lake
from litmine.errors import DONE, NEW_GAPS
from litmine.pipeline.compact import compact
from litmine.pipeline.import_files import import_files
from litmine.tasks.classification.make import make_top
from litmine.tasks.classification.recipe import ClassifierRecipe
from litmine.tasks.registry import identify
from tests.fixtures.killed_command import KILLED_COMMAND
from tests.fixtures.labelled_texts import labelled_rows

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def own_lake(tmp_path: Path) -> Path:
    """A lake of the labelled texts, in parts of ten, and one text without words."""
    lines = [{"pmid": int(row["pmid"]), "title": row["title"], "abstract": row["abstract"]} for row in labelled_rows()]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, [*lines, {"pmid": 7, "title": "...", "abstract": None}])))
    import_files(tmp_path / "lake", [file], part_size=10)
    return tmp_path / "lake"


def annotate(run: Run, lake: Path, *more: object) -> CompletedProcess[str]:
    ran = run("annotate", "--lake", lake, *more)
    assert ran.returncode == DONE, ran.stderr
    return ran


def rows(lake: Path, query: str = "from labels order by all") -> list[tuple[Any, ...]]:
    return Lake(lake).rows(query)


def test_labels_are_of_articles_and_evidence_is_of_sentences(run: Run, own_lake: Path, tiny_classifier: Path) -> None:
    annotate(run, own_lake, "--model", tiny_classifier)
    found = rows(own_lake, "select pmid, label, score from labels where scheme = 'screen' and start_char is null")
    gold = {int(row["pmid"]): row["label"] for row in labelled_rows()}
    by_pmid = {pmid: label for pmid, label, _ in found}
    assert len(found) == len(by_pmid)
    assert gold.keys() <= by_pmid.keys()
    assert sum(by_pmid[pmid] == label for pmid, label in gold.items()) > 30
    assert all(0 <= score <= 1 for _, _, score in found)
    quotes = rows(
        own_lake,
        "select quote(text, start_char, end_char), start_char, end_char, length(text) from labels"
        " join articles using (pmid) where scheme = 'screen_evidence'",
    )
    assert quotes
    assert all(0 <= start < end <= length and quote.strip() == quote for quote, start, end, length in quotes)
    assert {model for (model,) in rows(own_lake, "select distinct model from labels")} == {
        identify(str(tiny_classifier))
    }
    assert "nothing to do" in annotate(run, own_lake, "--model", tiny_classifier).stderr
    status = run("status", "--lake", own_lake).stdout
    assert identify(str(tiny_classifier)) in status


def test_two_classifiers_stand_side_by_side(
    run: Run, own_lake: Path, tiny_classifier: Path, classifier_recipe: ClassifierRecipe, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    make_top(replace(classifier_recipe, name="other", folds=0, epochs=2, evidence=0), other, lambda _: None)
    annotate(run, own_lake, "--model", tiny_classifier)
    first = rows(own_lake)
    annotate(run, own_lake, "--model", other)
    assert {scheme for (scheme,) in rows(own_lake, "select distinct scheme from labels")} == {"other"}
    assert {one for (one,) in rows(own_lake, "select distinct scheme from all_labels")} == {
        "screen", "screen_evidence", "other",
    }  # fmt: skip
    assert run("models", "use", identify(str(tiny_classifier)), "--lake", own_lake).returncode == DONE
    assert rows(own_lake) == first


def test_compaction_and_other_tasks_change_nothing(
    run: Run, own_lake: Path, tiny_classifier: Path, tiny_model: Path
) -> None:
    annotate(run, own_lake, "--model", tiny_classifier)
    expected = rows(own_lake)
    annotate(run, own_lake, "--model", tiny_model)
    assert rows(own_lake) == expected
    entities = rows(own_lake, "from entities order by all")
    assert entities
    compact(Lake(own_lake))
    assert len(list((own_lake / "labels").rglob("[!_]*.parquet"))) < 8
    assert rows(own_lake) == expected
    assert rows(own_lake, "from entities order by all") == entities
    assert run("doctor", "--lake", own_lake).returncode == DONE
    # Both models on the same trunk or not, in one run, give the same rows.
    coverage = rows(own_lake, "select task, texts_unread from coverage where active order by task")
    assert ("classification", 0) in coverage


def test_a_killed_annotation_goes_on_where_it_was(run: Run, own_lake: Path, tiny_classifier: Path) -> None:
    whole = own_lake.with_name("whole")
    import_files(whole, [own_lake.with_name("texts.jsonl")], part_size=10)
    annotate(run, whole, "--model", tiny_classifier)
    for count in (2, 9):
        command = ["annotate", "--lake", str(own_lake), "--model", str(tiny_classifier)]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED_COMMAND, str(count), *command],
            check=False,
            env=os.environ,
            capture_output=True,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    annotate(run, own_lake, "--model", tiny_classifier)
    assert rows(own_lake) == rows(whole)


def test_a_text_that_fails_is_a_gap_and_the_rest_is_labelled(
    run: Run, own_lake: Path, tiny_classifier: Path, tmp_path: Path, rewrite_weights: Any
) -> None:
    import shutil

    broken = Path(shutil.copytree(tiny_classifier, tmp_path / "built" / "broken"))
    settings = json.loads((broken / "litmine.json").read_text(encoding="utf-8"))
    settings["trunk"]["reference"] = os.path.relpath(
        (tiny_classifier / settings["trunk"]["reference"]).resolve(), broken.resolve()
    )
    (broken / "litmine.json").write_text(json.dumps(settings), encoding="utf-8")

    def fill(weights: dict[str, Any]) -> None:
        weights["votes.bias"].fill_(float("nan"))

    rewrite_weights(broken, fill)
    ran = run("annotate", "--lake", own_lake, "--model", broken)
    assert ran.returncode not in (DONE, NEW_GAPS)
    assert "fails on every text" in ran.stderr
    assert rows(own_lake) == []


def test_json_lines_have_the_labels(run: Run, own_lake: Path, tiny_classifier: Path, tmp_path: Path) -> None:
    annotate(run, own_lake, "--model", tiny_classifier)
    file = tmp_path / "out.jsonl"
    assert run("export", "--format", "jsonl", "--lake", own_lake, "-o", file).returncode == DONE
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    written = sorted(
        (line["pmid"], one["scheme"], one["label"], one["start_char"], one["end_char"])
        for line in lines
        for one in line.get("labels") or ()
        if one["start_char"] is None
    )
    assert [row[:3] for row in written] == rows(
        own_lake, "select pmid, scheme, label from labels where start_char is null order by all"
    )
    again = tmp_path / "again"
    imported = run("import", file, "--lake", again)
    assert imported.returncode == DONE, imported.stderr
    for form in ("bioc", "pubtator"):
        assert run("export", "--format", form, "--lake", own_lake, "-o", tmp_path / form).returncode == DONE
