"""`litmine corpora list|show|get`, as they are typed."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_list_is_a_table_that_says_what_is_here(run: Run, home: Path) -> None:
    (home / "corpora" / "BC5CDR").mkdir(parents=True)
    header, *rows = run("corpora", "list").stdout.splitlines()
    assert header.split() == ["name", "types", "licence", "here"]
    assert len(rows) == 12
    assert [row.split()[0] for row in rows if row.endswith(" yes")] == ["BC5CDR"]
    assert "i2b2-2010     Problem, Test, Treatment  " in "\n".join(rows)


def test_show_says_everything(run: Run, home: Path) -> None:
    shown = run("corpora", "show", "BioRED").stdout
    assert shown.startswith("BioRED\n")
    for part in (
        "GeneOrGeneProduct as Gene",
        "not Variant",
        "10.1093/bib/bbac282",
        "no; run `litmine corpora get BioRED`",
    ):
        assert part in shown
    (home / "corpora" / "BioRED").mkdir(parents=True)
    assert f"here          {home / 'corpora' / 'BioRED'}" in run("corpora", "show", "BioRED").stdout


@pytest.mark.parametrize("command", ["show", "get"])
def test_an_unknown_name_lists_the_known_ones(run: Run, command: str) -> None:
    said = run("corpora", command, "NCBI")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("litmine: unknown corpus 'NCBI'; use one of NCBI-disease, BC5CDR, ")


def test_get_says_what_must_be_signed_and_what_it_will_not_read(run: Run, home: Path) -> None:
    said = run("corpora", "get", "i2b2-2010")
    assert said.returncode == 1
    assert said.stderr.startswith("litmine: i2b2-2010 cannot be downloaded")
    assert "each user must sign its data use agreement" in said.stderr
    said = run("corpora", "get", "BC5CDR", "--from", "http://example.org/")
    assert said.returncode == 1
    assert "is not allowed; use https" in said.stderr
    assert not home.exists()


def test_training_by_name_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    said = run("train", "ner", "--base", tmp_path, "--corpus", "NLM-Gene", "-o", tmp_path / "model")
    assert said.returncode == 1
    assert said.stderr.rstrip().endswith("run `litmine corpora get NLM-Gene`")
    assert not (tmp_path / "model").exists()
