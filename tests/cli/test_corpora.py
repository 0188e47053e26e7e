"""The commands `corpora list`, `show`, `get` and `check`."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_list_shows_which_corpora_are_downloaded(run: Run, home: Path) -> None:
    (home / "corpora" / "BC5CDR").mkdir(parents=True)
    header, *rows = run("corpora", "list").stdout.splitlines()
    assert header.split() == ["name", "types", "relations", "licence", "downloaded"]
    assert len(rows) == 37
    assert [row.split()[0] for row in rows if row.endswith(" yes")] == ["BC5CDR"]
    assert "i2b2-2010          Problem, Test, Treatment  " in "\n".join(rows)
    assert {"BioRED": "8", "ChemProt": "5", "ADE": "2", "JNLPBA": "-"}.items() <= {
        row.split()[0]: row[header.index("relations") :].split()[0] for row in rows
    }.items()


def test_show_describes_a_corpus(run: Run, home: Path) -> None:
    shown = run("corpora", "show", "BioRED").stdout
    assert shown.startswith("BioRED\n")
    for part in (
        "GeneOrGeneProduct as Gene",
        "not Variant",
        "10.1093/bib/bbac282",
        "no; run `litmine corpora get BioRED`",
        "Bind as binds",
        "; between identifiers, across sentences",
    ):
        assert part in shown
    (home / "corpora" / "BioRED").mkdir(parents=True)
    assert f"downloaded    {home / 'corpora' / 'BioRED'}" in run("corpora", "show", "BioRED").stdout


@pytest.mark.parametrize("command", ["show", "get"])
def test_an_unknown_name_lists_the_known_ones(run: Run, command: str) -> None:
    result = run("corpora", command, "NCBI")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("litmine: unknown corpus 'NCBI'; use one of NCBI-disease, BC5CDR, ")


def test_get_refuses_corpora_with_an_agreement_and_addresses_without_https(run: Run, home: Path) -> None:
    result = run("corpora", "get", "i2b2-2010")
    assert result.returncode == 1
    assert result.stderr.startswith("litmine: i2b2-2010 cannot be downloaded")
    assert "each user must sign its data use agreement" in result.stderr
    result = run("corpora", "get", "BC5CDR", "--from", "http://example.org/")
    assert result.returncode == 1
    assert "is not allowed; use https" in result.stderr
    result = run("corpora", "get", "ADE", "--from", "https://example.org/")
    assert result.returncode == 1
    assert result.stderr.startswith("litmine: ADE cannot be downloaded")
    assert "`litmine corpora check FOLDER --of ADE`" in result.stderr
    assert not home.exists()


def test_training_on_a_missing_corpus_names_the_download_command(run: Run, tmp_path: Path) -> None:
    result = run("train", "ner", "--base", tmp_path, "--corpus", "NLM-Gene", "-o", tmp_path / "model")
    assert result.returncode == 1
    assert result.stderr.rstrip().endswith("run `litmine corpora get NLM-Gene`")
    assert not (tmp_path / "model").exists()


def test_check_counts_lists_errors_and_writes(run: Run, tmp_path: Path, sample_data: Path) -> None:
    ran = run("corpora", "check", sample_data / "relations" / "challenge.jsonl", "-o", tmp_path / "out.jsonl")
    assert ran.returncode == 0
    assert ran.stdout.splitlines() == [
        "50 documents, 4,066 characters",
        "mentions: 67 Chemical, 63 Disease",
        "relations: 58 adverse_effect, 16 treats",
        "qualifiers: 14 negated, 10 speculated",
        "labels: 13 comparison, 12 hypothesis, 12 indication, 13 negation",
        "no errors",
    ]
    assert (tmp_path / "out.jsonl").read_bytes() == (sample_data / "relations" / "challenge.jsonl").read_bytes()
    damaged = tmp_path / "a.pubtator"
    damaged.write_text("1|t|Lithium\n1|a|\n1\t0\t7\tLithium\tChemical\tD1\n1\t1\t3\t\x1b[2J\tDisease\tD2\n")
    ran = run("corpora", "check", damaged, "--of", "BC5CDR", "--errors", "1")
    assert ran.returncode == 3, "a mention was left out"
    assert ran.stdout.splitlines() == [
        "1 documents, 7 characters", "mentions: 1 Chemical", "1 errors", "1 offsets do not hold",
        "  line 4: '\\x1b[2J'",
    ]  # fmt: skip
    assert run("corpora", "check", damaged, "--of", "BC5CDR", "--errors", "0").stdout.splitlines()[3:] == [
        "1 offsets do not hold"
    ]
    ran = run("corpora", "check", damaged, "--of", "CDR")
    assert (ran.returncode, ran.stderr[:44]) == (1, "litmine: 'CDR' is no corpus with relations (")
