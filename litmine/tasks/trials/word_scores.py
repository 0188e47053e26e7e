"""Scores by words: a word counts for a type if a mention of the type covers a part of it.

Long mentions, as those of EBM-NLP, seldom have the same bounds in two annotations, so this corpus is scored by words
(Nye et al. 2018, doi:10.18653/v1/P18-1019). Words are what white space divides, which are EBM-NLP's tokens.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.ner.confidence import RESAMPLES, SEED, bootstrap
from litmine.tasks.ner.evaluate import Counts, Predictions, precision_recall_f1, score_counts
from litmine.types import Span

MACRO = "macro_f1"
_WORD = re.compile(r"\S+")


def count_words(predictions: Predictions) -> Counts:
    """Count correct, predicted and gold words, (passages, types, 3), types in the order of the corpus."""
    types = predictions.corpus.entity_types
    rows = []
    for passage, found in zip(predictions.corpus.passages, predictions.spans, strict=True):
        words = np.array([match.span() for match in _WORD.finditer(passage.text)]).reshape(-1, 2)
        gold, predicted = (_covered(words, spans, types) for spans in (passage.spans, found))
        rows.append(np.stack([(gold & predicted).sum(0), predicted.sum(0), gold.sum(0)], axis=1))
    return np.stack(rows)


def word_record(predictions: Predictions, resamples: int = RESAMPLES, intervals: bool = False) -> dict[str, Any]:
    """Precision, recall and F1 of words (percent) by type and `micro`, and the mean of the types' F1 as `macro_f1`.

    With `intervals`, each has its 95 % interval, from a bootstrap over the passages.
    """
    types, counts = predictions.corpus.entity_types, count_words(predictions)
    record: dict[str, Any] = {name: dict(score) for name, score in score_counts(counts, types).items()}
    record[MACRO] = _macro(counts.sum(0))
    if intervals:
        for name, bounds in bootstrap(counts, types, resamples).items():
            record[name]["intervals"] = bounds
        record[f"{MACRO}_interval"] = macro_interval(counts, resamples)
    return record


def macro_interval(counts: Counts, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The 95 % interval of the mean F1 of the types, from counts (passages, types, 3)."""
    random = np.random.default_rng(SEED)
    draws = [_macro(counts[random.integers(len(counts), size=len(counts))].sum(0)) for _ in range(resamples)]
    low, high = np.percentile(draws, (2.5, 97.5)).tolist()
    return low, high


def _macro(totals: NDArray[np.int64]) -> float:
    return float(precision_recall_f1(totals)[:, 2].mean())


def _covered(words: NDArray[np.int64], spans: Sequence[Span], types: Sequence[str]) -> NDArray[np.bool_]:
    """Which words (words, types) a span of each type covers."""
    covered = np.zeros((len(words), len(types)), dtype=bool)
    for span in spans:
        if span.entity_type in types:
            inside = (words[:, 0] < span.end_char) & (words[:, 1] > span.start_char)
            covered[inside, types.index(span.entity_type)] = True
    return covered
