"""The linker that ships: it fits the vocabulary that ships, links single texts as promised, and its card is whole."""

import json
from pathlib import Path

import pytest

from litmine.nn.references import builtin_folder
from litmine.specs import BUILTIN_LINKER, spec_by_name
from litmine.tasks.linking.folder import open_linker
from litmine.tasks.linking.linker import COMMON_WORDS, Link, Linker
from litmine.tasks.linking.recipe import split_reference
from litmine.tasks.linking.settings import LinkerSettings, identify
from litmine.training.recipe import make_recipe, read_recipe
from litmine.vocabulary import open_vocabulary
from tests.fixtures.linking import CHEMICALS, DISEASES, mention

MOST_BYTES = 11_000_000


@pytest.fixture(scope="module")
def folder() -> Path:
    return builtin_folder(BUILTIN_LINKER)


@pytest.fixture(scope="module")
def linker(folder: Path) -> Linker:
    return open_linker(folder, open_vocabulary())


def link(linker: Linker, text: str, *names: tuple[str, str]) -> list[Link | None]:
    title = text.index(".") + 1
    return linker.link(text, [mention(text, words, kind, text.rindex(words)) for words, kind in names], title)


def identifiers(found: Link | None) -> tuple[str, ...]:
    return found.identifiers if found else ()


def test_it_was_trained_over_the_vocabulary_that_ships(folder: Path) -> None:
    settings = LinkerSettings.load(folder)
    assert (settings.name, settings.vocabulary) == (BUILTIN_LINKER, open_vocabulary().reference)
    assert set(settings.thresholds) == {"CellLine", "Chemical", "Disease", "Gene", "Species"}
    assert identify(folder, "linking", settings.vocabulary) in (folder / "README.md").read_text(encoding="utf-8")


def test_linker_and_vocabulary_are_small(folder: Path) -> None:
    files = [file for place in (folder, open_vocabulary().folder) for file in place.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    assert {file.suffix for file in folder.iterdir()} == {".json", ".jsonl", ".md", ".parquet"}


def test_the_card_names_every_corpus_of_the_recipe(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    spec = spec_by_name("linking")
    recipe = make_recipe(spec, read_recipe(spec, BUILTIN_LINKER))
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    for one in recipe.corpora:
        (name,) = (split_reference(file)[0] for file in one.data)
        assert any(row.startswith(f"| {name} |") and row.endswith(f"| {one.terms} |") for row in rows), name
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert scores["BC5CDR dev"]["Disease"]["accuracy"] > 88
    assert all(f"| {corpus} | {kind} |" in card for corpus, found in scores.items() for kind in found)


def test_names_of_one_drug_are_one_concept(linker: Linker) -> None:
    for name in ("paracetamol", "acetaminophen", "APAP"):
        (found,) = link(linker, f"A trial. We gave {name} to children.", (name, "Chemical"))
        assert identifiers(found) == ("MESH:D000082",), name


def test_an_abbreviation_means_what_its_article_defines(linker: Linker) -> None:
    heart = "Myocardial infarction (MI) in women. We saw MI often."
    valve = "Mitral insufficiency (MI) in women. We saw MI often."
    assert identifiers(link(linker, heart, ("MI", "Disease"))[0]) == ("MESH:D009203",)
    assert identifiers(link(linker, valve, ("MI", "Disease"))[0]) == ("MESH:D008944",)


@pytest.mark.parametrize(
    ("word", "kind"), [("cold", "Disease"), ("gas", "Chemical"), ("lead", "Chemical"), ("can", "Disease")]
)
def test_common_words_are_not_linked_out_of_context(linker: Linker, word: str, kind: str) -> None:
    assert link(linker, f"A trial. It is {word} here.", (word, kind)) == [None]


def test_a_composite_has_the_identifiers_of_its_parts(linker: Linker) -> None:
    (found,) = link(
        linker, "A trial. Families with breast and ovarian cancer.", ("breast and ovarian cancer", "Disease")
    )
    assert set(identifiers(found)) == {"MESH:D001943", "MESH:D010051"}


def test_genes_are_those_of_the_article_species(linker: Linker) -> None:
    (human,) = link(linker, "Patients with tumours. TP53 was mutated in women.", ("TP53", "Gene"))
    (mouse,) = link(linker, "Mice without p53. In mouse embryos Trp53 was lost.", ("Trp53", "Gene"))
    assert identifiers(human) == ("NCBIGene:7157",)
    assert identifiers(mouse) == ("NCBIGene:22059",)


def test_a_cell_line_has_one_concept_with_and_without_the_word_cells(linker: Linker) -> None:
    for name, identifier in (("A549", "CVCL_0023"), ("HeLa", "CVCL_0030"), ("HEK293", "CVCL_0045")):
        for written in (name, f"{name} cells", f"{name} cell"):
            found = link(linker, f"Cells. We grew {written} here.", (written, "CellLine"))
            assert identifiers(found[0]) == (identifier,), written


@pytest.mark.parametrize(("name", "taxon"), [("SARS-CoV-2", 2697049), ("Acanthamoeba", 5754), ("Ebola virus", 1570291)])
def test_a_species_is_the_taxon_of_its_name(linker: Linker, name: str, taxon: int) -> None:
    (found,) = link(linker, f"A case. We saw {name} here.", (name, "Species"))
    assert identifiers(found) == (f"NCBITaxon:{taxon}",)


def test_a_heading_in_the_plural_is_the_class(linker: Linker) -> None:
    text = "Ethanol and methanol. Solvents such as alcohols."
    found = link(linker, text, ("Ethanol", "Chemical"), ("alcohols", "Chemical"))
    assert [identifiers(one) for one in found] == [("MESH:D000431",), ("MESH:D000438",)]


def test_over_another_vocabulary_only_names_near_the_mention_are_linked(folder: Path, small_vocabulary: Path) -> None:
    names = {"Disease": DISEASES, "Chemical": CHEMICALS}
    small = open_linker(folder, open_vocabulary(str(small_vocabulary)))
    for kind, concepts in names.items():
        for identifier, (name, *_) in concepts.items():
            if name.lower() in COMMON_WORDS:
                continue
            assert identifiers(link(small, f"A case. We saw {name} here.", (name, kind))[0]) == (identifier,)
    for other, kind in (("SARS-CoV-2", "Disease"), ("Li-Fraumeni syndrome", "Disease"), ("warfarin", "Chemical")):
        assert all(other.lower() not in map(str.lower, all_names) for all_names in names[kind].values())
        assert link(small, f"A case. We saw {other} here.", (other, kind)) == [None]
