"""`annotate` after faults: each costs only its text or part, is reported once, and the next run completes."""

import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pyarrow.parquet as pq
import pytest

from litmine.errors import DONE, FAILED, INTERRUPTED, NEW_GAPS
from litmine.lake.lake import Lake
from litmine.lake.parquet import read_footer
from litmine.lake.paths import LakePath
from litmine.lake.targets import TargetSet
from litmine.pipeline.import_files import import_files
from litmine.tasks.registry import identify

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
EntityScores = Callable[[Path], dict[tuple[object, ...], float]]


@pytest.fixture
def tmp_path(same_folder: Path) -> Path:
    return same_folder


@pytest.fixture
def lake(short_lake: Path, tmp_path: Path) -> Path:
    """A lake that no model has annotated."""
    return Path(shutil.copytree(short_lake, tmp_path / "lake"))


def annotate_command(lake: Path, model: Path) -> tuple[object, ...]:
    """The command with small batches."""
    return ("annotate", "--lake", lake, "--model", model, "--precision", "float32", "--batch-tokens", 500)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def garble(content: bytes) -> bytes:
    """Damage the first column; keep the length and the footer."""
    return content[:30] + bytes(100) + content[130:]


@pytest.mark.parametrize("harm", [cut, garble, lambda content: content[:0]], ids=["cut", "garbled", "emptied"])
def test_a_damaged_part_is_reported_once(
    run: Run,
    lake: Path,
    tiny_model: Path,
    expected_short_entities: object,
    entity_scores: EntityScores,
    harm: Callable[[bytes], bytes],
) -> None:
    words = annotate_command(lake, tiny_model)
    part = sorted((lake / "articles").glob("medline*.parquet"))[3]
    whole = part.read_bytes()
    part.write_bytes(harm(whole))
    others = len(Lake(lake).parts()) - 1

    ran = run(*words)
    done, gap = ran.stderr.splitlines()
    assert ran.returncode == NEW_GAPS
    assert done.startswith(f"{others} of {others + 1} parts done: ")
    assert gap.startswith(f"could not be read: articles/{part.name}: {part} is damaged (")
    assert "restore it, or delete" in gap

    ran = run(*words)
    nothing, still = ran.stderr.splitlines()
    assert (ran.returncode, nothing.startswith("0 of 1 part done: no texts read by ")) == (DONE, True)
    assert still == "1 part still cannot be read, as reported before; see `litmine status`"
    ran = run("status", "--lake", lake)
    assert part.name in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    ((name, location, why),) = Lake(lake).rows("select part, what, why from gaps")
    assert (name, location) == (part.stem, f"articles/{part.name}")
    assert "is damaged (" in why

    part.write_bytes(whole)
    ran = run(*words)
    assert (ran.returncode, ran.stderr.startswith("1 of 1 part done: 4 texts read")) == (DONE, True)
    assert entity_scores(lake) == expected_short_entities
    assert "\ngap " not in run("status", "--lake", lake).stdout
    assert Lake(lake).rows("from gaps") == []


def test_a_text_that_makes_the_model_fail_is_one_gap(
    run: Run, lake: Path, tmp_path: Path, fragile_model: Path, entity_scores: EntityScores
) -> None:
    words, model = annotate_command(lake, fragile_model), identify(str(fragile_model))
    assert run(*words).returncode == DONE
    without = entity_scores(lake)
    lines = [(7, "Asthma in adults."), (8, "A history of zymurgy in Asthma."), (9, "Fever in adults.")]
    records = [json.dumps({"pmid": pmid, "title": title}) for pmid, title in lines]
    (tmp_path / "lines.jsonl").write_text("\n".join(records))
    import_files(lake, [tmp_path / "lines.jsonl"])

    ran = run(*words)
    done, gap = ran.stderr.splitlines()
    assert ran.returncode == NEW_GAPS
    assert done.startswith("1 of 1 part done: 3 texts read, ")
    reason = "ModelError: the tokenizer has a token that is not in the model's vocabulary"
    assert gap == f"could not be read: PMID 8: {model}: {reason}"
    opened = Lake(lake)
    # What the tagger cannot read has no links either.
    assert sorted(opened.rows("select model, pmid, why from gaps")) == sorted(
        (one, 8, "ModelError: the tokenizer has a token that is not in the model's vocabulary")
        for one in (model, identify("builtin-linker"))
    )
    assert opened.rows("select texts_read, texts_unread, texts_failed from coverage where task = 'ner'") == [(24, 0, 1)]
    assert [one.model for one in opened.active_models() if one.task == "ner"] == [model]
    assert {key: score for key, score in entity_scores(lake).items() if key[1] not in (7, 9)} == without
    assert opened.rows("select outcome, len(gaps) from runs order by started desc limit 1") == [("gaps", 1)]
    assert "could not read 1 text;" in run("sql", "from entities limit 1", "--lake", lake).stderr
    assert f"gap       PMID 8, {model}: ModelError" in run("status", "--lake", lake).stdout
    assert run(*words).returncode == DONE


def test_a_model_that_fails_on_everything_writes_nothing(run: Run, annotated_copy: Path, broken_model: Path) -> None:
    before = [one.model for one in Lake(annotated_copy).active_models()]
    ran = run(*annotate_command(annotated_copy, broken_model))
    (line,) = ran.stderr.splitlines()
    assert ran.returncode == FAILED
    assert line.startswith(f"litmine: {identify(str(broken_model))} fails on every text on cpu: ")
    # Parts are taken in random order; one without a text says nothing of the model.
    targets = TargetSet("entities", identify(str(broken_model))).folder(annotated_copy).glob("*.parquet")
    assert sum(read_footer(target)["texts"] for target in targets) == 0
    assert [one.model for one in Lake(annotated_copy).active_models()] == before
    assert Lake(annotated_copy).rows("select outcome from runs order by started desc limit 1") == [("failed",)]


