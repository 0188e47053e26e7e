"""Term lists end to end: beside a network, changed, killed, copied, compacted, exported, evaluated and in jobs."""

import json
import os
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

from litmine import Lake, load_model, load_terms
from litmine.errors import DONE, FAILED, WRONG_USAGE, ModelError
from litmine.pipeline.compact import compact
from litmine.pipeline.import_files import import_files
from litmine.tasks.registry import identify

Run = Callable[..., CompletedProcess[str]]
ONLY_LISTS = "--task", "sentences"
TEXTS = [
    "Penicillin allergy is common. Penicillins and IL-2 were given, and na\u00efve \U0001d6fc-blockers.",
    "An \u03b1-blocker and aspirin-induced asthma in 2019.",
    "Nothing is known about ASA or interleukin 2.",
    "Lead is a metal.",
]
LIST = """name\ttype\tidentifier\tsynonyms
penicillin\tDrug\tMESH:D010406\tPCN
alpha blocker\tDrug\tMESH:D000317|X:1\t
aspirin\tDrug\tMESH:D001241\tacetylsalicylic acid|ASA
IL-2\tGene\tNCBIGene:3558\tinterleukin-2
asthma\tDisease\t\t
"""
FOUND = [
    (1, 0, 10, "Penicillin", "Drug", 1.0, "MESH:D010406"),
    (1, 30, 41, "Penicillins", "Drug", 1.0, "MESH:D010406"),
    (1, 46, 50, "IL-2", "Gene", 1.0, "NCBIGene:3558"),
    (1, 73, 83, "\U0001d6fc-blockers", "Drug", 1.0, "MESH:D000317|X:1"),
    (2, 3, 12, "\u03b1-blocker", "Drug", 1.0, "MESH:D000317|X:1"),
    (2, 17, 24, "aspirin", "Drug", 1.0, "MESH:D001241"),
    (2, 33, 39, "asthma", "Disease", 1.0, None),
    (3, 23, 26, "ASA", "Drug", 1.0, "MESH:D001241"),
    (3, 30, 43, "interleukin 2", "Gene", 1.0, "NCBIGene:3558"),
]
ROWS = "select pmid, start_char, end_char, mention, entity_type, score, identifier from {} order by all"


@pytest.fixture
def watchlist(tmp_path: Path) -> Path:
    """A term list."""
    file = tmp_path / "watchlist.tsv"
    file.write_text(LIST, encoding="utf-8")
    return file


@pytest.fixture
def small_lake(tmp_path: Path) -> Path:
    """A lake of four texts in two parts."""
    add_texts(tmp_path / "small", dict(enumerate(TEXTS, 1)))
    return tmp_path / "small"


def add_texts(lake: Path, texts: dict[int, str]) -> None:
    file = lake.with_name(f"texts-{min(texts)}.jsonl")
    lines = [{"pmid": pmid, "title": text, "abstract": None} for pmid, text in texts.items()]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_files(lake, [file], part_size=2)


def rows(lake: Path, view: str = "entities") -> list[tuple[Any, ...]]:
    return Lake(lake).rows(ROWS.format(view))


def annotate_by(run: Run, lake: Path, *arguments: object) -> str:
    ran = run("annotate", "--lake", lake, *arguments)
    assert ran.returncode == DONE, ran.stderr
    return ran.stderr


def test_a_list_is_found_with_its_identifiers_and_only_once(run: Run, small_lake: Path, watchlist: Path) -> None:
    said = annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    model = identify(str(watchlist))
    assert f"4 texts read, 9 entities found by {model}" in said
    assert rows(small_lake) == FOUND
    assert f"read by {model}\n" in annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    assert len(Lake(small_lake).rows("from terms")) == 9
    ran = run("doctor", "--lake", small_lake, "--deep")
    assert (ran.returncode, "wrong" in ran.stdout) == (DONE, False), ran.stdout


def test_a_list_stands_beside_a_network(run: Run, annotated_copy: Path, tiny_model: Path, tmp_path: Path) -> None:
    lake, network = Lake(annotated_copy), identify(str(tiny_model))
    before = lake.rows("from entities order by all")
    types = "select distinct entity_type from entities order by 1"
    file = tmp_path / "mine.tsv"
    file.write_text("name\ttype\tidentifier\nasthma\tDisease\tX:1\nstudy design\tMethod\tX:2\n", encoding="utf-8")
    said = annotate_by(run, annotated_copy, "--task", "ner", "--model", tiny_model, "--terms", file)
    assert f"entities shows all types of {network} and all types of {identify(str(file))}" in said
    assert "no longer shows" not in said
    assert lake.rows(f"from entities where model = '{network}' order by all") == before
    assert ("X:1",) in lake.rows("select distinct identifier from entities where identifier is not null")
    assert {kind for (kind,) in lake.rows(types)} >= {"Disease", "Chemical"}
    # A run without the list keeps it, and so does a run of the list without the network.
    active = [(network, None), (identify(str(file)), None)]
    for arguments in (("--task", "ner", "--model", tiny_model), (*ONLY_LISTS, "--terms", file)):
        assert "nothing to do" in annotate_by(run, annotated_copy, *arguments)
        assert [(one.model, one.types) for one in lake.active_models() if one.task == "ner"] == active


