"""`linker`: a linker trained on a few documents links by name, by context, and leaves out what is uncertain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.fit_ranker import RankingExample
from litmine.tasks.linking.linker import Link, Linker
from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.train import choose_threshold
from litmine.tasks.linking.trained_linker import make_finder
from litmine.tasks.linking.training_examples import fold_of
from tests.fixtures.linking import (
    HUMAN_TEXT,
    MOUSE_TEXT,
    mention,
    small_linker,
    trained,
    vocabulary,
    vocabulary_names,
)


@pytest.fixture(scope="module")
def linker() -> Linker:
    return small_linker()


def identifiers(links: list[Link | None]) -> list[str]:
    return ["" if link is None else "|".join(link.identifiers) for link in links]


def test_synonyms_are_one_concept(linker: Linker) -> None:
    text = "Paracetamol, acetaminophen and APAP."
    found = [mention(text, name, "Chemical") for name in ("Paracetamol", "acetaminophen", "APAP")]
    assert identifiers(linker.link(text, found)) == ["MESH:D000082"] * 3


@pytest.mark.parametrize(
    ("definition", "identifier"),
    [("myocardial infarction", "MESH:D009203"), ("mitral insufficiency", "MESH:D008944")],
)
def test_an_abbreviation_is_what_its_article_defines(linker: Linker, definition: str, identifier: str) -> None:
    text = f"Patients with {definition} (MI). Later MI recurred."
    found = [mention(text, definition, "Disease"), mention(text, "MI", "Disease", text.index("Later"))]
    assert identifiers(linker.link(text, found)) == [identifier, identifier]


def test_a_composite_mention_has_the_identifiers_of_its_parts(linker: Linker) -> None:
    text = "Breast and ovarian cancer"
    (link,) = linker.link(text, [Mention(0, len(text), "Disease")])
    assert link is not None
    assert link.identifiers == ("MESH:D001943", "MESH:D010051")


def test_numbers_tell_types_apart(linker: Linker) -> None:
    text = "type II diabetes and diabetes mellitus type 1"
    found = [mention(text, "type II diabetes", "Disease"), mention(text, "diabetes mellitus type 1", "Disease")]
    assert identifiers(linker.link(text, found)) == ["MESH:D003924", "MESH:D003922"]


def test_a_common_word_needs_another_name_of_its_concept(linker: Linker) -> None:
    alone = "A cold storage, and lead author."
    found = [mention(alone, "cold", "Disease"), mention(alone, "lead", "Chemical")]
    assert linker.link(alone, found) == [None, None]
    text = "Acute coryza: a cold."
    assert identifiers(
        linker.link(text, [mention(text, "Acute coryza", "Disease"), mention(text, "cold", "Disease")])
    ) == [
        "MESH:D003139",
        "MESH:D003139",
    ]


@pytest.mark.parametrize(("context", "identifier"), [(HUMAN_TEXT, "NCBIGene:1956"), (MOUSE_TEXT, "NCBIGene:13649")])
def test_a_gene_is_of_the_species_of_its_article(linker: Linker, context: str, identifier: str) -> None:
    text = f"{context}EGFR was high."
    assert identifiers(linker.link(text, [mention(text, "EGFR", "Gene")])) == [identifier]


def test_types_that_are_not_linked_and_unknown_names_have_no_link(linker: Linker) -> None:
    text = "T cells with zzyzx"
    found = [mention(text, "T cells", "CellType"), mention(text, "zzyzx", "Disease"), mention(text, "zzyzx", "Gene")]
    assert linker.link(text, found) == [None, None, None]
    assert linker.link(text, []) == []


def test_scores_are_probabilities_and_thresholds_leave_out_links() -> None:
    finder = make_finder(vocabulary(), trained().learned, vocabulary_names())
    text = "heart attack and kidney problem"
    found = [mention(text, "heart attack", "Disease"), mention(text, "kidney problem", "Disease")]
    # A flat calibration keeps the scores apart.
    flat = {kind: replace(ranker, slope=0.1, offset=0.0) for kind, ranker in trained().rankers.items()}
    sure, unsure = Linker(finder, flat).link(text, found)
    assert sure is not None
    assert unsure is not None
    assert 0 < unsure.score <= sure.score < 1
    for threshold, links in ((sure.score, "MESH:D009203"), (1.0, "")):
        assert identifiers(Linker(finder, flat, {"Disease": threshold}).link(text, found[:1])) == [links]


def test_the_chosen_threshold_keeps_links_with_its_score() -> None:
    ranker = trained().rankers["Disease"]
    finder = make_finder(vocabulary(), trained().learned, vocabulary_names())
    found = finder.candidates("heart attack", "Disease")
    example = RankingExample(found.features, np.array([one == "MESH:D009203" for one in found.identifiers]))
    _, score = ranker.best(found.features)
    assert 0 < choose_threshold(ranker, [example] * 3) <= score


def test_mentions_are_linked_the_same_in_any_order(linker: Linker) -> None:
    text = f"{MOUSE_TEXT}Heart attack, EGFR, BRCA1 and aspirin."
    found = [
        mention(text, words, kind)
        for words, kind in (("Heart attack", "Disease"), ("EGFR", "Gene"), ("BRCA1", "Gene"), ("aspirin", "Chemical"))
    ]
    backwards = identifiers(linker.link(text, found[::-1]))[::-1]
    assert identifiers(linker.link(text, found)) == backwards
    assert backwards == ["MESH:D009203", "NCBIGene:13649", "NCBIGene:12189", "MESH:D001241"]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 59), st.integers(1, 12)), max_size=4))
def test_any_text_and_mentions_can_be_linked(text: str, places: list[tuple[int, int]]) -> None:
    kinds = ("Disease", "Gene", "Chemical", "Species")
    found = [
        Mention(start, min(len(text), start + length), kinds[(start + length) % 4])
        for start, length in places
        if start < len(text)
    ]
    links = small_linker().link(text, found)
    assert len(links) == len(found)
    assert all(link is None or (link.identifiers and 0 <= link.score <= 1) for link in links)


def test_folds_are_fixed_by_the_name() -> None:
    assert [fold_of(str(number)) for number in range(5)] == [fold_of(str(number)) for number in range(5)]
    assert {fold_of(str(number)) for number in range(200)} == set(range(10))
