"""Score a tagger on a corpus: precision, recall and F1 in percent, by exact match of span and type.

Each passage is tagged separately. On well-formed tags the scores equal those of seqeval (Nakayama 2018) in strict mode;
that mode ignores an I tag without a mention before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from litmine.corpora.corpus import Corpus
from litmine.errors import CorpusError
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.ner.term_tagger import TermTagger
from litmine.tasks.ner.type_rules import Guideline
from litmine.tasks.ner.variant_tagger import VariantTagger
from litmine.types import Entity, Span

MICRO = "micro"
METRICS = ("precision", "recall", "f1")

Scores = dict[str, dict[str, float]]
Counts = NDArray[np.int64]


def count_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], entity_types: Sequence[str]) -> Counts:
    """Count correct, predicted and gold mentions, (passages, types, 3), from a (gold, predicted) pair per passage.

    Duplicate mentions of a passage count once; types other than `entity_types` are ignored on both sides.
    """
    column = {entity_type: i for i, entity_type in enumerate(entity_types)}
    rows: list[Counts] = []
    for gold, predicted in pairs:
        row = np.zeros((len(entity_types), 3), dtype=np.int64)
        gold_set, predicted_set = set(gold), set(predicted)
        for place, spans in enumerate((gold_set & predicted_set, predicted_set, gold_set)):
            for span in spans:
                if span.entity_type in column:
                    row[column[span.entity_type], place] += 1
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, len(entity_types), 3), dtype=np.int64)


def with_micro(counts: NDArray[np.number]) -> NDArray[np.number]:
    """Append the sum over the types: (..., types, 3) to (..., types + 1, 3)."""
    return np.concatenate([counts, counts.sum(axis=-2, keepdims=True)], axis=-2)


def precision_recall_f1(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Precision, recall and F1 in percent, (..., 3), of correct, predicted and gold counts (..., 3); 0 for 0/0."""
    correct, predicted, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    parts = (100 * correct, predicted), (100 * correct, gold), (200 * correct, predicted + gold)
    return np.stack([np.divide(part, of, out=np.zeros_like(part), where=of > 0) for part, of in parts], axis=-1)


def score_counts(counts: Counts, entity_types: Sequence[str]) -> Scores:
    """Precision, recall, F1 (percent) and support by type and `micro`, from counts (passages, types, 3)."""
    totals = with_micro(counts.sum(axis=0))
    return {
        name: dict(zip(METRICS, row.tolist(), strict=True)) | {"support": int(total[2])}
        for name, row, total in zip([*entity_types, MICRO], precision_recall_f1(totals), totals, strict=True)
    }


def score_spans(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], entity_types: Sequence[str]) -> Scores:
    """Precision, recall, F1 (percent) and support by type and `micro`, from (gold, predicted) pairs.

    Types other than `entity_types` are ignored on both sides.
    """
    return score_counts(count_spans(pairs, entity_types), entity_types)


@dataclass(frozen=True, slots=True)
class Predictions:
    """One model's predictions on a corpus: the spans of each passage, of the corpus' entity types only.

    `counts`: correct, predicted and gold mentions, (passages, types, 3), types in the order of the corpus.
    """

    model: str
    corpus: Corpus
    spans: tuple[tuple[Span, ...], ...] = field(repr=False)
    counts: Counts = field(repr=False, compare=False)

    @property
    def scores(self) -> Scores:
        """Precision, recall, F1 (percent) and support by type and `micro`."""
        return score_counts(self.counts, self.corpus.entity_types)


def predict(tagger: Tagger | TermTagger | VariantTagger, corpus: Corpus) -> Predictions:
    """Tag a corpus. Raises CorpusError when it annotates a type that no head in use finds."""
    missing = [entity_type for entity_type in corpus.entity_types if entity_type not in tagger.entity_types]
    if missing:
        raise CorpusError(
            f"{corpus.path} annotates {', '.join(missing)}, but {tagger.name} finds {', '.join(tagger.entity_types)};"
            " rename the type with --map NAME=TYPE, or drop it with --map NAME=-; for a known corpus, `litmine corpora"
            " show NAME` tells which type is which"
        )
    guideline = Guideline(frozenset(corpus.entity_types), corpus=corpus.name)
    found = judged_entities(tagger, [passage.text for passage in corpus.passages], guideline)
    spans = tuple(_spans(entities, corpus.entity_types) for entities in found)
    gold = [passage.spans for passage in corpus.passages]
    counts = count_spans(zip(gold, spans, strict=True), corpus.entity_types)
    return Predictions(tagger.name, corpus, spans, counts)


def judged_entities(
    tagger: Tagger | TermTagger | VariantTagger, texts: Sequence[str], guideline: Guideline
) -> list[list[Entity]]:
    """The entities of each text for a comparison with a corpus (`Tagger.annotate`)."""
    return tagger.annotate(texts, guideline) if isinstance(tagger, Tagger) else tagger.annotate(texts)


def evaluate(tagger: Tagger, corpus: Corpus) -> Scores:
    """Scores of the heads in use, for the types that the corpus annotates. Raises CorpusError as `predict`."""
    return predict(tagger, corpus).scores


def _spans(entities: Sequence[Entity], entity_types: Sequence[str]) -> tuple[Span, ...]:
    return tuple(
        Span(entity.start_char, entity.end_char, entity.entity_type)
        for entity in entities
        if entity.entity_type in entity_types
    )