def test_an_active_list_reads_new_texts_without_its_file(run: Run, small_lake: Path, watchlist: Path) -> None:
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    watchlist.unlink()
    copy = Path(shutil.copytree(small_lake, small_lake.with_name("copy")))
    shutil.rmtree(small_lake)
    add_texts(copy, {7: "More penicillin."})
    ran = run("status", "--lake", copy)
    assert "has not read 1 text yet; run `litmine annotate`\n" in ran.stdout
    annotate_by(run, copy, *ONLY_LISTS)
    assert rows(copy) == [*FOUND, (7, 5, 15, "penicillin", "Drug", 1.0, "MESH:D010406")]
    assert "has not read" not in run("status", "--lake", copy).stdout


def test_a_changed_list_replaces_the_earlier_one_of_its_name(run: Run, small_lake: Path, watchlist: Path) -> None:
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    first = identify(str(watchlist))
    other = watchlist.with_name("other.tsv")
    other.write_text("name\ttype\tidentifier\nmetal\tMaterial\tM\n", encoding="utf-8")
    watchlist.write_text("name\ttype\tidentifier\nallergy\tDisease\tD\n", encoding="utf-8")
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist, "--terms", other)
    assert rows(small_lake) == [
        (1, 11, 18, "allergy", "Disease", 1.0, "D"),
        (4, 10, 15, "metal", "Material", 1.0, "M"),
    ]
    assert len(rows(small_lake, "all_entities")) == 2 + len(FOUND)
    said = run("models", "use", f"{first}:Gene", other, "--lake", small_lake).stderr
    assert f"entities shows Gene of {first} and all types of {identify(str(other))}" in said
    assert [one[3] for one in rows(small_lake)] == ["IL-2", "interleukin 2", "metal"]
    # A list that is not active reads nothing more.
    add_texts(small_lake, {8: "Allergy to IL-2."})
    annotate_by(run, small_lake, *ONLY_LISTS)
    assert [one[3] for one in rows(small_lake, "all_entities") if one[0] == 8] == ["IL-2"]


