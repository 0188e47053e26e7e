"""Linking end to end: identifiers beside the mentions, new vocabularies and linkers, kills, copies and exports."""

import json
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
import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED, WRONG_USAGE
from litmine.lake.targets import TargetSet
from litmine.pipeline.compact import compact
from litmine.pipeline.import_files import import_files
from litmine.schema import arrow_schema
from litmine.tasks.registry import identify
from litmine.vocabulary.catalogue import open_vocabulary
from tests.fixtures.killed_command import KILLED_COMMAND

Run = Callable[..., CompletedProcess[str]]
# A term list without identifiers is a tagger whose mentions a test can predict.
TAGGED = "name\ttype\tidentifier\n" + "".join(
    f"{name}\t{kind}\t{identifier}\n"
    for name, kind, identifier in (
        ("paracetamol", "Chemical", ""),
        ("acetaminophen", "Chemical", ""),
        ("APAP", "Chemical", ""),
        ("aspirin", "Chemical", "MINE:1"),
        ("MI", "Disease", ""),
        ("myocardial infarction", "Disease", ""),
        ("mitral insufficiency", "Disease", ""),
        ("breast and ovarian cancer", "Disease", ""),
        ("zzyzx syndrome", "Disease", ""),
        ("p53", "Protein", ""),
        ("study", "Method", ""),
    )
)
TEXTS = {
    1: "Paracetamol, acetaminophen and APAP. Aspirin in this study.",
    2: "Patients with myocardial infarction (MI). MI was severe.",
    3: "Severe mitral insufficiency (MI). The MI was corrected.",
    4: "Breast and ovarian cancer, zzyzx syndrome and p53 in human cells.",
}
PARACETAMOL, INFARCTION, INSUFFICIENCY = "MESH:D000082", "MESH:D009203", "MESH:D008944"
LINKED = [
    (1, "Paracetamol", PARACETAMOL),
    (1, "acetaminophen", PARACETAMOL),
    (1, "APAP", PARACETAMOL),
    (1, "Aspirin", "MINE:1"),
    (1, "study", None),
    (2, "myocardial infarction", INFARCTION),
    (2, "MI", INFARCTION),
    (2, "MI", INFARCTION),
    (3, "mitral insufficiency", INSUFFICIENCY),
    (3, "MI", INSUFFICIENCY),
    (3, "MI", INSUFFICIENCY),
    (4, "Breast and ovarian cancer", "MESH:D001943|MESH:D010051"),
    (4, "zzyzx syndrome", None),
    (4, "p53", "NCBIGene:7157"),
]
ROWS = "select pmid, mention, identifier from {} order by pmid, start_char"
TASKS = "--task", "sentences", "--task", "linking"
GENES = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tchromosome\tmap_location\tdescription\ttype_of_gene\n"
    "9606\t7157\tTP53\t-\tP53|LFS1\t-\t17\t-\ttumor protein p53\tprotein-coding\n"
)


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of four texts in two parts, tagged by a term list and linked."""
    folder = tmp_path_factory.mktemp("linked")
    (folder / "tagged.tsv").write_text(TAGGED, encoding="utf-8")
    add_texts(folder / "lake", TEXTS)
    litmine("annotate", "--lake", folder / "lake", *TASKS, "--terms", folder / "tagged.tsv")
    return folder / "lake"


@pytest.fixture
def lake(linked: Path, tmp_path: Path) -> Path:
    """A copy of the linked lake."""
    return Path(shutil.copytree(linked, tmp_path / "lake"))


def litmine(*arguments: object) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "litmine", *map(str, arguments)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == DONE, ran.stderr
    return ran


def add_texts(lake: Path, texts: dict[int, str]) -> None:
    file = lake.with_name(f"texts-{min(texts)}.jsonl")
    lines = [{"pmid": pmid, "title": text, "abstract": None} for pmid, text in texts.items()]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_files(lake, [file], part_size=2)


def status_of(lake: Path) -> str:
    return litmine("status", "--lake", lake).stdout


def rows(lake: Path, view: str = "entities") -> list[tuple[Any, ...]]:
    return Lake(lake).rows(ROWS.format(view))


def linker_of(lake: Path) -> str:
    (linker,) = (one.model for one in Lake(lake).active_models() if one.task == "linking")
    return linker


def make_vocabulary(run: Run, tmp_path: Path, name: str = "mine", more: str = "") -> str:
    (tmp_path / "gene_info").write_text(GENES + more, encoding="utf-8")
    built = run("vocabulary", "build", "--gene", tmp_path / "gene_info", "-o", tmp_path / name)
    assert built.returncode == DONE, built.stderr
    return str(tmp_path / name)


def test_mentions_get_identifiers_and_those_of_a_list_stay(lake: Path) -> None:
    assert rows(lake) == LINKED
    linker = linker_of(lake)
    assert linker == identify("builtin-linker")
    found = Lake(lake).rows("select mention, identifier, identifier_score, linker from entities")
    for mention, identifier, score, by in found:
        if identifier is None or mention == "Aspirin":
            assert (score, by) == (None, None), mention
        else:
            assert 0 < score <= 1, mention
            assert by == linker, mention


def test_a_linked_target_repeats_the_rows_of_the_tagger(lake: Path) -> None:
    opened = Lake(lake)
    (tagger,) = (one.model for one in opened.active_models() if one.task == "ner")
    shared = [name for name in arrow_schema("entities").names if name != "identifier"]
    for part in opened.parts():
        read = []
        for targets in (TargetSet("entities", tagger), TargetSet("links", linker_of(lake), tagger)):
            file = pq.ParquetFile(targets.target_path(lake, part))
            read.append(file.read().select(shared).to_pylist())
        assert read[0] == read[1]
        assert read[0]


def test_the_catalogue_shows_the_same(lake: Path) -> None:
    Lake.create(lake)
    for view in ("entities", "all_entities", "links", "concepts", "vocabularies"):
        query = f"from {view} order by all"
        expected = Lake(lake).rows(query)
        assert expected, view
        with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as catalogue:
            assert catalogue.execute(query).fetchall() == expected, view


def test_concepts_count_mentions_and_articles(lake: Path) -> None:
    found = Lake(lake).sql("select * from concepts order by identifier").to_pylist()
    by_identifier = {row["identifier"]: row for row in found}
    counts = {identifier: (row["mentions"], row["articles"]) for identifier, row in by_identifier.items()}
    assert counts == {
        "MESH:D001943": (1, 1),
        "MESH:D010051": (1, 1),
        INFARCTION: (3, 1),
        INSUFFICIENCY: (3, 1),
        PARACETAMOL: (3, 1),
        "MINE:1": (1, 1),
        "NCBIGene:7157": (1, 1),
    }
    known = open_vocabulary()
    for identifier, row in by_identifier.items():
        if identifier == "MINE:1":
            assert (row["name"], row["synonyms"], row["tree_numbers"]) == ("aspirin", [], [])
            continue
        concept = known.find(identifier)
        name, *synonyms = (text for text, _ in known.names_of(concept))
        assert (row["name"], row["synonyms"]) == (name, synonyms)
        assert tuple(row["tree_numbers"]) == known.tree_numbers(concept)
        assert row["vocabulary"] == known.vocabulary_of(concept)
    assert by_identifier[PARACETAMOL]["entity_type"] == "Chemical"
    # A protein is linked to its gene.
    assert by_identifier["NCBIGene:7157"]["entity_type"] == "Gene"


def test_the_copied_vocabulary_is_whole(lake: Path) -> None:
    known = open_vocabulary()
    ((count, names),) = Lake(lake).rows("select count(*), sum(1 + len(synonyms)) from vocabularies")
    assert count > len(known)
    ((count, names),) = Lake(lake).rows(
        "select count(*), sum(1 + len(synonyms)) from vocabularies where vocabulary <> 'training documents'"
    )
    assert count == len(known)
    assert names == sum(section.names for section in known.manifest.sections)
    # Of what the linker learnt beside the vocabulary, each concept has a name.
    learned = Lake(lake).rows("select identifier, name from vocabularies where vocabulary = 'training documents'")
    assert all(known.find_or_none(identifier) is None and name for identifier, name in learned)


def test_another_vocabulary_makes_only_the_links_again(run: Run, lake: Path, tmp_path: Path) -> None:
    first = linker_of(lake)
    vocabulary = make_vocabulary(run, tmp_path)
    assert run("vocabulary", "use", vocabulary, "--lake", lake).returncode == DONE
    builtin = open_vocabulary().reference
    assert f"the links of {first} are to {builtin}, and the vocabulary of this lake is {vocabulary}@" in status_of(lake)
    entities = {file: file.stat().st_mtime_ns for file in lake.glob("entities/*/*.parquet")}
    said = run("annotate", "--lake", lake, *TASKS)
    assert "the links of" not in status_of(lake)
    assert said.returncode == DONE, said.stderr
    assert {file: file.stat().st_mtime_ns for file in lake.glob("entities/*/*.parquet")} == entities
    second = linker_of(lake)
    assert second != first
    genes_only = [(pmid, mention, "MINE:1" if mention == "Aspirin" else None) for pmid, mention, _ in LINKED[:-1]]
    assert rows(lake) == [*genes_only, LINKED[-1]]
    # The links of both stand side by side, and the earlier ones can be shown again.
    assert len(Lake(lake).rows("select distinct model from all_links")) == 2
    # Of two linkers, the last one that is named counts.
    for order in ((second, first), (first, second), (first,)):
        assert run("models", "use", *order, "--lake", lake).returncode == DONE
        assert linker_of(lake) == order[-1]
    assert rows(lake) == LINKED
    # A vocabulary that was built again is another one, which somebody must choose.
    make_vocabulary(run, tmp_path, more="9606\t672\tBRCA1\t-\t-\t-\t17\t-\tBRCA1\tprotein-coding\n")
    refused = run("annotate", "--lake", lake, *TASKS)
    assert refused.returncode == FAILED
    assert f"run `litmine vocabulary use {vocabulary}`" in refused.stderr
    shutil.rmtree(vocabulary)
    gone = run("annotate", "--lake", lake, *TASKS)
    assert gone.returncode == WRONG_USAGE
    assert f"there is no vocabulary {vocabulary}" in gone.stderr
    assert "run `litmine vocabulary use builtin`" in gone.stderr


def test_a_missing_copy_of_the_vocabulary_is_found_and_made_again(run: Run, lake: Path) -> None:
    (copy,) = lake.glob("vocabularies/*@*.parquet")
    size = copy.stat().st_size
    assert run("doctor", "--lake", lake).returncode == DONE
    copy.unlink()
    found = run("doctor", "--lake", lake)
    assert found.returncode == FAILED
    assert f"wrong  vocabularies/{copy.name}: is missing, so `concepts` lacks names" in found.stdout
    assert run("annotate", "--lake", lake, *TASKS).returncode == DONE
    assert copy.stat().st_size == size


def test_a_linker_without_a_tagger_names_the_command_that_has_one(run: Run, tmp_path: Path) -> None:
    add_texts(tmp_path / "lake", TEXTS)
    refused = run("annotate", "--lake", tmp_path / "lake", "--task", "linking", "--model", "builtin")
    assert refused.returncode == FAILED
    assert "run `litmine annotate --model builtin --model builtin-linker` without --task" in refused.stderr


def test_a_branch_may_be_written_in_small_letters(lake: Path) -> None:
    for branch in ("C04", "c04"):
        found = Lake(lake).rows(f"select identifier from concepts where under(tree_numbers, '{branch}') order by 1")
        assert found == [("MESH:D001943",), ("MESH:D010051",)], branch


def test_two_taggers_have_links_of_their_own(run: Run, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "second.tsv"
    file.write_text("name\ttype\tidentifier\nhuman\tSpecies\t\nMI\tDisease\t\n", encoding="utf-8")
    assert run("annotate", "--lake", lake, *TASKS, "--terms", file).returncode == DONE
    second = identify(str(file))
    human = Lake(lake).rows(f"select mention, identifier from entities where model = '{second}' and pmid = 4")
    assert human == [("human", "NCBITaxon:9606")]
    assert len(rows(lake)) == len(LINKED) + 5
    # A list of the lake may be called by its name, also where its file is not.
    assert run("models", "use", "second", "--lake", lake).returncode == DONE
    assert rows(lake) == [row for row in LINKED if row[1] == "MI"] + [(4, "human", "NCBITaxon:9606")]


def test_a_tagger_that_is_not_linked_shows_its_mentions(run: Run, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "tagged.tsv"
    file.write_text(TAGGED.replace("aspirin\t", "ibuprofen\t"), encoding="utf-8")
    assert run("annotate", "--lake", lake, "--task", "sentences", "--terms", file).returncode == DONE
    assert rows(lake) == [(pmid, mention, None) for pmid, mention, _ in LINKED if mention != "Aspirin"]
    # No view, and no warning, speaks of the links of the list that it replaces.
    assert [one for one in Lake(lake).active_models() if one.task == "linking"] == []
    assert Lake(lake).rows("select count(*) from active_models where task = 'linking'") == [(0,)]
    assert "links" not in run("sql", "from entities", "--lake", lake).stderr


def test_new_texts_revisions_and_merges(run: Run, lake: Path) -> None:
    add_texts(lake, {2: "Only paracetamol now.", 9: "APAP and MI (myocardial infarction)."})
    before = run("sql", "from entities", "--lake", lake).stderr
    # The linker lacks what the tagger lacks, which is said once.
    assert before.count("has not read 2 texts") == 1
    assert run("annotate", "--lake", lake, *TASKS).returncode == DONE
    expected = [row for row in LINKED if row[0] != 2]
    expected[5:5] = [(2, "paracetamol", PARACETAMOL)]
    expected += [(9, "APAP", PARACETAMOL), (9, "MI", INFARCTION), (9, "myocardial infarction", INFARCTION)]
    assert rows(lake) == expected
    add_texts(lake, dict.fromkeys(range(11, 23), "Nothing to find."))
    assert run("annotate", "--lake", lake, *TASKS).returncode == DONE
    compact(Lake(lake))
    assert len(Lake(lake).parts()) == 1
    assert rows(lake) == expected
    assert "nothing to do" in run("annotate", "--lake", lake, *TASKS).stderr
    doctor = run("doctor", "--lake", lake, "--deep")
    assert (doctor.returncode, "wrong" in doctor.stdout) == (DONE, False), doctor.stdout
    moved = Path(shutil.move(lake, lake.with_name("moved")))
    assert rows(moved) == expected


def test_exports_carry_identifiers(run: Run, lake: Path) -> None:
    pubtator = run("export", "--lake", lake, "--format", "pubtator").stdout.splitlines()
    assert f"1\t0\t11\tParacetamol\tChemical\t{PARACETAMOL}" in pubtator
    assert "4\t0\t25\tBreast and ovarian cancer\tDisease\tMESH:D001943|MESH:D010051" in pubtator
    lines = [json.loads(line) for line in run("export", "--lake", lake, "--format", "jsonl").stdout.splitlines()]
    assert lines[0]["entities"][0]["identifier"] == PARACETAMOL


@pytest.mark.parametrize("steps", [1, 7, *(pytest.param(steps, marks=pytest.mark.soak) for steps in range(8, 24))])
def test_kills_while_linking_lose_and_double_nothing(run: Run, lake: Path, steps: int) -> None:
    shutil.rmtree(lake / "links")
    shutil.rmtree(lake / "vocabularies")
    command = [sys.executable, "-c", KILLED_COMMAND, str(steps), "annotate", "--lake", str(lake), *TASKS]
    ran = subprocess.run(command, check=False, env=os.environ, capture_output=True)
    assert ran.returncode in (DONE, -signal.SIGKILL)
    mentions = [(pmid, mention) for pmid, mention, _ in LINKED]
    assert [row[:2] for row in rows(lake)] == mentions
    assert run("annotate", "--lake", lake, *TASKS).returncode == DONE
    assert rows(lake) == LINKED
    assert Lake(lake).rows("select count(*) > 400000 from vocabularies") == [(True,)]
