"""Search returns current articles in the order of their BM25 scores and accepts any text as a question."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import SettingError
from litmine.search.index import Hit, SearchIndex

Texts = dict[int, str | None]
AddTexts = Callable[[Lake, Texts], None]
MakeTexts = Callable[..., Texts]
AssertSameHits = Callable[[Sequence[Hit], Sequence[Hit]], None]

QUESTION = "Which allergy is a cause of asthma, fever or an insulin allergy?"


@pytest.fixture(scope="module")
def texts(make_texts: MakeTexts) -> Texts:
    return make_texts(range(1, 201))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, add_texts: AddTexts, texts: Texts) -> SearchIndex:
    lake = Lake.create(tmp_path_factory.mktemp("search") / "lake")
    add_texts(lake, texts)
    return SearchIndex.open(lake)


def bm25(question: list[str], texts: Texts) -> dict[int, float]:
    """BM25 by Robertson's formula with Lucene's IDF. The index does not round text lengths below 40 words."""
    counts = {pmid: Counter((text or "").split()) for pmid, text in texts.items()}
    mean = sum(count.total() for count in counts.values()) / len(counts)
    scores: dict[int, float] = {}
    for word in question:
        matching = [pmid for pmid, count in counts.items() if word in count]
        idf = math.log(1 + (len(counts) - len(matching) + 0.5) / (len(matching) + 0.5))
        for pmid in matching:
            frequency, length = counts[pmid][word], counts[pmid].total()
            score = idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / mean))
            scores[pmid] = scores.get(pmid, 0) + score
    return scores


def test_scores_follow_the_bm25_formula(index: SearchIndex, texts: Texts) -> None:
    expected = bm25(["allergy", "asthma", "fever", "insulin", "allergy"], texts)
    hits = index.search(QUESTION, 1000)
    assert {hit.pmid for hit in hits} == expected.keys()
    assert [hit.score for hit in hits] == pytest.approx([expected[hit.pmid] for hit in hits], abs=2e-3)
    assert [(-hit.score, hit.pmid) for hit in hits] == sorted((-hit.score, hit.pmid) for hit in hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


@pytest.mark.parametrize("top_k", [1, 2, 7, 50, 150, 10**9])
def test_top_k_hits_are_the_first_of_all_hits(index: SearchIndex, assert_same_hits: AssertSameHits, top_k: int) -> None:
    assert_same_hits(index.search(QUESTION, top_k), index.search(QUESTION, 1000)[:top_k])


def test_hits_have_the_hash_of_the_current_text(lake: Lake, add_texts: AddTexts) -> None:
    add_texts(
        lake, {1: "An allergy to penicillin can cause an anaphylactic reaction.", 2: "Allergies in mice.", 3: "Fever."}
    )
    add_texts(lake, {2: "Rashes in mice."})
    hashes = dict(lake.rows("SELECT pmid, text_hash FROM current_versions"))
    index = SearchIndex.open(lake)
    assert len(index) == 3
    (first,) = index.search("What can cause an anaphylactic reaction?", 5)
    assert first == Hit(1, hashes[1], first.score, 1)
    (mice,) = index.search("Which mouse, or MICE, has a rash?", 5)
    assert (mice.pmid, mice.text_hash) == (2, hashes[2])


def test_inflected_and_differently_spelled_words_are_found(lake: Lake, add_texts: AddTexts) -> None:
    add_texts(lake, {1: "Sjögren's syndromes", 2: "β-blockers (IL-2)", 3: "naïve cells"})
    index = SearchIndex.open(lake)
    questions = ["sjogren", "SYNDROME", "β blocker", "il 2", "naive", "Naïve cell"]
    assert [[hit.pmid for hit in index.search(question, 5)] for question in questions] == [[1], [1], [2], [2], [3], [3]]


def test_hits_with_equal_scores_are_sorted_by_pmid(lake: Lake, add_texts: AddTexts) -> None:
    for pmids in ((9, 4), (70, 1, 300), (5,)):
        add_texts(lake, dict.fromkeys(pmids, "asthma and fever in the heart"))
        index = SearchIndex.open(lake)
    for top_k in range(1, 8):
        assert [hit.pmid for hit in index.search("fever, asthma", top_k)] == [1, 4, 5, 9, 70, 300][:top_k]


@given(st.text() | st.text("\0\"'()[]{}:^~*?\\/+-!&|<>=.,;\ud800 abANDORNOT", max_size=40))
def test_any_text_is_a_question(index: SearchIndex, question: str) -> None:
    assert len(index.search(question, 3)) <= 3
    assert index.search(f"asthma {question}", 3)


SYNTAX = [
    " ",
    '"',
    ":",
    " (",
    ") ",
    " -",
    " +",
    "*",
    "~2 ",
    "^9 ",
    "\0",
    "\n",
    "[",
    " TO ",
    "]",
    " AND ",
    " NOT ",
    "🧬",
]


@given(st.lists(st.tuples(st.sampled_from(["asthma", "fever", "text", "pmid", "heart"]), st.sampled_from(SYNTAX))))
def test_no_character_is_an_operator(index: SearchIndex, parts: list[tuple[str, str]]) -> None:
    words = [word + {"~2 ": " 2", "^9 ": " 9"}.get(between, "") for word, between in parts]
    assert index.search("".join(map("".join, parts)), 20) == index.search(" ".join(words), 20)


@pytest.mark.parametrize("question", ["", " ", "?!", "What is it?", "xyzzy", "\ud800"])
def test_a_question_without_indexed_terms_has_no_hits(index: SearchIndex, question: str) -> None:
    assert index.search(question, 5) == []


def test_a_question_of_ten_thousand_words(index: SearchIndex) -> None:
    assert index.search("fever " * 5000 + " ".join(map(str, range(5000))), 5)[0].score > 1000


def test_search_in_a_lake_without_articles_or_texts(lake: Lake, add_texts: AddTexts) -> None:
    assert len(SearchIndex.open(lake)) == 0
    assert SearchIndex.open(lake).search("fever", 5) == []
    assert SearchIndex.open(lake).search("fever", 5, "year > 2000") == []
    add_texts(lake, {1: "", 2: "", 3: None})
    assert len(SearchIndex.open(lake)) == 2
    assert SearchIndex.open(lake).search("fever", 5) == []


def test_top_k_must_be_at_least_one(index: SearchIndex) -> None:
    with pytest.raises(SettingError, match="must be at least 1"):
        index.search("fever", 0)
