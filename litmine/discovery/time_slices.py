"""Time slices: what a lake says until a year, judged by the pairs of concepts that first appear in later years."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from litmine.discovery.concept_graph import ConceptGraph
from litmine.discovery.metrics import METRICS, mean_with_interval, ranking_scores
from litmine.discovery.paths import MEASURES, PathFinder
from litmine.discovery.request import concepts_with
from litmine.discovery.ruled_concepts import RuledConcepts
from litmine.discovery.rules import DiscoveryRules
from litmine.discovery.statistics import Floats
from litmine.errors import DiscoveryError
from litmine.lake.concept_matrix import NO_YEAR, Integers, count_pairs

BASELINES = ("frequency", "preferential_attachment")
RANKINGS = (*MEASURES, *BASELINES)


@dataclass(frozen=True, slots=True)
class SliceSettings:
    """The slices and what is searched in each. Raises DiscoveryError for a year that is given twice.

    years: the last years of slices. horizon: how many years after count as later. starts: at most so many start
    concepts for each year, drawn by the seed. fewest: articles of a start until the year. to, via: as in a search.
    """

    years: Sequence[int]
    horizon: int = 5
    starts: int = 200
    fewest: int = 5
    to: Sequence[str] = ()
    via: Sequence[str] = ()
    rules: DiscoveryRules = field(default_factory=DiscoveryRules)
    seed: int = 0

    def __post_init__(self) -> None:
        if repeated := [year for year in self.years if list(self.years).count(year) > 1]:
            raise DiscoveryError(
                f"`years` has {repeated[0]} twice; a measure is chosen on some years and judged on others"
            )


@dataclass(slots=True)
class SliceScores:
    """The metrics of each ranking (a measure or baseline) for each start, by year: `values[year][ranking][metric]`."""

    values: dict[int, dict[str, dict[str, list[float]]]] = field(default_factory=dict)

    def of_years(self, years: Sequence[int]) -> dict[str, dict[str, list[float]]]:
        """The values of all starts of some years, by ranking and metric."""
        found: dict[str, dict[str, list[float]]] = {name: {metric: [] for metric in METRICS} for name in RANKINGS}
        for year in years:
            for name, metrics in self.values.get(year, {}).items():
                for metric, values in metrics.items():
                    found[name][metric] += values
        return found


def evaluate_slices(graph: ConceptGraph, settings: SliceSettings) -> SliceScores:
    """Rank the candidates of start concepts of each year by every measure and baseline.

    A candidate is a concept that the rules leave and that is with the start in no article until the year; it is right
    if it is with the start in an article of the years after, up to the horizon. Raises DiscoveryError if no year has a
    start with a right and a wrong candidate.
    """
    scores = SliceScores()
    for year in sorted({*settings.years}):
        found = _slice(graph, settings, year)
        if found:
            scores.values[year] = found
    if not scores.values:
        raise DiscoveryError(
            "no year has a start concept with a pair that is new later; take other `years`, or a larger `horizon`"
        )
    return scores


def choose_measure(scores: SliceScores) -> tuple[str, list[int], list[int]]:
    """The measure with the best mean average precision on every other year, these years, and the years left to report.

    With one year it is both.
    """
    years = sorted(scores.values)
    chosen_on, reported = (years[::2], years[1::2]) if len(years) > 1 else (years, years)
    means = {name: np.mean(scores.of_years(chosen_on)[name]["average_precision"]) for name in MEASURES}
    return max(MEASURES, key=lambda name: float(means[name])), chosen_on, reported


def notes_on_years(scores: SliceScores, settings: SliceSettings) -> list[str]:
    """What a reader of the figures must know of the years: those without a start, and slices that are not independent.

    The figures are too good where a measure is judged on the year that it was chosen on.
    """
    notes = [
        f"{year} is left out: no concept that may be a start has a pair that is new in the years after"
        for year in sorted(settings.years)
        if year not in scores.values
    ]
    years = sorted(scores.values)
    if len(years) == 1:
        notes.append(
            f"the measure is chosen and reported on the same year, {years[0]}, so its figures are too good; give"
            " several `years`"
        )
    elif any(later - earlier < settings.horizon for earlier, later in pairwise(years)):
        notes.append(
            f"years less than a `horizon` of {settings.horizon} apart share later articles, so the years that are"
            " reported are not independent of those of the choice"
        )
    return notes


def summary(scores: SliceScores, years: Sequence[int]) -> dict[str, dict[str, list[float]]]:
    """Mean and interval of each metric by ranking, in percent, and of the difference to the best baseline.

    `average_precision_gain` is the mean difference of average precision to the baseline with the best mean.
    """
    values = scores.of_years(years)
    best = max(BASELINES, key=lambda name: float(np.mean(values[name]["average_precision"])))
    table: dict[str, dict[str, list[float]]] = {}
    for name in RANKINGS:
        table[name] = {metric: _percent(values[name][metric]) for metric in METRICS}
        gain = np.subtract(values[name]["average_precision"], values[best]["average_precision"])
        table[name]["average_precision_gain"] = _percent(gain.tolist())
    return table


def _percent(values: Sequence[float]) -> list[float]:
    return [round(100 * one, 2) for one in mean_with_interval(values)]


def _slice(graph: ConceptGraph, settings: SliceSettings, year: int) -> dict[str, dict[str, list[float]]]:
    years = graph.matrix.years
    before = (years != NO_YEAR) & (years <= year)
    after = (years > year) & (years <= year + settings.horizon)
    if not before.any() or not after.any():
        return {}
    finder, later = PathFinder(graph.matrix.select(before)), PathFinder(graph.matrix.select(after))
    degrees = _degrees(finder)
    ruled = RuledConcepts(graph.facts, finder.articles, finder.total)
    via, to = (concepts_with(one, graph.facts) for one in (settings.via, settings.to))
    rng = np.random.default_rng([settings.seed, year])
    possible = np.flatnonzero((finder.articles >= settings.fewest) & (later.articles > 0))
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    judged = 0
    for start in rng.permutation(possible).tolist():
        if judged == settings.starts:
            break
        if not _is_start(settings.rules, finder, start):
            continue
        allowed, _ = ruled.allowed(settings.rules, [start])
        articles = finder.articles_with([start])
        edges = finder.edges(articles)
        candidates = allowed & to
        candidates[edges.concepts] = False
        with_start = np.zeros(len(candidates), np.bool_)
        with_start[later.edges(later.articles_with([start])).concepts] = True
        right = with_start[candidates]
        if not right.any() or right.all():
            continue
        judged += 1
        paths = finder.reach(articles, edges.some((allowed & via)[edges.concepts]), candidates)
        columns: dict[str, Floats] = {"frequency": finder.articles.astype(float), "preferential_attachment": degrees}
        for measure, values in paths.scores.items():
            columns[measure] = np.full(len(candidates), -1.0)
            columns[measure][paths.concepts] = values
        for name, column in columns.items():
            for metric, value in ranking_scores(column[candidates], right, start).items():
                found[name][metric].append(value)
    return {name: dict(metrics) for name, metrics in found.items()}


def _is_start(rules: DiscoveryRules, finder: PathFinder, start: int) -> bool:
    """A start is no concept of most articles: nobody searches from it."""
    return bool(finder.articles[start] <= rules.most_frequent * finder.total)


def _degrees(finder: PathFinder) -> Floats:
    """The number of concepts that each concept is together with."""
    count = len(finder.articles)
    degrees = np.zeros(count)
    for first, second, _, _ in count_pairs(finder.matrix):
        keys: Integers = np.unique(first * count + second)
        degrees += np.bincount(keys // count, minlength=count) + np.bincount(keys % count, minlength=count)
    return degrees
