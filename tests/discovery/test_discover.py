"""`discover` over the twenty articles: results, counts and measures that a reader can compute by hand."""

import json
from itertools import pairwise
from math import comb, log, log10
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from litmine import Lake
from litmine.discovery.discover import SCHEMA, discover
from litmine.discovery.explain import explanation
from litmine.discovery.network import write_network
from litmine.discovery.request import DiscoveryRequest
from litmine.discovery.rules import DiscoveryRules, read_rules, rules_text
from litmine.errors import DiscoveryError, LitmineError, QueryError
from litmine.types import MeshHeading
from tests.fixtures.written_concepts import paper
from tests.fixtures.written_relations import Said, activate_models, add_papers

# The trees of the twenty articles are short, and twenty articles are few.
RULES = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
A, B, C, D, E, F, G = (f"MESH:D000{number}" for number in range(1, 8))


def search(lake: Lake, *concepts: str, **options: Any) -> list[dict[str, Any]]:
    options.setdefault("rules", RULES)
    rows: list[dict[str, Any]] = discover(lake, DiscoveryRequest(concepts, **options)).table.to_pylist()
    return rows


def by_result(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The first row of each result."""
    return {row["concept_id"]: row for row in reversed(rows)}


def test_open_search_until_a_year(twenty: Lake) -> None:
    """Until 1988, a is with b in articles 1, 2, 3, 13, with e in 3, 4 and with g in 5, and not with c or d.

    The linking concepts lead to c (b: 6, 7; e: 8; g: 11) and d (b: 9, 10; e: 10; g: 12). Article 19 has no year, and
    14, 15, 16 and 20 are later.
    """
    found = by_result(search(twenty, A, until=1988, links=9))
    assert found.keys() == {C, D}
    row = found[C]
    assert row["all_articles"] == 15
    assert row["linking_terms"] == 3
    assert row["minimum_weight"] == pytest.approx((2 + 1 + 1) / 3)
    assert (row["start_articles"], row["concept_articles"]) == (6, 4)
    rows = [one for one in search(twenty, A, until=1988, links=9) if one["concept_id"] == C]
    links = {one["link_id"]: one for one in rows}
    assert links.keys() == {B, E, G}
    counts = {key: (one["link_articles"], one["articles_1"], one["articles_2"]) for key, one in links.items()}
    assert counts == {B: (8, 4, 2), E: (5, 2, 1), G: (4, 1, 1)}
    assert (links[B]["first_year_1"], links[B]["first_year_2"]) == (1980, 1979)
    assert (links[B]["pmid_1"], links[B]["sentence_1"]) == (3, "a b e")
    assert (row["together"], row["first_together"], row["concept"]) == (0, None, "Gamma oil")


def npmi(both: int, first: int, second: int, total: int) -> float:
    return log(both * total / (first * second)) / -log(both / total)


def test_measures_by_hand(twenty: Lake) -> None:
    edges = {B: (8, 4, 2), E: (5, 2, 1), G: (4, 1, 1)}
    sums = {
        "npmi": sum(max(0, min(npmi(ab, 6, n, 15), npmi(bc, n, 4, 15))) for n, ab, bc in edges.values()),
        "dwpc": sum(ab * bc * (6.0 * n * n * 4) ** -0.4 for n, ab, bc in edges.values()),
    }
    row = by_result(search(twenty, A, until=1988, measure="npmi"))[C]
    assert {name: row[name] for name in sums} == pytest.approx(sums)
    assert row["score"] == row["npmi"]
    assert row["fisher"] is None
    for measure in ("linking_terms", "minimum_weight", "dwpc"):
        row = by_result(search(twenty, A, until=1988, measure=measure))[C]
        assert row["score"] == row[measure]


def test_fisher_counts_edges_that_are_no_chance(lake: Lake) -> None:
    """b is in 10 of the 11 articles with a and of those with c, which are never together."""
    letters = ["a b"] * 10 + ["b c"] * 10 + ["d"] * 20 + ["a g", "c g"] + ["g"] * 10
    add_papers(lake, [paper(1000 + i, words, 2000) for i, words in enumerate(letters)])
    activate_models(lake)
    row = by_result(search(lake, A, measure="fisher"))[C]
    # 11 articles have a, 20 have b, 10 have both, of 52.
    ways = [_ways(k, 11, 20, 52) for k in (10, 11)]
    assert row["linking_terms"] == 2
    assert row["fisher"] == pytest.approx(-log10(sum(ways)))


def _ways(k: int, first: int, second: int, total: int) -> float:
    return comb(first, k) * comb(total - first, second - k) / comb(total, second)


def test_closed_search_ranks_linking_concepts(twenty: Lake) -> None:
    found = discover(twenty, DiscoveryRequest((A, C), until=1988, rules=RULES, measure="minimum_weight"))
    rows = found.table.to_pylist()
    assert [(row["rank"], row["link_id"], row["score"]) for row in rows] == [(1, B, 2), (2, E, 1), (3, G, 1)]
    assert (found.start, found.end, found.results, list(found.notes)) == ("Alpha disease", "Gamma oil", 3, [])
    later = discover(twenty, DiscoveryRequest((A, C), rules=RULES))
    assert list(later.notes) == ["both sides are together in 2 articles already"]


def test_known_types_branches_and_sets(twenty: Lake) -> None:
    assert by_result(search(twenty, A)).keys() == {D}
    assert by_result(search(twenty, A, known=2)).keys() >= {C, D, E}
    assert by_result(search(twenty, A, known=2, to=("gene",))).keys() == {E}
    assert by_result(search(twenty, A, known=2, to=("D10",))).keys() == {C}
    assert by_result(search(twenty, A, until=1988, via=("Species",)))[C]["linking_terms"] == 1
    in_set = search(twenty, where="entity_type = 'Chemical'", until=1988)
    assert by_result(in_set).keys() == {A, F}  # f is with b in article 13
    assert in_set[0]["start_articles"] == 7
    narrower = by_result(search(twenty, A, narrower=True, until=1988))
    assert narrower[C]["start_articles"] == 6


def test_rules_are_shown_changed_and_counted(twenty: Lake, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(rules_text(RULES), encoding="utf-8")
    assert read_rules(file) == RULES
    found = discover(twenty, DiscoveryRequest((A,), until=1988, rules=RULES))
    assert found.left_out == {"the same thing as the start, above or below it": 2, "already together with the start": 3}
    for change, expected in (
        (DiscoveryRules(1.0, 1, 2), {C: 2, D: 2}),  # g is at the top of its tree
        (DiscoveryRules(1.0, 1, 1, leave_out=(D,)), {C: 3}),
        (DiscoveryRules(1.0, 1, 1, branches=("D12",)), {C: 1, D: 1}),
        (DiscoveryRules(0.4, 1, 1), {C: 2, D: 2}),  # b is in 8 of 15 articles
        (DiscoveryRules(1.0, 5, 1), {}),
    ):
        rows = by_result(search(twenty, A, until=1988, rules=change))
        assert {key: row["linking_terms"] for key, row in rows.items()} == expected
    file.write_text("most_frequent = 2.0", encoding="utf-8")
    with pytest.raises(LitmineError, match="most_frequent"):
        read_rules(file)


def test_changes_of_the_lake_are_seen(twenty: Lake) -> None:
    assert by_result(search(twenty, A, until=1988))[C]["linking_terms"] == 3
    add_papers(twenty, [paper(8, "e c", 1985, retracted=True)], day=2)
    assert by_result(search(twenty, A, until=1988))[C]["linking_terms"] == 2
    add_papers(twenty, [paper(11, "c d", 1988)], day=3)
    assert by_result(search(twenty, A, until=1988))[C]["linking_terms"] == 1


def test_paths_follow_relations(twenty: Lake) -> None:
    related = [paper(400, "c f", 1987, said=[Said("treats", "c", "f")]), paper(401, "a e d", 1988)]
    add_papers(twenty, related, day=4)
    forward = {one["link_id"]: one for one in search(twenty, E, F, until=1988)}
    assert forward[C]["relation_2"] == "treats (1)"
    back = {one["link_id"]: one for one in search(twenty, F, E, until=1988)}
    assert back[C]["relation_1"] == "<- treats (1)"
    assert by_result(search(twenty, F, known=9, until=1988))[C]["related"] == "<- treats (1)"


def test_headings_of_records(lake: Lake) -> None:
    def headed(pmid: int, *numbers: str, year: int = 2000) -> Any:
        headings = tuple(MeshHeading(ui, ui, False, ()) for ui in numbers)
        return paper(pmid, "title", year, mesh=headings)

    raynaud, viscosity, oils, aggregation = "D011928", "D001809", "D005395", "D010974"
    add_papers(lake, [headed(1, raynaud, viscosity), headed(2, viscosity, oils), headed(3, oils, aggregation)])
    row = by_result(search(lake, "Raynaud disease", kind="mesh"))["MESH:D005395"]
    assert (row["concept"], row["link"], row["pmid_1"]) == ("Fish Oils", "Blood Viscosity", 1)
    add_papers(lake, [headed(2, viscosity, oils, aggregation)], day=1)
    assert by_result(search(lake, "Raynaud disease", kind="both")).keys() == {"MESH:D005395", "MESH:D010974"}
    with pytest.raises(DiscoveryError, match=r'headings of the records with `kind="mesh"`'):
        search(lake, "Raynaud disease")


def test_bad_questions_get_a_sentence(twenty: Lake) -> None:
    for concepts, options, error, message in (
        (("Alpha diseas",), {}, DiscoveryError, "the nearest in the lake: Alpha disease .MESH:D0001., Alpha"),
        (("Raynaud diseaze",), {}, DiscoveryError, "the nearest in the vocabulary: Raynaud Disease .MESH:D011928."),
        (("zzzzzz",), {}, DiscoveryError, "no concept is named 'zzzzzz'.*from concepts order by articles desc"),
        (
            ("heart attack",),
            {},
            DiscoveryError,
            "has the concept 'heart attack' .Myocardial Infarction, MESH:D009203.; .*from concepts",
        ),
        (
            ("Alpha disease of the foot",),
            {"until": 1980},
            DiscoveryError,
            "no article that counts has Alpha disease of",
        ),
        ((A, "alpha DISEASE"), {}, DiscoveryError, "both sides are Alpha disease"),
        ((A,), {"until": 1900}, DiscoveryError, "is of 1900 or earlier .the oldest is of 1977.; take a later `until`"),
        ((A,), {"to": ("Gen",)}, DiscoveryError, "no concept of the lake is a Gen .did you mean Gene"),
        ((A,), {"to": ("D99",)}, DiscoveryError, "in the branch D99 of MeSH; the lake has D01, D10, D12$"),
        ((A,), {"via": ("G",)}, DiscoveryError, "in the branch G of MeSH; the lake has B, C, D$"),
        ((A, C), {"to": ("Gene",)}, DiscoveryError, "`to` chooses the results of a search from one concept"),
        ((), {"where": "articles > 1", "narrower": True}, DiscoveryError, "`narrower` adds what is below one concept"),
        ((), {}, DiscoveryError, "give one concept"),
        ((A, C, D), {}, DiscoveryError, "give one concept"),
        ((" ",), {}, DiscoveryError, "a name in `concepts` is empty"),
        ((), {"where": "no_column = 1"}, QueryError, "cannot be evaluated on `concepts`"),
        ((), {"where": "mentions < 0"}, DiscoveryError, "no concept in the articles that count fulfils"),
        ((), {"where": " "}, QueryError, "the condition is empty"),
    ):
        with pytest.raises(error, match=message):
            search(twenty, *concepts, **options)


def test_names_find_concepts(twenty: Lake) -> None:
    for name in (A, "alpha disease", "Alpha disease synonym"):
        assert by_result(search(twenty, name, until=1988)).keys() == {C, D}


def test_explanation_and_network(twenty: Lake, tmp_path: Path) -> None:
    found = discover(twenty, DiscoveryRequest((A,), until=1988, rules=RULES, measure="minimum_weight", links=9))
    lines = "\n".join(explanation(found))
    assert "minimum_weight: mean over B of min(n(AB), n(BC))" in lines
    assert "n(A) 6, n(B) 8, n(C) 4, n(AB) 4, n(BC) 2" in lines
    assert "Alpha disease - Beta protein (since 1980): a b e [PMID 3, as 'a' and 'b']" in lines
    write_network(found, tmp_path / "out.json")
    elements = json.loads((tmp_path / "out.json").read_bytes())["elements"]
    assert {node["data"]["id"]: node["data"]["role"] for node in elements["nodes"]} == {
        "start": "start", B: "link", E: "link", G: "link", C: "result", D: "result",
    }  # fmt: skip
    assert len(elements["edges"]) == 9
    write_network(found, tmp_path / "out.graphml")
    root = etree.parse(tmp_path / "out.graphml").getroot()
    names = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(root.findall(f".//{names}node")) == 6
    assert len(root.findall(f".//{names}edge")) == 9
    with pytest.raises(LitmineError, match=r"ends in .graphml or .json"):
        write_network(found, tmp_path / "out.txt")


def test_the_lake_returns_a_table(twenty: Lake) -> None:
    table = twenty.discover("Alpha disease", to=("Chemical",), until=1988, rules=RULES, links=1)
    assert table.schema == SCHEMA
    assert sorted(table["concept"].to_pylist()) == ["Delta salt", "Gamma oil"]
    empty = twenty.discover("Alpha disease", to=("Gene",), until=1988, rules=RULES)
    assert (empty.schema, len(empty)) == (SCHEMA, 0)


def test_ranks_are_by_score(twenty: Lake) -> None:
    for measure in ("linking_terms", "minimum_weight", "npmi", "fisher", "dwpc"):
        rows = by_result(search(twenty, A, measure=measure, known=9, links=1)).values()
        scores = [row["score"] for row in sorted(rows, key=lambda row: row["rank"])]
        assert all(one >= other for one, other in pairwise(scores))
