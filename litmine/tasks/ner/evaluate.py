"""A tagger against a corpus: each passage read alone, exact span and type."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from litmine.corpora.corpus import Corpus
from litmine.errors import CorpusError
from litmine.tasks.ner.metrics import Counts, Scores, count_spans, score_counts
from litmine.tasks.ner.tagger import Tagger
from litmine.types import Entity, Span


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
