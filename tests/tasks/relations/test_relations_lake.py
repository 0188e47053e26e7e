"""Relations end to end: views, new inputs, two models, kills, compaction, status and doctor."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED, NEW_GAPS
from litmine.pipeline.annotate import annotate as run_models
from litmine.pipeline.choose_models import needed_models
from litmine.pipeline.compact import compact
from litmine.runtime.executor import Executor
from litmine.specs import BUILTIN, BUILTIN_LINKER, spec_by_name
from litmine.tasks.registry import identify
from litmine.tasks.relations.cooccurrence import CooccurrenceSettings, save_cooccurrence
from tests.fixtures.killed_command import KILLED_COMMAND
from tests.tasks.relations.conftest import GENES, RELATED, TEXTS, RelatedLake, add_texts

Run = Callable[..., CompletedProcess[str]]
PARACETAMOL, INFARCTION = "MESH:D000082", "MESH:D009203"
GEFITINIB, EGFR, P53, BRCA1 = "MESH:D000077156", "NCBIGene:1956", "NCBIGene:7157", "NCBIGene:672"
ROWS = "select pmid, relation_type, subject, subject_id, object, object_id from {} order by pmid, subject_start"
FOUND = [
    (1, "induces", "Paracetamol", PARACETAMOL, "myocardial infarction", INFARCTION),
    (1, "induces", "APAP", PARACETAMOL, "myocardial infarction", INFARCTION),
    (2, "inhibits", "Gefitinib", GEFITINIB, "EGFR", EGFR),
    (2, "induces", "Gefitinib", GEFITINIB, "breast and ovarian cancer", "MESH:D001943|MESH:D010051"),
    (3, "associated_with", "p53", P53, "BRCA1", BRCA1),
    (4, "induces", "Aspirin", "MINE:1", "zzyzx syndrome", None),
]


VIEWS = "relations", "all_relations", "document_relations", "entities"


def rows(lake: Path, view: str = "relations") -> list[tuple[Any, ...]]:
    return Lake(lake).rows(f"{ROWS.format(view)}, object_start")


def annotate(run: Run, made: RelatedLake, *more: object) -> CompletedProcess[str]:
    ran = run("annotate", "--lake", made.lake, "--model", made.model, *more)
    assert ran.returncode == DONE, ran.stderr
    return ran


def coverage(lake: Path) -> list[tuple[Any, ...]]:
    """Model, whether active, texts read and unread of the relation models."""
    query = "select model, active, texts_read, texts_unread from coverage where task = 'relations' order by all"
    return Lake(lake).rows(query)


def test_relations_have_evidence_and_the_identifiers_of_their_inputs(related: RelatedLake) -> None:
    assert rows(related.lake) == FOUND
    found = Lake(related.lake).sql(
        "select relations.*, quote(text, subject_start, subject_end) as s, quote(text, object_start, object_end) as o,"
        " quote(text, evidence_start, evidence_end) as evidence from relations join articles using (pmid)"
    )
    for row in found.to_pylist():
        assert (row["s"], row["o"], row["score"]) == (row["subject"], row["object"], 1.0)
        assert row["subject"] in row["evidence"]
        assert row["object"] in row["evidence"]
        assert row["evidence"].count(".") == 1
    # A protein counts as its gene.
    assert set(Lake(related.lake).rows("select distinct subject_type, object_type from relations")) == set(RELATED)


def test_document_relations_are_pairs_of_identifiers(related: RelatedLake) -> None:
    found = Lake(related.lake).rows(
        "select pmid, relation_type, subject_id, object_id, mention_pairs, subject, asserted, retracted, quote"
        " from document_relations order by pmid, relation_type, object_id"
    )
    first, third = "Paracetamol induced myocardial infarction.", "Gefitinib inhibits EGFR in breast and ovarian cancer."
    assert found == [
        (1, "induces", PARACETAMOL, INFARCTION, 2, "Paracetamol", True, False, first),
        (2, "induces", GEFITINIB, "MESH:D001943", 1, "Gefitinib", True, False, third),
        (2, "induces", GEFITINIB, "MESH:D010051", 1, "Gefitinib", True, False, third),
        (2, "inhibits", GEFITINIB, EGFR, 1, "Gefitinib", True, False, third),
        # Of one type, the first identifier by name is the subject.
        (3, "associated_with", BRCA1, P53, 1, "BRCA1", True, False, "The genes p53 and BRCA1 interact."),
    ]


def test_the_catalogue_shows_the_same(related: RelatedLake) -> None:
    Lake.create(related.lake)
    for view in ("relations", "all_relations", "document_relations", "all_document_relations"):
        query = f"from {view} order by all"
        expected = Lake(related.lake).rows(query)
        assert expected, view
        with duckdb.connect(str(related.lake / "lake.duckdb"), read_only=True) as catalogue:
            assert catalogue.execute(query).fetchall() == expected, view


def test_other_links_are_other_inputs(run: Run, copy_related: Callable[[], RelatedLake], tmp_path: Path) -> None:
    made = copy_related()
    (first,) = (one.model for one in Lake(made.lake).active_models() if one.task == "linking")
    before = coverage(made.lake)
    use_genes(run, made.lake, tmp_path)
    relinked = run("annotate", "--lake", made.lake, "--task", "linking")
    assert relinked.returncode == DONE, relinked.stderr
    # The relations still have the identifiers of their own inputs, and everything says so.
    assert rows(made.lake) == FOUND
    said = run("sql", "from document_relations", "--lake", made.lake).stderr
    assert "read other results of earlier models than the views show now, so `relations` is out of date" in said
    assert "out of date" not in run("sql", "from entities", "--lake", made.lake).stderr
    advice = "run `litmine annotate --task relations --model FOLDER`, with the folder of together"
    assert advice in run("status", "--lake", made.lake).stdout
    annotate(run, made)
    assert rows(made.lake) == [
        (*row[:3], row[3] if row[3] in ("MINE:1", BRCA1) else None, row[4], row[5] if row[5] == BRCA1 else None)
        for row in FOUND
    ]
    assert "out of date" not in run("status", "--lake", made.lake).stdout
    assert sorted(row[1] for row in coverage(made.lake)) == [False, True]
    assert len(rows(made.lake, "all_relations")) == 2 * len(FOUND)
    # With the first links, the relations that were made from them are shown again.
    assert run("models", "use", first, "--lake", made.lake).returncode == DONE
    assert rows(made.lake) == FOUND
    assert [row for row in coverage(made.lake) if row[1]] == before
    assert "nothing to do" in annotate(run, made).stderr


def use_genes(run: Run, lake: Path, tmp_path: Path) -> None:
    """Make a lake link to a vocabulary with one gene."""
    (tmp_path / "gene_info").write_text(GENES, encoding="utf-8")
    assert run("vocabulary", "build", "--gene", tmp_path / "gene_info", "-o", tmp_path / "mine").returncode == DONE
    assert run("vocabulary", "use", tmp_path / "mine", "--lake", lake).returncode == DONE


def test_another_tagger_makes_relations_work_to_do(
    run: Run, copy_related: Callable[[], RelatedLake], tmp_path: Path
) -> None:
    made = copy_related()
    second = tmp_path / "second.tsv"
    # One mention that the first list has too, with another identifier, and a new one.
    second.write_text(
        "name\ttype\tidentifier\nEGFR\tGene\tMINE:2\nzzyzx syndrome\tDisease\tMINE:3\n"
        "myocardial infarction\tAdverseEffect\t\n"
    )
    annotate(run, made, "--terms", second)
    # An effect of a drug is linked as a disease.
    effects = "select distinct identifier from entities where entity_type = 'AdverseEffect'"
    assert Lake(made.lake).rows(effects) == [(INFARCTION,)]
    assert rows(made.lake)[-1] == (4, "induces", "Aspirin", "MINE:1", "zzyzx syndrome", "MINE:3")
    assert rows(made.lake)[2] == (2, "inhibits", "Gefitinib", GEFITINIB, "EGFR", f"MINE:2|{EGFR}")
    assert len(rows(made.lake)) == len(FOUND)
    assert sorted(row[1:] for row in coverage(made.lake)) == [(False, 4, 0), (True, 4, 0)]
    # Without the second list, its mentions and their relations are shown no longer.
    assert run("models", "use", identify(str(made.terms)), "--lake", made.lake).returncode == DONE
    assert rows(made.lake) == FOUND


def test_the_task_runs_what_relations_need(run: Run, copy_related: Callable[[], RelatedLake]) -> None:
    made = copy_related()
    add_texts(made.lake, {9: "Aspirin with myocardial infarction."})
    said = run("sql", "from relations", "--lake", made.lake).stderr
    # Said once of each, since a run of the tagger alone finds no relations.
    assert said.count("together@") == said.count("has not read 1 text yet") == 1
    waiting = run("annotate", "--lake", made.lake, "--model", made.model, "--task", "sentences", "--task", "relations")
    assert waiting.returncode == DONE, waiting.stderr
    active = Lake(made.lake).active_models()
    taggers = {one.model.partition("@")[0] for one in active if one.task == "ner"}
    spec = spec_by_name("relations")
    assert {BUILTIN, "builtin-variants", BUILTIN_LINKER} <= set(spec.needs)
    assert taggers == {"tagged", *spec.needs} - {BUILTIN_LINKER}
    assert {"builtin", "tagged"} <= {one.inputs.partition("@")[0] for one in active if one.task == "linking"}
    assert needed_models(Lake(made.lake), [spec]) == spec.needs
    assert (9, "induces", "Aspirin", "MESH:D001241|MINE:1", "myocardial infarction", INFARCTION) in rows(made.lake)
    assert [row[1:] for row in coverage(made.lake) if row[1]] == [(True, 5, 0)]
    # Plain annotate neither needs nor touches relations.
    add_texts(made.lake, {10: "Aspirin."})
    assert run("annotate", "--lake", made.lake).returncode == DONE
    assert [row[1:] for row in coverage(made.lake) if row[1]] == [(True, 5, 1)]
    # A further tagger that somebody chose to leave out stays out; the tagger and the linker are always needed.
    (builtin,) = (one.model for one in active if one.model.startswith("builtin@"))
    assert run("models", "use", builtin, identify(str(made.terms)), "--lake", made.lake).returncode == DONE
    assert needed_models(Lake(made.lake), [spec]) == (BUILTIN, BUILTIN_LINKER)


def test_a_text_that_failed_upstream_fails_with_the_reason(
    run: Run, copy_related: Callable[[], RelatedLake], fragile_model: Path
) -> None:
    made = copy_related()
    add_texts(made.lake, {9: "A zymurgy with aspirin."})
    ran = run("annotate", "--lake", made.lake, "--model", fragile_model, "--model", made.model)
    assert ran.returncode == NEW_GAPS, ran.stderr
    assert ran.stderr.count("PMID 9") == 1
    gaps = Lake(made.lake).rows("select distinct task, pmid, why from gaps where task <> 'ner' order by task")
    (reason,) = {why for (why,) in Lake(made.lake).rows("select why from gaps where task = 'ner'")}
    assert gaps == [("linking", 9, reason), ("relations", 9, reason)]


def test_two_models_side_by_side(run: Run, copy_related: Callable[[], RelatedLake], tmp_path: Path) -> None:
    made = copy_related()
    across = tmp_path / "across"
    save_cooccurrence(across, CooccurrenceSettings({("Chemical", "Gene"): "inhibits"}, max_sentences=None))
    assert run("annotate", "--lake", made.lake, "--model", across).returncode == DONE
    of_across = [
        FOUND[2],
        (3, "inhibits", "Gefitinib", GEFITINIB, "p53", P53),
        (3, "inhibits", "Gefitinib", GEFITINIB, "BRCA1", BRCA1),
        (3, "inhibits", "Gefitinib", GEFITINIB, "EGFR", EGFR),
    ]
    assert rows(made.lake) == of_across
    assert sorted(rows(made.lake, "all_relations")) == sorted([*FOUND, *of_across])
    quotes = "select quote from document_relations where pmid = 3 order by evidence_start, evidence_end"
    text = "The genes p53 and BRCA1 interact. Gefitinib was given."
    assert Lake(made.lake).rows(quotes) == [(text,), (text,), ("Gefitinib was given. EGFR was measured.",)]
    assert run("models", "use", identify(str(made.model)), "--lake", made.lake).returncode == DONE
    assert rows(made.lake) == FOUND
    status = run("status", "--lake", made.lake).stdout
    assert (status.count("(relations, active)"), status.count("(relations)")) == (1, 1)


def test_merges_keep_models_and_inputs_apart(run: Run, copy_related: Callable[[], RelatedLake]) -> None:
    made = copy_related()
    add_texts(made.lake, {2: "Only gefitinib now.", 9: "APAP and EGFR."})
    add_texts(made.lake, dict.fromkeys(range(11, 23), "Nothing to find."))
    expected = [row for row in FOUND if row[0] != 2] + [(9, "inhibits", "APAP", PARACETAMOL, "EGFR", EGFR)]
    annotate(run, made)
    assert rows(made.lake) == expected
    before = {view: Lake(made.lake).rows(f"from {view} order by all") for view in VIEWS}
    assert all(before.values())
    compact(Lake(made.lake))
    assert len(Lake(made.lake).parts()) == 1
    assert {view: Lake(made.lake).rows(f"from {view} order by all") for view in VIEWS} == before
    assert "nothing to do" in annotate(run, made).stderr
    doctor = run("doctor", "--lake", made.lake, "--deep")
    assert (doctor.returncode, "wrong" in doctor.stdout) == (DONE, False), doctor.stdout


def test_the_order_of_imports_and_the_size_of_parts_have_no_effect(related: RelatedLake, tmp_path: Path) -> None:
    query = "from document_relations order by all"
    orders = {"one by one": [[3], [1], [4], [2]], "in pairs": [[4, 2], [3, 1]]}
    for name, order in orders.items():
        lake = tmp_path / name / "lake"
        lake.parent.mkdir()
        for pmids in order:
            add_texts(lake, {pmid: TEXTS[pmid] for pmid in pmids})
        run_models(Lake(lake), [str(related.model)], Executor(), terms=[related.terms], follow_up=True)
        assert rows(lake) == FOUND
        assert Lake(lake).rows(query) == Lake(related.lake).rows(query)


@pytest.mark.parametrize("steps", [2, 11, *(pytest.param(steps, marks=pytest.mark.soak) for steps in range(3, 11))])
def test_kills_lose_and_double_nothing(run: Run, copy_related: Callable[[], RelatedLake], steps: int) -> None:
    made = copy_related()
    shutil.rmtree(made.lake / "relations")
    shutil.rmtree(made.lake / "links")
    words = ["annotate", "--lake", str(made.lake), "--model", str(made.model), "--terms", str(made.terms)]
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_COMMAND, str(steps), *words], check=False, env=os.environ, capture_output=True
    )
    assert ran.returncode in (DONE, -signal.SIGKILL)
    assert set(rows(made.lake)) <= set(FOUND)
    annotate(run, made)
    assert rows(made.lake) == FOUND


def test_a_model_folder_that_relates_nothing_is_refused(run: Run, related: RelatedLake, tmp_path: Path) -> None:
    turned = '{"subject_type": "Gene", "object_type": "Chemical", "relation_type": "inhibits"}'
    for content, why in (
        ('{"task": "relations", "kind": "other"}', "of the kind 'other'"),
        ('{"task": "relations", "kind": "cooccurrence", "network": false}', "relates nothing"),
        (f'{{"task": "relations", "kind": "cooccurrence", "relations": [{turned}]}}', "make Chemical the subject"),
    ):
        folder = tmp_path / "wrong"
        folder.mkdir(exist_ok=True)
        (folder / "litmine.json").write_text(content)
        ran = run("annotate", "--lake", related.lake, "--model", folder)
        assert (ran.returncode, why in ran.stderr) == (FAILED, True), ran.stderr