def test_the_order_of_the_rows_and_where_a_synonym_stands_do_not_matter(tmp_path: Path) -> None:
    lines = LIST.splitlines()
    names = []
    for number, content in enumerate(
        [
            LIST,
            "\n".join([lines[0], *reversed(lines[1:])]),
            LIST.replace("\tPCN\n", "\t\n") + "PCN\tDrug\tMESH:D010406\nPCN\tDrug\tMESH:D010406\n",
            LIST.replace("\n", "\r\n"),
            "\n".join("\t".join(reversed(line.split("\t"))) for line in lines),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        file = tmp_path / str(number) / "watchlist.tsv"
        file.write_bytes(content.encode("utf-16" if number == 1 else "utf-8"))
        names.append(load_terms(file).name)
    assert len(set(names)) == 1, names


def test_a_killed_run_is_completed_by_the_next(
    run: Run, start: Callable[..., Any], small_lake: Path, watchlist: Path, pause_before: Callable[..., Any]
) -> None:
    words = ("annotate", "--lake", small_lake, *ONLY_LISTS, "--terms", watchlist)
    second_target = pause_before("*/entities/*/[!_]*.parquet", 1)
    process = start(*words, **second_target.environment)
    second_target.wait(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=300)
    assert rows(small_lake) == []
    assert 0 < len(rows(small_lake, "all_entities")) < len(FOUND)
    annotate_by(run, *words[2:3], *words[3:])
    assert rows(small_lake) == rows(small_lake, "all_entities") == FOUND


def test_compaction_merges_what_a_list_has_read(
    run: Run, annotated_copy: Path, tiny_model: Path, watchlist: Path
) -> None:
    lake = Lake(annotated_copy)
    watchlist.write_text("name\ttype\tidentifier\nasthma\tDisease\tX:1\n", encoding="utf-8")
    annotate_by(run, annotated_copy, "--model", tiny_model, "--terms", watchlist)
    before, parts = rows(annotated_copy), len(lake.parts())
    assert any(one[-1] is not None for one in before)
    compact(lake)
    assert len(lake.parts()) < parts
    assert rows(annotated_copy) == before
    assert "nothing to do" in annotate_by(run, annotated_copy, "--model", tiny_model)


def test_exports_carry_the_identifiers(run: Run, small_lake: Path, watchlist: Path) -> None:
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    exports = {
        form: run("export", "--lake", small_lake, "--format", form).stdout for form in ("pubtator", "bioc", "jsonl")
    }
    assert "2\t17\t24\taspirin\tDrug\tMESH:D001241\n" in exports["pubtator"]
    assert "2\t33\t39\tasthma\tDisease\t-\n" in exports["pubtator"]
    annotations = json.loads(exports["bioc"])["documents"][1]["passages"][0]["annotations"]
    assert [one["infons"]["identifier"] for one in annotations] == ["MESH:D000317|X:1", "MESH:D001241", None]
    (second,) = (json.loads(line) for line in exports["jsonl"].splitlines() if json.loads(line)["pmid"] == 2)
    assert [one["identifier"] for one in second["entities"]] == ["MESH:D000317|X:1", "MESH:D001241", None]


def test_torch_is_not_imported_where_only_lists_and_rules_are_left(
    annotated_copy: Path, tiny_model: Path, watchlist: Path
) -> None:
    arguments = ["annotate", "--lake", annotated_copy, "--model", tiny_model, "--terms", watchlist]
    command = [sys.executable, "-X", "importtime", "-m", "litmine", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "102 texts read, " in ran.stderr
    assert f"found by {identify(str(watchlist))}" in ran.stderr
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")}
    assert "litmine.runtime.worker" in imported
    assert not imported & {"torch", "transformers", "ray"}


def test_workers_on_ray_find_the_list_in_the_lake(run: Run, small_lake: Path, watchlist: Path, with_ray: None) -> None:  # noqa: ARG001
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist, "--workers", 1)
    assert rows(small_lake) == FOUND


def test_queries_of_the_page_have_rows(run: Run, small_lake: Path, watchlist: Path) -> None:
    annotate_by(run, small_lake, *ONLY_LISTS, "--terms", watchlist)
    page = (Path(__file__).parents[2] / "docs" / "terms.md").read_text(encoding="utf-8")
    flags = re.MULTILINE | re.DOTALL
    queries = re.findall(r"^```sql\n(.*?)^```", page, flags) + re.findall(r'^\$ litmine sql "(.*?)"', page, flags)
    assert len(queries) == 2
    assert all(Lake(small_lake).sql(query).num_rows > 2 for query in queries)


def test_a_list_has_no_card(run: Run, watchlist: Path) -> None:
    shown = run("models", "show", watchlist).stdout
    assert shown == f"{identify(str(watchlist))}\n\n{watchlist} has no model card\n"


def test_in_python(watchlist: Path) -> None:
    terms = load_terms(watchlist)
    assert terms.entity_types == ["Disease", "Drug", "Gene"]
    ((one, *_),) = terms.annotate([TEXTS[1]])
    assert (one.mention, one.identifier, one.score) == ("\u03b1-blocker", "MESH:D000317|X:1", 1.0)
    with pytest.raises(TypeError, match=r"write annotate\(\[text\]\)"):
        terms.annotate(TEXTS[1])
    with pytest.raises(ModelError, match=r"is a term list; load it with litmine\.load_terms"):
        load_model(str(watchlist))


def test_a_list_is_evaluated_as_any_model(run: Run, tmp_path: Path) -> None:
    file, data = tmp_path / "mine.tsv", tmp_path / "gold.tsv"
    file.write_text("name\ttype\tidentifier\nasthma\tDisease\t\n", encoding="utf-8")
    data.write_text("An\tO\nasthma\tB-Disease\n\nan\tO\nallergy\tB-Disease\n", encoding="utf-8")
    ran = run("evaluate", "ner", "--model", file, "--data", data, "--format", "json")
    scores = json.loads(ran.stdout)["micro"]
    assert (scores["precision"], scores["recall"]) == (100, 50)
    ran = run("evaluate", "ner", "--model", file, "--data", data, "--head", "x")
    assert (ran.returncode, "is a term list and has no heads" in ran.stderr) == (FAILED, True)


def test_a_job_takes_lists(run: Run, small_lake: Path, watchlist: Path, tmp_path: Path) -> None:
    job = tmp_path / "mine.toml"
    job.write_text(f"models = []\nterms = ['{watchlist}']\n", encoding="utf-8")
    forecast = run("run", job, "--lake", small_lake, "--dry-run")
    assert "4 unread texts to read" in forecast.stdout + forecast.stderr
    ran = run("run", job, "--lake", small_lake)
    assert ran.returncode == DONE, ran.stderr
    # A job links too: the list gives asthma no identifier.
    linked = [(*row[:-1], "MESH:D001249") if row[3] == "asthma" else row for row in FOUND]
    assert rows(small_lake) == linked


def test_what_cannot_be_done_is_said(run: Run, small_lake: Path, watchlist: Path, tmp_path: Path) -> None:
    ran = run("annotate", "--lake", small_lake, "--terms", tmp_path / "none.tsv")
    assert (ran.returncode, "none.tsv cannot be read (No such file or directory)" in ran.stderr) == (FAILED, True)
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "watchlist.tsv"
    other.write_text("name\ttype\tidentifier\nallergy\tDisease\tD\n", encoding="utf-8")
    ran = run("annotate", "--lake", small_lake, *ONLY_LISTS, "--terms", watchlist, "--terms", other)
    assert (ran.returncode, "two term lists are named watchlist; rename" in ran.stderr) == (FAILED, True)
    ran = run("annotate", "--lake", small_lake, "--terms", watchlist, "--questions", "q.jsonl")
    assert (ran.returncode, "--terms cannot be used with --questions" in ran.stderr) == (WRONG_USAGE, True)
    assert rows(small_lake, "all_entities") == []
