"""The commands `vocabulary list`, `show`, `build` and `use`."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake

Run = Callable[..., CompletedProcess[str]]

OBO = """format-version: 1.2

[Term]
id: MONDO:0005240
name: kidney disorder
synonym: "renal disease" EXACT []
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def obo(tmp_path: Path) -> Path:
    (tmp_path / "mondo.obo").write_text(OBO)
    return tmp_path / "mondo.obo"


def test_build_list_show_and_use(run: Run, obo: Path, home: Path, tmp_path: Path) -> None:
    built = run("vocabulary", "build", "--name", "mine", "--mondo", str(obo))
    reference = built.stderr.splitlines()[-1].split()[0]
    assert reference.startswith("mine@")
    assert (home / "vocabularies" / "mine" / "vocabulary.json").is_file()

    lake = Lake.create(tmp_path / "lake").location
    listed = run("vocabulary", "list", "--lake", str(lake)).stdout.splitlines()
    assert [line[:2] for line in listed] == ["* ", "  "], "the built-in one is the default"
    assert [line[2:].partition("@")[0] for line in listed] == ["builtin", "mine"]
    assert listed[1] == f"  {reference}\t1 concept\t2 names"

    used = run("vocabulary", "use", "mine", "--lake", str(lake))
    assert used.stderr.endswith(f"uses the vocabulary {reference}\n")
    assert f"* {reference}\t" in run("vocabulary", "list", "--lake", str(lake)).stdout
    run("vocabulary", "use", "builtin", "--lake", str(lake))
    listed = run("vocabulary", "list", "--lake", str(lake)).stdout.splitlines()
    assert [line[:2] for line in listed] == ["* ", "  "]

    shown = run("vocabulary", "show", "mine", "Renal Diseases").stdout
    assert shown.startswith("MONDO:0005240\tkidney disorder\n")
    assert built.returncode == used.returncode == 0
    assert f"{reference}\n" in run("vocabulary", "show", "mine").stdout


def test_an_identifier_of_another_database_finds_what_refers_to_it(run: Run, obo: Path) -> None:
    second = "\n[Term]\nid: MONDO:0000002\nname: other disorder\nxref: OMIM:2\nxref: DOID:1\n"
    obo.write_text(f"{OBO}xref: OMIM:1\nxref: DOID:1\n{second}")
    run("vocabulary", "build", "--name", "mine", "--mondo", str(obo))
    assert run("vocabulary", "show", "mine", "OMIM:1").stdout.startswith("MONDO:0005240\tkidney disorder\n")
    assert run("vocabulary", "show", "mine", "DOID:1").stdout.splitlines() == [
        "MONDO:0000002\tother disorder\tDisease\trefers to DOID:1",
        "MONDO:0005240\tkidney disorder\tDisease\trefers to DOID:1",
    ]


def test_a_vocabulary_in_a_folder(run: Run, obo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "somewhere" / "mondo@2024"
    run("vocabulary", "build", "-o", str(folder), "--mondo", str(obo))
    assert run("vocabulary", "show", str(folder), "MONDO:0005240").stdout.startswith("MONDO:0005240\t")
    lake = Lake.create(tmp_path / "lake").location
    run("vocabulary", "use", str(folder), "--lake", str(lake))
    last = run("vocabulary", "list", "--lake", str(lake)).stdout.splitlines()[-1]
    assert last.startswith(f"* {folder}@")
    assert last.endswith("\tnot among these")


def test_problems_of_files_are_new_gaps(run: Run, obo: Path) -> None:
    obo.write_text(f'{OBO}synonym: "{"x" * 2000}" EXACT []\n\n[Term]\nid: MONDO:0005240\nname: again\n')
    built = run("vocabulary", "build", "--name", "mine", "--mondo", str(obo))
    assert built.returncode == 3
    assert "identifiers that stand more than once: 1 (MONDO:0005240)" in built.stderr
    assert "names of more than 1,000 characters: 1 " in built.stderr
    assert run("vocabulary", "show", "mine", "again").stdout.startswith("MONDO:0005240\t")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "bulitin"], 2, "there is no vocabulary bulitin (did you mean builtin?); there are builtin"),
        (["show", "mine", "D999"], 2, "has no name or identifier D999"),
        (["show", "mine", "renal diseese"], 2, "the nearest names are renal disease (MONDO:0005240)"),
        (["show", "mine", "0005240"], 2, "it has MONDO:0005240"),
        (["show", "mine", "renal disease", "--type", "Desease"], 2, "the type Desease (did you mean Disease?)"),
        (["use", "other", "--lake", "lake"], 1, "there is no lake at lake"),
        (["build", "--name", "x"], 1, "name at least one file"),
        (["build", "--name", "builtin", "--mondo", "x"], 1, "'builtin' cannot be the name of a vocabulary"),
        (["build", "--name", "../x", "--mondo", "x"], 1, "cannot be the name of a vocabulary"),
        (["build", "--mondo", "x"], 2, "give either --name or --output"),
        (["build", "--name", "x", "--mondo", "none.obo"], 1, "none.obo cannot be read (No such file or directory)"),
        (["build", "--name", "x", "--gene", "mondo.obo"], 1, "it looks like an OBO file"),
        (["build", "--name", "x", "--tables", "."], 1, ". has no tables"),
    ],
    ids=str,
)
def test_refusals(
    run: Run, obo: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    run("vocabulary", "build", "--name", "mine", "--mondo", str(obo))
    monkeypatch.chdir(obo.parent)
    refused = run("vocabulary", *arguments)
    assert message in refused.stderr
    assert refused.returncode == code
    assert refused.stdout == ""


def test_a_folder_of_something_else_is_not_built_in(run: Run, obo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("my notes")
    (folder / "vocabulary.json").write_text('{"a": 1}')
    refused = run("vocabulary", "build", "-o", str(folder), "--mondo", str(obo))
    assert refused.returncode == 1
    assert "has files that are no vocabulary, such as README.md; give another folder" in refused.stderr
    assert (folder / "README.md").read_text() == "my notes"
    assert len([*folder.iterdir()]) == 2


def test_a_damaged_vocabulary_is_not_chosen(run: Run, obo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    run("vocabulary", "build", "-o", str(folder), "--mondo", str(obo))
    lake = Lake.create(tmp_path / "lake").location
    (names,) = folder.glob("names-*.parquet")
    names.write_bytes(names.read_bytes()[:100])
    refused = run("vocabulary", "use", str(folder), "--lake", str(lake))
    assert refused.returncode == 1
    assert "build the vocabulary again" in refused.stderr
