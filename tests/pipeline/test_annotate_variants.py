"""The built-in rules for variants end to end: by default, chosen, divided with other models, exported, evaluated."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED
from litmine.pipeline.choose_models import default_models, use_models
from litmine.pipeline.import_files import import_files
from litmine.specs import annotate_advice, spec_by_name
from litmine.tasks.registry import find_model, has_network, identify, load_task_model, model_types

Run = Callable[..., CompletedProcess[str]]
VARIANTS = "builtin-variants"
TEXTS = [
    "BRAF V600E in melanoma, naïve 𝛼 p.Val600Glu.",
    "Nothing is known.",
    "rs1042522 and c.35delG; a 32-bp deletion.",
]
FOUND = [
    (1, 5, 10, "V600E", "Variant", 1.0, "HGVS:p.V600E"),
    (1, 32, 43, "p.Val600Glu", "Variant", 1.0, "HGVS:p.V600E"),
    (3, 0, 9, "rs1042522", "Variant", 1.0, "dbSNP:rs1042522"),
    (3, 14, 22, "c.35delG", "Variant", 1.0, "HGVS:c.35del"),
    (3, 26, 40, "32-bp deletion", "Variant", 1.0, None),
]
ROWS = (
    "select pmid, start_char, end_char, mention, entity_type, score, identifier from entities"
    " where entity_type = 'Variant' order by all"
)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of three texts in two parts."""
    file = tmp_path / "texts.jsonl"
    lines = [{"pmid": pmid, "title": text, "abstract": None} for pmid, text in enumerate(TEXTS, 1)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_files(tmp_path / "small", [file], part_size=2)
    return tmp_path / "small"


def annotate(run: Run, lake: Path, *arguments: object) -> str:
    ran = run("annotate", "--lake", lake, *arguments)
    assert ran.returncode == DONE, ran.stderr
    return ran.stderr


def active(lake: Path) -> list[str]:
    return [one.model for one in Lake(lake).active_models() if one.task == "ner"]


def test_the_rules_run_beside_the_built_in_network(run: Run, lake: Path) -> None:
    said = annotate(run, lake)
    assert "2 of 2 parts done: 3 texts read" in said
    assert f"found by {identify('builtin')}, {identify(VARIANTS)}, {identify('builtin-linker')} on cpu" in said
    # The rules give identifiers themselves, so the linker has nothing to do there.
    assert [one.inputs for one in Lake(lake).active_models() if one.task == "linking"] == [identify("builtin")]
    assert "shows" not in said
    assert Lake(lake).rows(ROWS) == FOUND
    assert active(lake) == [identify("builtin"), identify(VARIANTS)]
    assert "nothing to do" in annotate(run, lake)
    assert default_models(Lake(lake), [spec_by_name("ner")]) == ("builtin", VARIANTS)
    ran = run("doctor", "--lake", lake, "--deep")
    assert (ran.returncode, "wrong" in ran.stdout) == (DONE, False), ran.stdout
    # Somebody who chooses the network alone does not get the rules back.
    use_models(Lake(lake), ["builtin"])
    assert "nothing to do" in annotate(run, lake)
    assert active(lake) == [identify("builtin")]


def test_a_lake_of_the_network_alone_gets_the_rules_without_the_network(run: Run, lake: Path) -> None:
    annotate(run, lake, "--model", "builtin")
    before = Lake(lake).rows("from entities order by all")
    assert Lake(lake).rows(ROWS) == []
    command = [sys.executable, "-X", "importtime", "-m", "litmine", "annotate", "--lake", str(lake)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"2 of 2 parts done: 3 texts read, 5 entities found by {identify(VARIANTS)} on" in ran.stderr
    assert f"all types of {identify(VARIANTS)}" in ran.stderr
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")}
    assert not imported & {"torch", "transformers"}
    assert Lake(lake).rows(ROWS) == FOUND
    assert Lake(lake).rows("from entities where entity_type <> 'Variant' order by all") == before


def test_the_rules_alone(run: Run, lake: Path) -> None:
    said = annotate(run, lake, "--model", VARIANTS)
    assert f"2 of 2 parts done: 3 texts read, 5 entities found by {identify(VARIANTS)} on" in said
    assert Lake(lake).rows(ROWS) == FOUND


def test_another_model_of_the_type_keeps_it(run: Run, lake: Path, tiny_model: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny_model, tmp_path / "other"))
    settings = other / "litmine.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace("Disease", "Variant"), encoding="utf-8")
    if "Variant" not in model_types(str(other)):
        pytest.fail("the model has no type Variant")
    annotate(run, lake, "--model", other)
    found = Lake(lake).rows("select count(*) from entities where entity_type = 'Variant'")[0][0]
    refs = default_models(Lake(lake), [spec_by_name("ner")])
    assert refs == (("builtin",) if found else ("builtin", VARIANTS))
    # Named explicitly, the rules take the type over, as any model does.
    annotate(run, lake, "--model", VARIANTS)
    assert Lake(lake).rows(ROWS) == FOUND


def test_exports_carry_the_identifiers(run: Run, lake: Path) -> None:
    annotate(run, lake, "--model", VARIANTS)
    pubtator = run("export", "--lake", lake, "--format", "pubtator").stdout
    assert "1\t5\t10\tV600E\tVariant\tHGVS:p.V600E\n" in pubtator
    assert "3\t26\t40\t32-bp deletion\tVariant\t-\n" in pubtator
    bioc = json.loads(run("export", "--lake", lake, "--format", "bioc").stdout)
    annotations: list[dict[str, Any]] = bioc["documents"][0]["passages"][0]["annotations"]
    assert [one["infons"]["identifier"] for one in annotations] == ["HGVS:p.V600E", "HGVS:p.V600E"]


def test_the_rules_are_a_model_as_any(run: Run, tmp_path: Path) -> None:
    assert f"{identify(VARIANTS)}\t{VARIANTS}\tner\n" in run("models", "list").stdout
    shown = run("models", "show", VARIANTS).stdout
    assert shown.startswith(f"{identify(VARIANTS)}\n\n# builtin-variants")
    assert "tmVar 3" in shown
    spec, folder, _ = find_model(VARIANTS)
    assert (spec.name, has_network(spec, folder), model_types(VARIANTS)) == ("ner", False, ("Variant",))
    assert annotate_advice("entities", identify(VARIANTS)) == "run `litmine annotate`"
    ((one,),) = load_task_model(VARIANTS, "ner").annotate(["a Val66Met b"])
    assert (one.mention, one.identifier, one.score) == ("Val66Met", "HGVS:p.V66M", 1.0)
    data = tmp_path / "gold.pubtator"
    data.write_text("1|t|V600E and ATM\n1|a|None.\n1\t0\t5\tV600E\tVariant\t-\n1\t10\t13\tATM\tVariant\t-\n")
    ran = run("evaluate", "ner", "--model", VARIANTS, "--data", data, "--format", "json")
    scores = json.loads(ran.stdout)["micro"]
    assert (scores["precision"], scores["recall"]) == (100, 50)
    ran = run("evaluate", "ner", "--model", VARIANTS, "--data", data, "--head", "x")
    assert (ran.returncode, "has no heads" in ran.stderr) == (FAILED, True)
