"""A new task needs a folder, a schema, views and one entry in the specifications; all commands then support it."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from litmine.errors import DONE, FAILED, NEW_GAPS
from litmine.nn.trunk_folder import trunk_digest
from litmine.nn.weights import save_weights
from litmine.tasks.ner import split_tagger as splitting
from litmine.tasks.registry import identify
from tests.fixtures.killed_command import KILLED_COMMAND

Litmine = Callable[..., CompletedProcess[str]]
COLUMNS = "pmid, chemical_start, chemical_end, chemical, disease_start, disease_end, disease"


@pytest.fixture
def lake(annotated_lake: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(annotated_lake, tmp_path / "lake"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return make_pairs(tmp_path / "pairs", near=500)


def make_pairs(folder: Path, near: int) -> Path:
    folder.mkdir()
    (folder / "litmine.json").write_text(json.dumps({"task": "toy_pairs", "near": near}))
    return folder


def rows(toy: Litmine, lake: Path, query: str) -> list[dict[str, Any]]:
    ran = toy("sql", query, "--lake", lake, "--format", "json")
    assert ran.returncode == DONE, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def expected_pairs(toy: Litmine, lake: Path, near: int) -> list[dict[str, Any]]:
    """The same pairs, computed with SQL from `entities`."""
    return rows(
        toy,
        lake,
        "select c.pmid as pmid, c.start_char as chemical_start, c.end_char as chemical_end, c.mention as chemical,"
        " d.start_char as disease_start, d.end_char as disease_end, d.mention as disease"
        " from entities c join entities d using (pmid)"
        " where c.entity_type = 'Chemical' and d.entity_type = 'Disease'"
        f" and abs(c.start_char - d.start_char) <= {near} order by all",
    )


def annotate_until_killed(lake: Path, models: list[Path], environment: dict[str, str], steps: int) -> None:
    """Run an annotate that is killed before file operation number `steps` (fsync or link)."""
    words = ["annotate", "--lake", str(lake), "--precision", "float32"]
    words += [word for model in models for word in ("--model", str(model))]
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_COMMAND, str(steps), *words], env=environment, cwd=lake.parent, check=False
    )
    assert ran.returncode == -signal.SIGKILL


def test_a_task_that_uses_entities(toy: Litmine, environment: dict[str, str], lake: Path, pairs: Path) -> None:
    parts = len([*(lake / "articles").glob("[!_]*.parquet")])
    annotate_until_killed(lake, [pairs], environment, 40)
    assert 0 < len([*lake.glob("toy_pairs/model=pairs*/of=*/*.parquet")]) < parts
    done = toy("annotate", "--lake", lake, "--model", pairs)
    assert done.returncode == DONE, done.stderr
    pairs_found = rows(toy, lake, f"select {COLUMNS} from toy_pairs order by all")
    assert len(pairs_found) > 50
    assert pairs_found == expected_pairs(toy, lake, 500)
    # Nothing is left to do, and `entities` is unchanged.
    assert "nothing to do" in toy("annotate", "--lake", lake, "--model", pairs).stderr
    ((before, tagger),) = (row.values() for row in rows(toy, lake, "select count(*), any_value(model) from entities"))
    assert before > 500
    coverage = rows(toy, lake, "select task, model, inputs, active, parts_read, parts_unread from coverage")
    assert coverage == [
        {
            "task": "abbreviations",
            "model": identify("builtin-abbreviations"),
            "inputs": None,
            "active": True,
            "parts_read": parts,
            "parts_unread": 0,
        },
        {"task": "ner", "model": tagger, "inputs": None, "active": True, "parts_read": parts, "parts_unread": 0},
        {
            "task": "sentences",
            "model": identify("builtin-sentences"),
            "inputs": None,
            "active": True,
            "parts_read": parts,
            "parts_unread": 0,
        },
        {
            "task": "toy_pairs",
            "model": f"pairs@{500:012x}",
            "inputs": tagger,
            "active": True,
            "parts_read": parts,
            "parts_unread": 0,
        },
    ]
    status = toy("status", "--lake", lake).stdout
    assert f"pairs@{500:012x} (toy_pairs, active): 102 texts read\n" in status
    # Compaction merges the targets too.
    compacted = toy("compact", "--lake", lake, "--grace", "0")
    assert compacted.returncode == DONE, compacted.stderr
    assert f"{parts} article parts merged into" in compacted.stderr
    assert rows(toy, lake, f"select {COLUMNS} from toy_pairs order by all") == pairs_found
    toy("compact", "--lake", lake, "--grace", "0")
    doctor = toy("doctor", "--deep", "--lake", lake)
    assert (doctor.returncode, "wrong" in doctor.stdout) == (DONE, False), doctor.stdout
    assert "toy_pairs" in doctor.stdout
    exported = toy("export", "--format", "jsonl", "--lake", lake)
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert sum(len(line["toy_pairs"]) for line in lines) == len(pairs_found)
    assert all(
        line["text"][one["chemical_start"] : one["chemical_end"]] == one["chemical"]
        for line in lines
        for one in line["toy_pairs"]
    )


def test_other_inputs_get_other_targets(toy: Litmine, lake: Path, pairs: Path, tmp_path: Path) -> None:
    near = make_pairs(tmp_path / "near", near=40)
    both = toy("annotate", "--lake", lake, "--model", pairs, "--model", near)
    assert both.returncode == DONE, both.stderr
    (tagger,) = (row["model"] for row in rows(toy, lake, "from active_models where task = 'ner'"))
    assert {row["model"] for row in rows(toy, lake, "select distinct model from toy_pairs")} == {
        f"pairs@{500:012x}",
        f"near@{40:012x}",
    }
    assert toy("models", "use", f"near@{40:012x}", "--lake", lake).returncode == DONE
    assert rows(toy, lake, f"select {COLUMNS} from toy_pairs order by all") == expected_pairs(toy, lake, 40)
    # Chemicals only are another input.
    assert toy("models", "use", f"{tagger}:Chemical", "--lake", lake).returncode == DONE
    assert toy("annotate", "--lake", lake, "--model", pairs).returncode == DONE
    assert rows(toy, lake, "select count(*) as n from toy_pairs") == [{"n": 0}]
    assert (
        len(rows(toy, lake, "select distinct inputs from all_toy_pairs union select distinct inputs from coverage"))
        >= 2
    )
    folders = {path.parent.name for path in (lake / "toy_pairs").glob("model=pairs*/of=*/*.parquet")}
    assert len(folders) == 2


def test_a_task_without_its_inputs_is_refused(toy: Litmine, imported_lake: Path, pairs: Path, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(imported_lake, tmp_path / "unread"))
    refused = toy("annotate", "--lake", lake, "--model", pairs)
    assert refused.returncode == FAILED
    assert "needs the results of a model that finds entities, and none is active in this lake" in refused.stderr


def test_parts_that_the_tagger_has_not_read_are_gaps(toy: Litmine, lake: Path, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text(json.dumps({"pmid": 77, "title": "Aspirin and asthma."}) + "\n")
    assert toy("import", tmp_path / "new.jsonl", "--lake", lake).returncode == DONE
    ran = toy("annotate", "--lake", lake, "--model", pairs)
    assert ran.returncode == NEW_GAPS
    assert "which has not read this part; annotate with that model first" in ran.stderr
    (unread,) = rows(toy, lake, "select texts_unread from coverage where task = 'toy_pairs'")
    assert unread == {"texts_unread": 1}


def test_a_text_that_failed_upstream_fails_downstream(
    toy: Litmine, imported_lake: Path, fragile_model: Path, pairs: Path, tmp_path: Path
) -> None:
    lake = Path(shutil.copytree(imported_lake, tmp_path / "poisoned"))
    (tmp_path / "new.jsonl").write_text(json.dumps({"pmid": 77, "title": "A zymurgy of beer."}) + "\n")
    assert toy("import", tmp_path / "new.jsonl", "--lake", lake).returncode == DONE
    ran = toy("annotate", "--lake", lake, "--model", fragile_model, "--model", pairs)
    assert ran.returncode == NEW_GAPS
    # It is one gap, of the model that failed first, and both targets record it.
    assert ran.stderr.count("PMID 77") == 1
    gaps = rows(toy, lake, "select task, pmid from gaps order by task")
    assert gaps == [{"task": task, "pmid": 77} for task in ("linking", "ner", "toy_pairs")]


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_kills_and_compactions_do_not_change_the_results(
    toy: Litmine,
    environment: dict[str, str],
    imported_lake: Path,
    tiny_model: Path,
    pairs: Path,
    tmp_path: Path,
    kills: int,
) -> None:
    undisturbed = Path(shutil.copytree(imported_lake, tmp_path / "undisturbed"))
    models = [word for model in (tiny_model, pairs) for word in ("--model", model)]
    assert toy("annotate", "--lake", undisturbed, *models, "--precision", "float32").returncode == DONE
    mentions = "select pmid, start_char, end_char, mention, entity_type from entities order by all"
    found = f"select {COLUMNS} from toy_pairs order by all"
    expect = [rows(toy, undisturbed, query) for query in (mentions, found)]
    rng = random.Random(kills)
    for attempt in range(kills):
        lake = Path(shutil.copytree(imported_lake, tmp_path / f"lake-{attempt}"))
        # A target takes one link and two fsyncs, one of them of its folder.
        last = 2 * 3 * len([*lake.glob("articles/[!_]*.parquet")]) - 3
        annotate_until_killed(lake, [tiny_model, pairs], environment, rng.randint(1, last))
        if attempt % 2:
            assert toy("compact", "--lake", lake, "--grace", "0").returncode == DONE
        assert toy("annotate", "--lake", lake, *models, "--precision", "float32").returncode == DONE
        for _ in range(2):
            assert [rows(toy, lake, query) for query in (mentions, found)] == expect
            assert toy("compact", "--lake", lake, "--grace", "0").returncode == DONE
        shutil.rmtree(lake)


@pytest.fixture(scope="session")
def split_tagger(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """`tiny_model` split into a trunk of two layers and a top with the heads."""
    return splitting.split_tagger(tiny_model, tmp_path_factory.mktemp("split"), layers=0)


def make_top(folder: Path, task: str, trunk: Path, seed: int, after: int | None = None) -> Path:
    """A toy's top on a trunk, with random weights; it continues after `after` of the trunk's layers, or after all."""
    folder.mkdir()
    link = {"reference": str(trunk), "digest": trunk_digest(trunk), "layers": 0, "after": after}
    (folder / "litmine.json").write_text(json.dumps({"task": task, "trunk": link}))
    width = json.loads((trunk / "config.json").read_text())["hidden_size"]
    weight = torch.randn(width, generator=torch.Generator().manual_seed(seed))
    save_weights({"weight": weight}, folder, int8=False)
    return folder


def test_two_tops_and_a_dependent_task_run_with_a_tagger(
    toy: Litmine,
    environment: dict[str, str],
    split_tagger: tuple[Path, Path],
    annotated_lake: Path,
    imported_lake: Path,
    pairs: Path,
    tmp_path: Path,
) -> None:
    trunk, tagger = split_tagger
    topics = make_top(tmp_path / "topics", "toy_topics", trunk, 1)
    words = make_top(tmp_path / "words", "toy_words", trunk, 2, after=1)
    lake = Path(shutil.copytree(imported_lake, tmp_path / "lake"))
    parts = len([*(lake / "articles").glob("[!_]*.parquet")])
    models = [tagger, topics, words, pairs]
    annotate_until_killed(lake, models, environment, 150)
    assert 0 < len([*lake.glob("toy_words/model=words*/*.parquet")]) < parts
    done = toy(
        "annotate", "--lake", lake, "--precision", "float32", *(word for one in models for word in ("--model", one))
    )
    assert done.returncode == DONE, done.stderr
    mentions = "select pmid, start_char, end_char, mention, entity_type from entities order by all"
    assert rows(toy, lake, mentions) == rows(toy, annotated_lake, mentions)
    assert rows(toy, lake, f"select {COLUMNS} from toy_pairs order by all") == expected_pairs(toy, lake, 500)
    assert rows(toy, lake, "select count(*) as n, count(distinct pmid) as texts from toy_topics") == [
        {"n": 102, "texts": 102}
    ]
    (of_words,) = rows(toy, lake, "select count(*) as n, min(score) > 0.5 as high from toy_words")
    assert of_words["n"] > 1000
    assert of_words["high"] is True
    coverage = rows(toy, lake, "select task, active, parts_read, parts_unread from coverage order by task")
    assert [tuple(row.values()) for row in coverage] == [
        (task, True, parts, 0)
        for task in ("abbreviations", "linking", "ner", "sentences", "toy_pairs", "toy_topics", "toy_words")
    ]
    # A model gives the same results alone as together with the others.
    alone = Path(shutil.copytree(imported_lake, tmp_path / "alone"))
    assert toy("annotate", "--lake", alone, "--model", words, "--precision", "float32").returncode == DONE
    stands = "select pmid, start_char, word from toy_words order by all"
    assert rows(toy, alone, stands) == rows(toy, lake, stands)
    queries = [
        mentions,
        stands,
        f"select {COLUMNS} from toy_pairs order by all",
        "select pmid from toy_topics order by 1",
    ]
    before = [rows(toy, lake, query) for query in queries]
    assert f"{parts} article parts merged into" in toy("compact", "--lake", lake, "--grace", "0").stderr
    assert [rows(toy, lake, query) for query in queries] == before
    doctor = toy("doctor", "--deep", "--lake", lake)
    assert (doctor.returncode, "wrong" in doctor.stdout) == (DONE, False), doctor.stdout
    assert {"toy_topics, active", "toy_words, active"} <= {
        *re.findall(r"\((toy_\w+, active)\)", toy("status", "--lake", lake).stdout)
    }
    (line, *_) = toy("export", "--format", "jsonl", "--lake", lake).stdout.splitlines()
    assert {"entities", "toy_pairs", "toy_topics", "toy_words"} <= json.loads(line).keys()
