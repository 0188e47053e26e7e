"""The corpus registry, corpora by name, and their entity types."""

import re
from pathlib import Path

import pytest

from litmine.corpora.corpus import corpus_files, open_corpus
from litmine.corpora.registry import registry
from litmine.corpora.relation_declarations import DECLARATIONS, SUBJECT_ORDER
from litmine.errors import CorpusError, SettingError
from litmine.tasks.ner.make import make_model
from litmine.tasks.ner.recipe import TaggerRecipe

OURS = {"Disease", "Chemical", "Gene", "Species", "CellLine", "CellType", "Anatomy", "DNA", "RNA", "Protein"}
# Types of relation corpora that no tagger of litmine finds.
OURS |= {"AdverseEffect", "TherapeuticEffect", "Dose", "Route"}
# What these annotate goes into the view `trials`.
OF_TRIALS = {"EBM-NLP", "PICO-sections", "EvidenceOutcomes", "PICO-Corpus"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def add_corpus(home: Path, name: str, *lines: str, file: str = "train.tsv") -> Path:
    path = home / "corpora" / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_known_corpora_are_registered() -> None:
    assert list(registry()) == [
        "NCBI-disease", "BC5CDR", "BC4CHEMD", "BC2GM", "JNLPBA", "LINNAEUS", "Species-800", "i2b2-2010", "BioRED",
        "NLM-Gene", "GNormPlus", "tmVar3", "AnatEM", "BioNLP-ST-2013-CG", "BioNLP-ST-2013-PC", "BioNLP-ST-2011-ID",
        "CellFinder", "Gellus", "BioID", "ChemProt", "DrugProt", "DDI2013", "GAD", "EU-ADR", "ADE", "PHEE",
        "EBM-NLP", "PICO-sections", "EvidenceOutcomes", "PICO-Corpus",
        "StudyType", "NICTA-PIBOSO", "HoC", "LitCovid", "OHSUMED", "PublicationType", "EvidenceInference",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(registry()))
def test_an_entry_is_complete(name: str) -> None:
    entry = registry()[name]
    assert set(entry.entity_types) <= OURS or name in {"i2b2-2010", *OF_TRIALS}
    for fact in (entry.guideline, entry.licence, entry.terms, entry.source, entry.format, entry.citation):
        assert fact.strip()
    assert entry.source.startswith("http")
    assert not entry.doi or re.fullmatch(r"10\.\d{4,}/\S+", entry.doi)
    assert bool(entry.url) != bool(entry.obtain)
    assert not entry.url or entry.url.startswith("https://")
    assert "test" not in entry.train.lower() + entry.dev.lower()
    assert entry.agreement == (name == "i2b2-2010")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NCBI-disease", r"^NCBI-disease is not in .*NCBI-disease; run `litmine corpora get NCBI-disease`$"),
        ("mine=BC4CHEMD", r"^BC4CHEMD is not in .*; get it from https://biocreative\S+ and put train\.tsv"),
        ("i2b2-2010", r"^i2b2-2010 is not in .*; each user must sign its data use agreement at https://portal\S+ and"),
        ("NCBI", r"^NCBI does not exist; .* `litmine corpora list` shows$"),
    ],
)
def test_a_missing_corpus_explains_how_to_get_it(name: str, sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        corpus_files(name, "train")


def test_a_registered_name_is_used_if_no_such_path_exists(home: Path, tmp_path: Path) -> None:
    kept = add_corpus(home, "NCBI-disease", "asthma\tB-Disease")
    assert corpus_files("NCBI-disease", "train") == ("NCBI-disease", kept)
    assert corpus_files("mine=NCBI-disease", "train") == ("mine", kept)
    assert corpus_files("NCBI-disease", "dev") == ("NCBI-disease", None)
    assert open_corpus("NCBI-disease", "dev") is None
    near = tmp_path / "NCBI-disease" / "train.tsv"
    near.parent.mkdir()
    near.write_text("asthma\tB-Whatever\n")
    assert corpus_files("NCBI-disease", "train") == ("NCBI-disease", Path("NCBI-disease/train.tsv"))
    read = open_corpus("NCBI-disease", "train")
    assert read is not None
    assert read.entity_types == ("Whatever",)


@pytest.mark.parametrize(
    ("renamed", "types"),
    [
        ({}, ("Disease",)),
        ({"Disease": "Illness"}, ("Illness",)),
        ({"Modifier": "-"}, ("Disease",)),
        ({"SpecificDisease": "Specific"}, ("Disease", "Specific")),
        ({"NCBI-disease:Modifier": "Adjective"}, ("Adjective", "Disease")),
        ({"BC5CDR:Modifier": "Adjective"}, ("Disease",)),
    ],
)
def test_types_are_mapped_by_the_registry_and_then_by_the_user(
    home: Path, renamed: dict[str, str], types: tuple[str, ...]
) -> None:
    lines = ["5|t|asthma attack of asthma", "5|a|", "5\t0\t6\tasthma\tModifier", "5\t17\t23\tasthma\tSpecificDisease"]
    add_corpus(home, "NCBI-disease", *lines, file="train.pubtator")
    corpus = open_corpus("NCBI-disease", "train", renamed)
    assert corpus is not None
    assert corpus.entity_types == types
    assert corpus.passages[0].pmid == 5


def test_an_untyped_corpus_of_one_type_has_that_type(home: Path) -> None:
    add_corpus(home, "Species-800", "mice\tB", "ran\tO")
    corpus = open_corpus("Species-800", "train")
    assert corpus is not None
    assert corpus.entity_types == ("Species",)


def test_a_type_that_is_not_registered_is_refused(home: Path) -> None:
    add_corpus(home, "BC5CDR", "mice\tB-Animal", "asthma\tB-Disease")
    with pytest.raises(
        CorpusError, match=r"annotates Animal, but the registry lists Chemical, Disease for BC5CDR; rename"
    ):
        open_corpus("BC5CDR", "train")
    corpus = open_corpus("BC5CDR", "train", {"Animal": "-"})
    assert corpus is not None
    assert corpus.entity_types == ("Disease",)


def test_an_unknown_type_to_rename_is_refused(home: Path, tmp_path: Path) -> None:
    add_corpus(home, "BC5CDR", "asthma\tB-Disease")
    recipe = TaggerRecipe("mine", str(tmp_path), ("BC5CDR",), type_map=(("BC5CDR:Diseese", "Illness"),))
    with pytest.raises(SettingError, match=r"--map renames BC5CDR:Diseese, which no corpus annotates; they annotate"):
        make_model(recipe, tmp_path / "model", lambda _: None)


def test_every_declared_corpus_is_registered() -> None:
    assert set(DECLARATIONS) <= set(registry())
    assert registry()["BC5CDR"].relations == ["induces"]
    assert registry()["LINNAEUS"].relations == []


@pytest.mark.parametrize("name", list(DECLARATIONS))
def test_a_declaration_is_sound(name: str) -> None:
    declaration = DECLARATIONS[name]
    assert set(registry()[name].types.values()) - {"-"} <= set(declaration.entities.values()) | {"Species", "CellLine"}
    for first, second in declaration.type_pairs:
        assert SUBJECT_ORDER.index(first) <= SUBJECT_ORDER.index(second)
        assert {first, second} <= set(declaration.entities.values())
    names = [kind.name for kind in declaration.kinds]
    assert len(set(names)) == len(names)
    assert declaration.level in {"mentions", "identifiers"}
    assert declaration.unit in {"documents", "sentences"}
