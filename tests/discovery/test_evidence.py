"""Evidence of a pair: the sentence that is quoted names both concepts, or the result says that none does."""

from itertools import product

import pytest

from litmine import Lake
from litmine.discovery.discover import discover
from litmine.discovery.evidence import Evidence, PairArticles, find_evidence
from litmine.discovery.explain import explanation
from litmine.discovery.request import DiscoveryRequest
from litmine.discovery.rules import DiscoveryRules
from litmine.types import Article, MeshHeading
from tests.fixtures.written_concepts import CONCEPTS, paper
from tests.fixtures.written_relations import Paper, activate_models, add_papers

A, B = frozenset([CONCEPTS["a"][0]]), frozenset([CONCEPTS["b"][0]])
# What a sentence may name.
SENTENCES = {
    "a": "Here is a in it.",
    "b": "There is b in it.",
    "ab": "Both a and b are in it.",
    "": "Nothing is in it.",
}


def evidence(lake: Lake, *pmids: int) -> Evidence:
    (found,) = find_evidence(lake, [PairArticles(A, B, pmids)], None)
    return found


def test_a_quote_names_both_or_says_that_no_sentence_does(lake: Lake) -> None:
    """All texts of three sentences that name both concepts somewhere; a letter is mentioned once, where it is first."""
    texts = [kinds for kinds in product(SENTENCES, repeat=3) if "a" in "".join(kinds) and "b" in "".join(kinds)]
    add_papers(lake, [paper(pmid, " ".join(map(SENTENCES.get, kinds)), 2000) for pmid, kinds in enumerate(texts, 1)])  # type: ignore[arg-type]
    activate_models(lake)
    assert len(texts) == 49
    for pmid, kinds in enumerate(texts, 1):
        found = evidence(lake, pmid)
        first, second = (next(kind for kind in kinds if letter in kind) for letter in "ab")
        assert (found.pmid, found.named_as) == (pmid, "a | b"), kinds
        if first == second == "ab":
            assert (found.named_in, found.sentence) == ("one sentence", SENTENCES["ab"]), kinds
        else:
            order = sorted((first, second), key=kinds.index)
            follow = kinds.index(order[1]) - kinds.index(order[0]) == 1
            joined = (" " if follow else " [...] ").join(map(SENTENCES.__getitem__, order))
            assert (found.named_in, found.sentence) == ("two sentences", joined), kinds


def test_the_best_article_is_quoted(lake: Lake) -> None:
    """One sentence before two, two before a mention of both, and this before headings; the title names neither."""
    headings = tuple(MeshHeading(ui, ui, False, ()) for ui in ("D0001", "D0002"))
    both = Paper(Article(3, "Neither. The ab complex.", year=2000), {"complex.": ("Gene", "|".join([*A, *B]))})
    add_papers(
        lake,
        [
            paper(1, "Neither is named in it. Both a and b are.", 2000),
            paper(2, "Neither is named in it. Here is a in it. There is b in it.", 2000),
            both,
            paper(4, "A title about other things", 2000, mesh=headings),
            paper(5, "Only the one named a is in it", 2000, mesh=headings),
        ],
    )
    activate_models(lake)
    found = evidence(lake, 5, 4, 3, 2, 1)
    assert found == Evidence(1, "Both a and b are.", "one sentence", "a | b", "")
    assert evidence(lake, 4, 3, 2).named_in == "two sentences"
    assert evidence(lake, 4, 3)[1:4] == ("The ab complex.", "one mention", "complex. | complex.")
    assert evidence(lake, 4)[1:4] == ("A title about other things", "headings", " | ")
    assert evidence(lake, 5)[1:4] == ("Only the one named a is in it", "headings", "a | ")
    assert evidence(lake) == Evidence()


@pytest.mark.parametrize(
    ("texts", "quoted"),
    [
        (
            ("Here is a in it. There is b in it.", "Both b and c are in it."),
            "no article has both in one sentence; from two sentences: Here is a in it. There is b in it. [PMID 1",
        ),
        (
            ("Here is a in it. There is b in it.",) * 9 + ("Both b and c are in it.",),
            "no article of the 8 that were read, of 9, has both in one sentence; from two sentences: Here is a",
        ),
    ],
)
def test_the_explanation_says_so(lake: Lake, texts: tuple[str, ...], quoted: str) -> None:
    add_papers(lake, [paper(pmid, text, 2000) for pmid, text in enumerate(texts, 1)])
    activate_models(lake)
    rules = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
    lines = list(explanation(discover(lake, DiscoveryRequest(tuple(A), rules=rules))))
    assert any(quoted in line for line in lines), lines
    assert any(f"Both b and c are in it. [PMID {len(texts)}, as 'b' and 'c']" in line for line in lines), lines
