"""Scores on a corpus: F1 with its interval, the baseline, and the area under the ROC curve of the pairs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from litmine.corpora.documents import AnnotatedDocument
from litmine.tasks.linking.bootstrap import Interval, f1, interval
from litmine.tasks.relations.metrics import MICRO, RelationKey, relation_key, relation_scores
from litmine.tasks.relations.pairs import PairRule, most_frequent_types, pair_keys
from litmine.tasks.relations.predict import ScoredKey
from litmine.tasks.relations.settings import RelationHead

SCORES_FILE = "scores.json"
_TABLE = """\
Micro F1 in percent over pairs of gold mentions, or of identifiers where the corpus relates these (the best pair of
mentions of two identifiers counts), at the threshold. *Baseline*: each pair in one sentence has the most frequent
relation of its types. *Area*: under the ROC curve, of whether a pair is related at all. *Kept*: right relations that
the threshold keeps. Intervals: 95 %, bootstrap over documents.

| corpus | relations | precision | recall | F1 | 95 % interval | baseline | area | kept |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class CorpusScores:
    """Scores in percent.

    by_type: precision, recall, F1 and support, by relation type and micro. interval: of micro F1. baseline: micro F1 of
    relating every pair of one sentence with the most frequent relation of its types. area: under the ROC curve, of
    whether a pair is related; None if all pairs are, or none. kept: share of the right relations that the threshold
    keeps, of those that are the best of their pair.
    """

    by_type: dict[str, dict[str, float]]
    interval: Interval
    baseline: float
    area: float | None
    kept: float

    def record(self) -> dict[str, Any]:
        """The scores for `scores.json`."""
        extra = {"interval": list(self.interval), "baseline": self.baseline, "area": self.area, "kept": self.kept}
        return {**self.by_type, MICRO: self.by_type[MICRO] | extra}

    def line(self) -> str:
        """The scores in one line."""
        micro = self.by_type[MICRO]
        low, high = self.interval
        area = "" if self.area is None else f", area {self.area:.1f}"
        return f"F1 {micro['f1']:.1f} ({low:.1f} to {high:.1f}), baseline {self.baseline:.1f}{area}"


def judge_corpus(
    head: RelationHead,
    documents: Sequence[AnnotatedDocument],
    gold: Collection[RelationKey],
    scored: Sequence[ScoredKey],
    train: Sequence[AnnotatedDocument],
) -> CorpusScores:
    """The scores of a head on documents at its threshold. train: for the baseline, the documents that were learnt."""
    return corpus_scores(documents, gold, scored, head.threshold, cooccurrence(head, documents, train))


def corpus_scores(
    documents: Sequence[AnnotatedDocument],
    gold: Collection[RelationKey],
    scored: Sequence[ScoredKey],
    threshold: float,
    guessed: Collection[RelationKey],
) -> CorpusScores:
    """The scores of what is found in documents at a threshold. guessed: the relations of the baseline."""
    wanted = set(gold)
    found = {one.key for one in scored if one.score >= threshold}
    right = [one.score for one in scored if one.key in wanted]
    kept = 100 * sum(score >= threshold for score in right) / len(right) if right else 0.0
    baseline = relation_scores(wanted, set(guessed))[MICRO]["f1"]
    return CorpusScores(
        relation_scores(wanted, found), f1_interval(documents, wanted, found), baseline, _area(wanted, scored), kept
    )


def write_scores(folder: Path, scores: Mapping[str, CorpusScores]) -> None:
    """Write `scores.json` into a model's folder."""
    record = {name: one.record() for name, one in scores.items()}
    (folder / SCORES_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def score_table(scores: Mapping[str, CorpusScores]) -> str:
    """The scores as a Markdown table for a model card, with what its columns mean."""
    rows = [f"| {' | '.join(_cells(name, one))} |" for name, one in scores.items()]
    return "\n".join([_TABLE, *(rows or [f"|{' – |' * 9}"])])


def _cells(name: str, one: CorpusScores) -> Sequence[str]:
    micro = one.by_type[MICRO]
    low, high = one.interval
    return (
        name, f"{micro['support']:,.0f}", f"{micro['precision']:.1f}", f"{micro['recall']:.1f}", f"{micro['f1']:.1f}",
        f"{low:.1f} to {high:.1f}", f"{one.baseline:.1f}", "–" if one.area is None else f"{one.area:.1f}",
        f"{one.kept:.1f}",
    )  # fmt: skip


def f1_interval(
    documents: Sequence[AnnotatedDocument],
    gold: Collection[RelationKey],
    found: Collection[RelationKey],
    resamples: int = 1_000,
) -> Interval:
    """The 95 % interval of micro F1, by bootstrap over documents; (0, 0) if there is nothing to find."""
    place = {one.identifier: number for number, one in enumerate(documents)}
    counts = np.zeros((len(place), 3))
    for column, keys in enumerate((set(gold), set(found), set(gold) & set(found))):
        for key in keys:
            counts[place[key.document], column] += 1
    if not counts[:, :2].any():
        return 0.0, 0.0
    return interval(counts, f1, resamples)


def cooccurrence(
    head: RelationHead, documents: Sequence[AnnotatedDocument], train: Sequence[AnnotatedDocument]
) -> set[RelationKey]:
    """The relations of the baseline: each pair of a sentence has the most frequent relation of its types in train."""
    symmetric = {one.name for one in head.relations if one.symmetric}
    types = most_frequent_types(train)
    known = {one.name for one in head.relations}
    rule = PairRule(head.rule.type_pairs, 0)
    return {
        relation_key(document.identifier, types[pair], *key, symmetric)
        for document in documents
        for key, pair in pair_keys(document, rule, head.level == "identifiers").items()
        if types.get(pair) in known
    }


def _area(gold: Collection[RelationKey], scored: Sequence[ScoredKey]) -> float | None:
    """The area under the ROC curve in percent: the chance that a related pair scores above another one."""
    related = {(one.document, frozenset((one.arg1, one.arg2))) for one in gold}
    positive = np.array([(one.key.document, frozenset((one.key.arg1, one.key.arg2))) in related for one in scored])
    if not len(positive) or positive.all() or not positive.any():
        return None
    scores = np.array([one.score for one in scored])
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = (np.cumsum(counts) - (counts - 1) / 2)[ranks]
    wins = mean_ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return float(100 * wins / (positive.sum() * (~positive).sum()))
