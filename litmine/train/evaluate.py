"""A tagger against a corpus: each passage read alone, exact span and type."""

from collections.abc import Sequence

from litmine.errors import CorpusError
from litmine.models.tagger import Tagger
from litmine.train.corpora import Corpus
from litmine.train.metrics import Scores, score_spans
from litmine.types import Entity, Span


def evaluate(tagger: Tagger, corpus: Corpus) -> Scores:
    """Scores of the heads in use, over the types that the corpus annotates (CorpusError when one is none of theirs)."""
    missing = [entity_type for entity_type in corpus.entity_types if entity_type not in tagger.entity_types]
    if missing:
        raise CorpusError(
            f"{corpus.path} annotates {', '.join(missing)} and {tagger.name} finds {', '.join(tagger.entity_types)};"
            " rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
        )
    found = tagger.annotate([passage.text for passage in corpus.passages])
    gold = [passage.spans for passage in corpus.passages]
    return score_spans(zip(gold, map(_spans, found), strict=True), corpus.entity_types)


def _spans(entities: Sequence[Entity]) -> list[Span]:
    return [Span(entity.start_char, entity.end_char, entity.entity_type) for entity in entities]
