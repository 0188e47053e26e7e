"""Explain in words and numbers how the scores of a search came about."""

from collections.abc import Iterator
from typing import Any

from litmine.discovery.discover import Discovery
from litmine.discovery.paths import FORMULAS


def explanation(found: Discovery) -> Iterator[str]:
    """Lines about the measure, the rules, and each result with the linking concepts that are shown."""
    measure = found.request.measure
    end = found.end or "C"
    yield f"A: {found.start}; B: a linking concept; C: {end if found.end else 'a result'}"
    yield f"n(X): articles with X; N: all {_all(found):,} articles that count"
    yield f"{measure}: {FORMULAS[measure]}"
    if measure == "fisher":
        yield "what B adds is shown before the control of false discoveries: it is 0 where an edge is not significant"
    if measure == "minimum_weight" and not found.end:
        yield "what B adds is shown before the mean is taken"
    yield from (
        f"left out: {number:,} concept{'s' * (number > 1)} {reason}" for reason, number in found.left_out.items()
    )
    rank = 0
    for row in found.table.to_pylist():
        if row["rank"] != rank:
            rank = row["rank"]
            yield ""
            yield _heading(row, found)
        yield f"   B {row['link']} ({row['link_id']}) adds {row['link_score']:.4g}: {_counts(row)}"
        for side, pair in ((1, (found.start, row["link"])), (2, (row["link"], row["concept"]))):
            relation = f", {row[f'relation_{side}']}" if row[f"relation_{side}"] else ""
            since = row[f"first_year_{side}"] or "unknown"
            yield f"     {' - '.join(pair)} (since {since}{relation}): {_quote(row, side, pair, found.request.read)}"


def _heading(row: dict[str, Any], found: Discovery) -> str:
    if found.end:
        return f"{row['rank']}. {row['link']}: {row['score']:.4g}"
    together = f"; together with the start in {row['together']}" if row["together"] else ""
    related = f"; related: {row['related']}" if row["related"] else ""
    found_by = f"{row['score']:.4g} over {row['linking_terms']:,} linking concepts"
    return f"{row['rank']}. {row['concept']} ({row['concept_id']}): {found_by}{together}{related}"


def _counts(row: dict[str, Any]) -> str:
    return (
        f"n(A) {row['start_articles']:,}, n(B) {row['link_articles']:,}, n(C) {row['concept_articles']:,},"
        f" n(AB) {row['articles_1']:,}, n(BC) {row['articles_2']:,}"
    )


def _quote(row: dict[str, Any], side: int, names: tuple[str, str], most: int) -> str:
    pmid, sentence = row[f"pmid_{side}"], row[f"sentence_{side}"]
    if pmid is None:
        return "no article to show"
    articles = row[f"articles_{side}"]
    read = "" if articles <= most else f" of the {most} that were read, of {articles:,},"
    before = {
        "one sentence": "",
        "two sentences": f"no article{read} has both in one sentence; from two sentences: ",
        "one mention": f"no article{read} has both but in one mention: ",
        "headings": f"no text{read} mentions both, which the record has as headings: ",
    }[row[f"named_in_{side}"]]
    words = row[f"named_as_{side}"].split(" | ")
    named = [word for word, name in zip(words, names, strict=False) if word and word.lower() != name.lower()]
    after = f", as {' and '.join(map(repr, named))}" if named else ""
    return f"{before}{sentence} [PMID {pmid}{after}]"


def _all(found: Discovery) -> int:
    return int(found.table["all_articles"][0].as_py()) if len(found.table) else 0