def test_a_full_disk_loses_no_finished_part(
    run: Run,
    short_lake: Path,
    tiny_model: Path,
    small_disk: Any,
    expected_short_entities: object,
    entity_scores: EntityScores,
) -> None:
    lake = small_disk.folder / "lake"
    parts = len(Lake(short_lake).parts())
    shutil.copytree(short_lake, lake)
    small_disk.leave(40)
    words = annotate_command(lake, tiny_model)
    process = small_disk.start(*words)
    _, stderr = process.communicate()
    # A slow machine says before how far it is.
    (line,) = [line for line in stderr.splitlines() if not line.startswith("annotating: ")]
    assert process.returncode == FAILED
    assert line.startswith(f"litmine: {lake}/")
    assert line.endswith("free some space and run the command again: finished work is kept")
    assert list(lake.rglob("*.tmp")) == []
    whole = targets(lake, tiny_model)
    assert all(pq.read_metadata(path).num_columns for path in whole)
    assert len(whole) < parts
    complete = {path.stem for path in whole}.intersection(
        *({path.stem for path in lake.glob(f"{table}/*/*.parquet")} for table in ("sentences", "abbreviations"))
    )
    small_disk.grow()
    ran = run(*words)
    assert (ran.returncode, ran.stderr.startswith(f"{parts - len(complete)} of ")) == (DONE, True)
    assert entity_scores(lake) == expected_short_entities


def targets(lake: Path, model: Path) -> list[LakePath]:
    return list(TargetSet("entities", identify(str(model))).folder(lake).glob("*.parquet"))


def wait_for_targets(process: Popen[Any], lake: Path, model: str, least: int) -> None:
    """Wait until `least` targets exist or the run has ended."""
    folder = TargetSet("entities", model).folder(lake)
    while process.poll() is None and len(list(folder.glob("*.parquet"))) < least:
        time.sleep(0.001)


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_a_run_killed_at_any_moment_can_be_repeated(
    run: Run,
    start: Start,
    imported_lake: Path,
    tmp_path: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    kills: int,
) -> None:
    lake = Path(shutil.copytree(imported_lake, tmp_path / "long"))
    words, model, parts = annotate_command(lake, tiny_model), identify(str(tiny_model)), len(Lake(lake).parts())
    chance = random.Random(kills)
    for least in sorted(chance.sample(range(parts - 1), kills)):
        process = start(*words)
        wait_for_targets(process, lake, model, least)
        time.sleep(chance.random() * (0.05 if least else 4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        done = targets(lake, tiny_model)
        assert all(pq.read_metadata(path).num_columns for path in done)
        if process.returncode != DONE and done:
            assert Lake(lake).rows("select parts_read from coverage where task = 'ner'") == [(len(done),)]
    ran = run(*words)
    assert ran.returncode == DONE, ran.stderr
    assert entity_scores(lake) == expected_entities
    assert Lake(lake).pending_parts(TargetSet("entities", model)) == []


def test_ctrl_c_keeps_finished_parts(
    run: Run,
    start: Start,
    lake: Path,
    tiny_model: Path,
    expected_short_entities: object,
    entity_scores: EntityScores,
    pause_before: Callable[..., Any],
) -> None:
    words, third_target = annotate_command(lake, tiny_model), pause_before("*/entities/*/[!_]*.parquet", 2)
    process = start(*words, **third_target.environment)
    third_target.wait(process)
    process.send_signal(signal.SIGINT)
    third_target.release()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    # A slow machine prints its progress before.
    *_, cost, sentence = filter(None, stderr.splitlines())
    assert re.fullmatch(r"\d+ of 22 articles done(; about \d+ articles of unfinished parts will be read again)?", cost)
    assert sentence == "litmine: interrupted; finished work is kept, and the same command continues from there"
    done = len(targets(lake, tiny_model))
    opened = Lake(lake)
    assert 2 <= done < len(opened.parts())
    assert list(lake.rglob("*.tmp")) == []
    assert (
        [one.model for one in opened.active_models()],
        opened.rows("select outcome from runs order by started desc limit 1"),
    ) == (
        [],
        [("interrupted",)],
    )
    unfinished = "no model has read the whole lake yet, so the views show no results; run `litmine annotate` again"
    assert f"stale     {unfinished}\n" in run("status", "--lake", lake).stdout
    exported = run("export", "--format", "jsonl", "--lake", lake)
    assert "no model that finds entities has read the whole lake yet; run `litmine annotate` again" in exported.stderr
    ran = run(*words)
    assert (ran.returncode, ran.stderr.startswith(f"{len(opened.parts()) - done} of ")) == (DONE, True)
    assert entity_scores(lake) == expected_short_entities


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_lake_that_cannot_be_written_is_an_error(run: Run, lake: Path, tiny_model: Path) -> None:
    (lake / "entities").chmod(0o500)
    ran = run(*annotate_command(lake, tiny_model))
    (lake / "entities").chmod(0o700)
    assert (ran.returncode, "check that the folder is writable" in ran.stderr) == (FAILED, True)
