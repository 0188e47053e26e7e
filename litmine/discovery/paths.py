"""Paths from a start over linking concepts to others, and their measures, from a matrix of articles and concepts.

A is the start (one concept, or a set that counts as one), B a linking concept, C a concept that is reached. n(X) is the
number of articles with X, n(XY) with both, N that of all articles. A path A-B-C needs n(AB) > 0 and n(BC) > 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from litmine.discovery.statistics import Floats, fisher_p, log10_fisher_p, normalised_pmi, q_values
from litmine.lake.concept_matrix import Booleans, ConceptMatrix, Integers

Measure = Literal["linking_terms", "minimum_weight", "npmi", "fisher", "dwpc"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
# What each measure is, for `--explain` and the documentation.
FORMULAS: dict[Measure, str] = {
    "linking_terms": "number of linking concepts B (Yetisgen-Yildiz and Pratt 2006)",
    "minimum_weight": "mean over B of min(n(AB), n(BC)) (Yetisgen-Yildiz and Pratt 2009)",
    "npmi": "sum over B of min(NPMI(A,B), NPMI(B,C)), negative ones as 0 (Bouma 2009)",
    "fisher": "sum over B of min(-log10 p(AB), -log10 p(BC)), one-sided Fisher's exact tests, both edges at a false"
    " discovery rate of 5 % (Fisher 1922; Benjamini and Hochberg 1995)",
    "dwpc": "sum over B of n(AB) n(BC) (n(A) n(B) n(B) n(C))^-0.4, the degree-weighted count of paths over articles"
    " (Himmelstein and Baranzini 2015)",
}
# The damping exponent of degree-weighted path counts, as its authors chose it.
DAMPING = 0.4
FALSE_DISCOVERY_RATE = 0.05
# So many concepts of articles, and so many counts of pairs, are handled at a time.
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Edges:
    """The association of one side with several concepts, in the order of the arrays.

    both: articles with both. articles: articles with the concept. first_years: of those with both, NO_YEAR for none.
    """

    concepts: Integers
    both: Integers
    articles: Integers
    first_years: Integers

    def some(self, kept: Booleans) -> "Edges":
        """The edges to some of the concepts."""
        return Edges(self.concepts[kept], self.both[kept], self.articles[kept], self.first_years[kept])


@dataclass(frozen=True, slots=True)
class Paths:
    """The measures of the concepts that are reached, in the order of `concepts`; `fisher` only if it was asked for."""

    concepts: Integers
    scores: dict[Measure, Floats] = field(default_factory=dict)


class PathFinder:
    """Finds paths in the articles of a matrix."""

    def __init__(self, matrix: ConceptMatrix) -> None:
        self.matrix = matrix
        self.total = len(matrix.pmids)
        self.articles = np.bincount(matrix.concepts, minlength=len(matrix.identifiers))
        self._article_of = matrix.articles_of_rows()

    def articles_with(self, concepts: Sequence[int]) -> Booleans:
        """Which articles have one of the concepts."""
        found = np.zeros(self.total, np.bool_)
        if len(concepts) == 1:
            entries = np.flatnonzero(self.matrix.concepts == concepts[0])
        else:
            wanted = np.zeros(len(self.matrix.identifiers), np.bool_)
            wanted[list(concepts)] = True
            entries = np.flatnonzero(wanted[self.matrix.concepts])
        found[self._article_of[entries]] = True
        return found

    def entries(self, articles: Booleans) -> tuple[Integers, Integers]:
        """The concepts of some articles, and the article of each."""
        some = np.flatnonzero(articles)
        lengths = np.diff(self.matrix.offsets)[some]
        shift = np.repeat(self.matrix.offsets[some] - (np.cumsum(lengths) - lengths), lengths)
        return self.matrix.concepts[np.arange(len(shift)) + shift], np.repeat(some, lengths)

    def edges(self, articles: Booleans) -> Edges:
        """The association of a set of articles with each concept that one of them has."""
        concepts, of = self.entries(articles)
        both = np.bincount(concepts, minlength=len(self.articles))
        years = self.matrix.years[of]
        first = np.full(len(self.articles), np.iinfo(np.int16).max, np.int16)
        dated = years > 0
        np.minimum.at(first, concepts[dated], years[dated])
        first[first == np.iinfo(np.int16).max] = 0
        found = np.flatnonzero(both)
        return Edges(found, both[found], self.articles[found], first[found])

    def reach(
        self, start: Booleans, links: Edges, candidates: Booleans, measures: Sequence[Measure] = MEASURES
    ) -> Paths:
        """The measures of all candidates that a linking concept leads to.

        start: the articles of A. links: the linking concepts. candidates: which concepts may be reached.
        """
        count = len(self.articles)
        size = int(start.sum())
        sums = {name: np.zeros(count) for name in ("terms", "weight", "npmi", "fisher", "dwpc")}
        npmi_first = normalised_pmi(links.both, links.articles, size, self.total)
        fisher_first = np.zeros(len(links.concepts))
        if "fisher" in measures:
            fisher_first = log10_fisher_p(links.both, size, links.articles, self.total)
            p = fisher_p(links.both, size, links.articles, self.total)
            fisher_first[q_values(p) > FALSE_DISCOVERY_RATE] = 0
        for link, concept, both in self._pairs(links.concepts, candidates):
            weight = np.minimum(links.both[link], both)
            sums["terms"] += np.bincount(concept, minlength=count)
            sums["weight"] += np.bincount(concept, weight, minlength=count)
            second = normalised_pmi(both, links.articles[link], self.articles[concept], self.total)
            least = np.maximum(0, np.minimum(npmi_first[link], second))
            sums["npmi"] += np.bincount(concept, least, minlength=count)
            degrees = size * links.articles[link].astype(np.float64) ** 2 * self.articles[concept]
            paths = links.both[link] * both.astype(np.float64) * degrees**-DAMPING
            sums["dwpc"] += np.bincount(concept, paths, minlength=count)
            if "fisher" in measures:
                sums["fisher"] += self._fisher(links, link, concept, both, fisher_first, count)
        reached = np.flatnonzero(sums["terms"])
        terms = sums["terms"][reached]
        scores: dict[Measure, Floats] = {
            "linking_terms": terms,
            "minimum_weight": sums["weight"][reached] / terms,
            "npmi": sums["npmi"][reached],
            "dwpc": sums["dwpc"][reached],
        }
        if "fisher" in measures:
            scores["fisher"] = sums["fisher"][reached]
        return Paths(reached, scores)

    def link_scores(
        self, start: Booleans, end: Booleans, links: Edges, last: Edges, measures: Sequence[Measure] = MEASURES
    ) -> dict[Measure, Floats]:
        """What each linking concept adds to the measures of one path; for `minimum_weight`, its weight.

        start, end: the articles of A and of C. links, last: its association with A and with C, of the same concepts.
        measures: `fisher`, which takes longest, is left out if it is not among them.
        """
        first_size, last_size = int(start.sum()), int(end.sum())
        weight = np.minimum(links.both, last.both).astype(np.float64)
        npmi = [
            normalised_pmi(one.both, one.articles, size, self.total)
            for one, size in ((links, first_size), (last, last_size))
        ]
        degrees = float(first_size) * float(last_size) * links.articles.astype(np.float64) ** 2
        scores: dict[Measure, Floats] = {
            "linking_terms": np.ones(len(weight)),
            "minimum_weight": weight,
            "npmi": np.maximum(0, np.minimum(*npmi)),
            "dwpc": links.both * last.both.astype(np.float64) * degrees**-DAMPING,
        }
        if "fisher" in measures:
            scores["fisher"] = np.minimum(
                log10_fisher_p(links.both, first_size, links.articles, self.total),
                log10_fisher_p(last.both, last_size, last.articles, self.total),
            )
        return scores

    def _fisher(
        self, links: Edges, link: Integers, concept: Integers, both: Integers, first: Floats, count: int
    ) -> Floats:
        """The sums of `fisher` for some pairs, which are all pairs of their linking concepts."""
        tested = np.flatnonzero(first[link] > 0)
        link, concept, both = link[tested], concept[tested], both[tested]
        if not len(link):
            return np.zeros(count)
        score = log10_fisher_p(both, links.articles[link], self.articles[concept], self.total)
        # The rate of false discoveries is held among the pairs of each linking concept.
        edges = np.flatnonzero(np.r_[True, link[1:] != link[:-1]])
        for begin, end in zip(edges, np.r_[edges[1:], len(link)], strict=True):
            part = score[begin:end]
            part[q_values(10.0**-part) > FALSE_DISCOVERY_RATE] = 0
        return np.bincount(concept, np.minimum(first[link], score), minlength=count).astype(np.float64)

    def _pairs(self, links: Integers, candidates: Booleans) -> Iterator[tuple[Integers, Integers, Integers]]:
        """Pairs of a linking concept (its position in `links`) and a candidate, with the articles that have both.

        All pairs of a linking concept come together.
        """
        matrix, count = self.matrix, len(self.articles)
        position = np.full(count, -1, np.int32)
        position[links] = np.arange(len(links), dtype=np.int32)
        rows = np.flatnonzero(position[matrix.concepts] >= 0)
        rows = rows[np.argsort(position[matrix.concepts[rows]], kind="stable")]
        link_of, articles = position[matrix.concepts[rows]], self._article_of[rows]
        column = np.full(count, -1, np.int32)
        wanted = np.flatnonzero(candidates)
        column[wanted] = np.arange(len(wanted), dtype=np.int32)
        if not len(wanted) or not len(rows):
            return
        starts, lengths = matrix.offsets[:-1], np.diff(matrix.offsets)
        ends = np.searchsorted(link_of, np.arange(len(links)), side="right")
        expanded = np.concatenate([[0], np.cumsum(lengths[articles])])
        at_most = max(1, _CHUNK // len(wanted))
        begin = 0
        while begin < len(links):
            first_row = int(ends[begin - 1]) if begin else 0
            limit = expanded[first_row] + _CHUNK
            end = int(np.searchsorted(expanded[ends], limit, side="right"))
            end = min(len(links), max(begin + 1, end), begin + at_most)
            some, some_links = articles[first_row : ends[end - 1]], link_of[first_row : ends[end - 1]]
            repeats = lengths[some]
            shift = np.repeat(starts[some] - (np.cumsum(repeats) - repeats), repeats)
            columns = column[matrix.concepts[np.arange(len(shift)) + shift]]
            kept = columns >= 0
            keys = (np.repeat(some_links - begin, repeats)[kept]).astype(np.int64) * len(wanted) + columns[kept]
            counts = np.bincount(keys, minlength=(end - begin) * len(wanted))
            found = np.flatnonzero(counts)
            links_found, columns_found = np.divmod(found, len(wanted))
            concepts_found = wanted[columns_found]
            # A concept is no path to itself.
            other = concepts_found != links[links_found + begin]
            yield (links_found + begin)[other], concepts_found[other], counts[found][other]
            begin = end
