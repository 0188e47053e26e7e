"""A tagger against a corpus: each passage read alone, exact span and type.

Exact-match scores of entities: counts by passage and type in, precision, recall and F1 out, in percent.

The figures are those that seqeval (Nakayama 2018) gives in strict mode on the same tags, as long as the tags are
well-formed: of an I that follows nothing strict mode makes no mention.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from litmine.corpora.corpus import Corpus
from litmine.errors import CorpusError
from litmine.tasks.ner.tagger import Tagger
from litmine.types import Entity, Span

MICRO = "micro"
FIGURES = ("precision", "recall", "f1")

Scores = dict[str, dict[str, float]]
Counts = NDArray[np.int64]


def count_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], entity_types: Sequence[str]) -> Counts:
    """Right, found and gold mentions, (passages, types, 3), from a (gold, predicted) pair a passage.

    A mention that a passage marks twice counts once; types other than `entity_types` are ignored on both sides.
    """
    column = {entity_type: i for i, entity_type in enumerate(entity_types)}
    rows: list[Counts] = []
    for gold, predicted in pairs:
        row = np.zeros((len(entity_types), 3), dtype=np.int64)
        wanted, found = set(gold), set(predicted)
        for place, spans in enumerate((wanted & found, found, wanted)):
            for span in spans:
                if span.entity_type in column:
                    row[column[span.entity_type], place] += 1
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, len(entity_types), 3), dtype=np.int64)


def with_micro(counts: NDArray[np.number]) -> NDArray[np.number]:
    """The counts (..., types, 3) and, as one type more, their sum."""
    return np.concatenate([counts, counts.sum(axis=-2, keepdims=True)], axis=-2)


def figures(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Precision, recall and F1 in percent, (..., 3), of right, found and gold (..., 3); 0 where there is nothing."""
    right, found, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    parts = (100 * right, found), (100 * right, gold), (200 * right, found + gold)
    return np.stack([np.divide(part, of, out=np.zeros_like(part), where=of > 0) for part, of in parts], axis=-1)


def score_counts(counts: Counts, entity_types: Sequence[str]) -> Scores:
    """Precision, recall, F1 (percent) and support by type and `micro`, from counts (passages, types, 3)."""
    totals = with_micro(counts.sum(axis=0))
    return {
        name: dict(zip(FIGURES, row.tolist(), strict=True)) | {"support": int(total[2])}
        for name, row, total in zip([*entity_types, MICRO], figures(totals), totals, strict=True)
    }


def score_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], entity_types: Sequence[str]) -> Scores:
    """Precision, recall, F1 (percent) and support by type and `micro`, from (gold, predicted) pairs.

    Types other than `entity_types` are ignored on both sides.
    """
    return score_counts(count_spans(pairs, entity_types), entity_types)


@dataclass(frozen=True, slots=True)
class Predictions:
    """What one model found in a corpus: a passage's spans at the passage's place, of the corpus' types alone.

    `counts` are right, found and gold mentions, (passages, types, 3), types in the order of the corpus.
    """

    model: str
    corpus: Corpus
    spans: tuple[tuple[Span, ...], ...] = field(repr=False)
    counts: Counts = field(repr=False, compare=False)

    @property
    def scores(self) -> Scores:
        """Precision, recall, F1 (percent) and support by type and `micro`."""
        return score_counts(self.counts, self.corpus.entity_types)


def predict(tagger: Tagger, corpus: Corpus) -> Predictions:
    """What the heads in use find (CorpusError when the corpus annotates a type that is none of theirs)."""
    missing = [entity_type for entity_type in corpus.entity_types if entity_type not in tagger.entity_types]
    if missing:
        raise CorpusError(
            f"{corpus.path} annotates {', '.join(missing)} and {tagger.name} finds {', '.join(tagger.entity_types)};"
            " rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
        )
    found = tagger.annotate([passage.text for passage in corpus.passages])
    spans = tuple(_spans(entities, corpus.entity_types) for entities in found)
    gold = [passage.spans for passage in corpus.passages]
    counts = count_spans(zip(gold, spans, strict=True), corpus.entity_types)
    return Predictions(tagger.name, corpus, spans, counts)


def evaluate(tagger: Tagger, corpus: Corpus) -> Scores:
    """Scores of the heads in use, over the types that the corpus annotates (CorpusError as `predict`)."""
    return predict(tagger, corpus).scores


def _spans(entities: Sequence[Entity], entity_types: Sequence[str]) -> tuple[Span, ...]:
    return tuple(
        Span(entity.start_char, entity.end_char, entity.entity_type)
        for entity in entities
        if entity.entity_type in entity_types
    )
