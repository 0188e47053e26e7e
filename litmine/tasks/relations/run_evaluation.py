"""Run `litmine evaluate relations`: score the relations that a model would store, on gold mentions or from raw text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.corpora.relation_corpus import RelationCorpus, read_relation_corpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.errors import CorpusError
from litmine.nn.references import read_description
from litmine.specs import BUILTIN, EvaluationResult, spec_by_name
from litmine.tasks.linking.bootstrap import Interval
from litmine.tasks.registry import find_model, load_model, load_task_model
from litmine.tasks.relations.evaluation_settings import RelationEvaluation
from litmine.tasks.relations.found import FoundRelation, found_relations
from litmine.tasks.relations.heads import guideline_of
from litmine.tasks.relations.judged_scores import f1_interval
from litmine.tasks.relations.mentions import join_mentions, related_type
from litmine.tasks.relations.metrics import (
    MICRO,
    RelationKey,
    all_pairs_baseline,
    asserted,
    gold_keys,
    relation_key,
    relation_scores,
    span_keys,
)
from litmine.tasks.relations.pairs import (
    PairKey,
    PairRule,
    candidate_pairs,
    identifier_pairs,
    most_frequent_types,
    sentence_spans,
)
from litmine.tasks.relations.settings import TASK, RelationSettings
from litmine.types import Entity

# Relates documents: their mentions, and the relations found between them.
Relater = Callable[[Sequence[AnnotatedDocument]], list[list[FoundRelation]]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged of a corpus: its relation types, the symmetric ones, and whether it relates identifiers."""

    types: frozenset[str]
    symmetric: frozenset[str]
    of_identifiers: bool
    documents: tuple[AnnotatedDocument, ...] = field(repr=False)


def run_evaluation(evaluation: RelationEvaluation) -> EvaluationResult:
    """Score the model on the file.

    Raises CorpusError for a file that cannot be read or has no relations, ModelError for a model, tagger or linker that
    cannot be loaded, and VocabularyError for an unknown or damaged vocabulary.
    """
    corpus = read_relation_corpus(evaluation.data, evaluation.corpus)
    if not evaluation.corpus and (name := recognized_corpus(corpus)):
        corpus = read_relation_corpus(evaluation.data, name)
        evaluation = replace(evaluation, corpus=name)
    judged = _judged(corpus, evaluation.asserted)
    name, relate = load_relater(evaluation)
    documents = judged.documents
    if evaluation.end_to_end:
        documents = tuple(_with_found_mentions(documents, evaluation, judged.of_identifiers))
    by_span = evaluation.end_to_end and not judged.of_identifiers
    gold = {
        one
        for one in (span_keys if by_span else gold_keys)(judged.documents, judged.symmetric)
        if one.relation_type in judged.types
    }
    rows = relate(documents)
    found = {
        key
        for document, of in zip(documents, rows, strict=True)
        for row in of
        if row.relation_type in judged.types and not (evaluation.asserted and (row.negated or row.speculated))
        for key in _keys(document, row, judged, by_span)
    }
    guessed = _baseline(corpus, judged, documents, by_span)
    scores = relation_scores(gold, found)
    intervals = _by_type(judged.documents, gold, found, evaluation.resamples)
    baseline = {kind: one["f1"] for kind, one in relation_scores(gold, guessed).items() if kind in scores}
    record: dict[str, Any] = {kind: dict(one) for kind, one in scores.items()}
    if evaluation.intervals:
        for kind, one in record.items():
            one["interval"], one["baseline"] = list(intervals[kind]), baseline.get(kind, 0.0)
    what = "pairs of identifiers" if judged.of_identifiers else "pairs of mentions"
    source = f", mentions found by {', '.join(evaluation.taggers or (BUILTIN,))}" if evaluation.end_to_end else ""
    heading = f"{evaluation.data.name}: {len(documents):,} documents, {what}, related by {name}{source}"
    return EvaluationResult(
        record=record,
        table=[heading, *_lines(scores, intervals, baseline)],
        notes=[*_notes(corpus, evaluation.resamples)],
    )


def recognized_corpus(corpus: RelationCorpus) -> str:
    """The declared corpus whose names of relation types and entity types the documents use, none of them litmine's own.

    Empty if there is none. Of several, which share a guideline, the first.
    """
    relations = {one.relation_type for document in corpus.documents for one in document.relations}
    entities = {one.entity_type for document in corpus.documents for one in document.entities}
    if not relations or relations & {kind.name for one in DECLARATIONS.values() for kind in one.kinds}:
        return ""
    fits = (
        name
        for name, one in DECLARATIONS.items()
        if relations <= one.relations.keys() and entities <= one.entities.keys()
    )
    return next(fits, "")


def load_relater(evaluation: RelationEvaluation) -> tuple[str, Relater]:
    """The name of the model, and a function that relates documents with it."""
    spec, folder, _ = find_model(evaluation.model, [spec_by_name(TASK)])
    more: dict[str, Any] = {}
    if evaluation.corpus and (head := _head_of(folder, evaluation.corpus)):
        more["heads"] = [head]
    model = load_task_model(
        evaluation.model, spec.name, precision=evaluation.precision, batch_tokens=evaluation.batch_tokens, **more
    )

    def relate(documents: Sequence[AnnotatedDocument]) -> list[list[FoundRelation]]:
        spans = [sentence_spans(one) for one in documents]
        if hasattr(model, "score_pairs"):
            return [
                found_relations(one.text, of, model.score_pairs(one.entities, of)) if of else []
                for one, of in zip(documents, spans, strict=True)
            ]
        found: list[list[FoundRelation]] = model.relate(
            [one.text for one in documents], [one.entities for one in documents], spans
        )
        return found

    return model.name, relate


def _head_of(folder: object, corpus: str) -> str:
    """The name of the head for a corpus of the model in a folder; empty if it has no such head."""
    if not isinstance(folder, Path) or "heads" not in read_description(folder):
        return ""
    heads = RelationSettings.load(folder).heads
    wanted = guideline_of(corpus).name
    return next((one.name for one in heads if corpus in one.corpora or one.name == wanted), "")


def _judged(corpus: RelationCorpus, only_asserted: bool) -> Judged:
    """What is judged. Raises CorpusError when the documents have no relation."""
    documents = tuple(asserted(one) if only_asserted else one for one in corpus.documents)
    relations = [one for document in documents for one in document.relations]
    if not relations:
        raise CorpusError(f"{corpus.path} has no relations to judge; give documents with relations")
    declaration = corpus.declaration
    if declaration is not None:
        types = frozenset(one.name for one in declaration.kinds) - guideline_of(corpus.name).left_out
        return Judged(types, declaration.symmetric_types, declaration.level == "identifiers", documents)
    kinds = {name: one.entity_type for document in documents for one in document.entities
             for name in (one.entity_id, *one.identifiers)}  # fmt: skip
    same = {one.relation_type for one in relations if kinds.get(one.arg1) == kinds.get(one.arg2)}
    return Judged(
        frozenset(one.relation_type for one in relations),
        frozenset(same),
        any(one.of_identifiers for one in relations),
        documents,
    )


def _with_found_mentions(
    documents: Sequence[AnnotatedDocument], evaluation: RelationEvaluation, link: bool
) -> Iterator[AnnotatedDocument]:
    """The documents with the mentions that the taggers find in them, linked if `link`, and without relations."""
    texts = [one.text for one in documents]
    found: list[list[dict[str, Any]]] = [[] for _ in texts]
    for ref in evaluation.taggers or (BUILTIN,):
        for of_text, entities in zip(found, _tag(texts, ref, evaluation, link), strict=True):
            of_text += [
                {
                    "start_char": one.start_char,
                    "end_char": one.end_char,
                    "entity_type": one.entity_type,
                    "identifier": one.identifier,
                }
                for one in entities
            ]
    for document, rows in zip(documents, found, strict=True):
        yield replace(document, entities=tuple(join_mentions(rows)), relations=())


def _tag(texts: Sequence[str], ref: str, evaluation: RelationEvaluation, link: bool) -> list[list[Entity]]:
    if link:
        linked = load_model(ref, link=True, linker=evaluation.linker, vocabulary=evaluation.vocabulary)
        return linked.annotate(texts)
    found: list[list[Entity]] = load_task_model(ref, "ner").annotate(texts)
    return found


def _keys(document: AnnotatedDocument, row: FoundRelation, judged: Judged, by_span: bool) -> list[RelationKey]:
    """The keys of a found relation: one for mentions, one for each pair of their identifiers."""
    if judged.of_identifiers:
        firsts, seconds = (one.split("|") if one else [] for one in (row.subject_id, row.object_id))
        return [
            relation_key(document.identifier, row.relation_type, first, second, judged.symmetric)
            for first in firsts
            for second in seconds
            if first != second
        ]
    ends = (
        (row.subject_start, row.subject_end, row.subject_type),
        (row.object_start, row.object_end, row.object_type),
    )
    if by_span:
        first, second = (f"{start:08} {end:08} {kind}" for start, end, kind in ends)
    else:
        ids = {_place(one): one.entity_id for one in document.entities}
        first, second = (ids[one] for one in ends)
    return [relation_key(document.identifier, row.relation_type, first, second, judged.symmetric)]


def _place(entity: AnnotatedEntity) -> tuple[int, int, str]:
    return entity.start, entity.end, related_type(entity.entity_type)


def _baseline(
    corpus: RelationCorpus, judged: Judged, documents: Sequence[AnnotatedDocument], by_span: bool
) -> set[RelationKey]:
    """Every pair of one sentence, with the most frequent relation type of its types in the gold documents."""
    types = {pair: name for pair, name in most_frequent_types(judged.documents).items() if name in judged.types}
    rule = PairRule(tuple(types), 0)
    if corpus.declaration is not None and not by_span:
        return all_pairs_baseline(documents, corpus.declaration, rule, types)
    found = set()
    for document in documents:
        pairs = candidate_pairs(document.entities, sentence_spans(document), rule)
        named: dict[PairKey, str] = {}
        if judged.of_identifiers:
            for key, of in identifier_pairs(pairs).items():
                named[key] = types[of[0].subject.entity_type, of[0].object.entity_type]
        else:
            for pair in pairs:
                ends = _end_key(pair.subject, by_span), _end_key(pair.object, by_span)
                named[ends] = types[pair.subject.entity_type, pair.object.entity_type]
        found |= {relation_key(document.identifier, name, *key, judged.symmetric) for key, name in named.items()}
    return found


def _end_key(entity: AnnotatedEntity, by_span: bool) -> str:
    return f"{entity.start:08} {entity.end:08} {entity.entity_type}" if by_span else entity.entity_id


def _by_type(
    documents: Sequence[AnnotatedDocument], gold: set[RelationKey], found: set[RelationKey], resamples: int
) -> dict[str, Interval]:
    """The interval of F1 of each relation type and micro."""
    names = sorted({one.relation_type for one in gold | found})
    intervals = {
        name: f1_interval(
            documents,
            {one for one in gold if one.relation_type == name},
            {one for one in found if one.relation_type == name},
            resamples,
        )
        for name in names
    }
    return {**intervals, MICRO: f1_interval(documents, gold, found, resamples)}


def _lines(
    scores: Mapping[str, Mapping[str, float]], intervals: Mapping[str, Interval], baseline: Mapping[str, float]
) -> Iterator[str]:
    width = max(14, *(len(name) + 2 for name in scores))
    headings = "".join(f"{one:>11}" for one in ("precision", "recall", "F1"))
    yield f"{'':{width}}{headings}{'95 % interval':>18}{'baseline':>11}{'support':>10}"
    for name, one in scores.items():
        shown = "".join(f"{one[key]:>11.2f}" for key in ("precision", "recall", "f1"))
        low, high = intervals[name]
        bounds = f"{low:.2f} to {high:.2f}"
        yield f"{name:{width}}{shown}{bounds:>18}{baseline.get(name, 0.0):>11.2f}{one['support']:>10.0f}"


def _notes(corpus: RelationCorpus, resamples: int) -> Iterator[str]:
    if corpus.report.dropped:
        yield f"{corpus.report.dropped:,} errors of the file do not count; `litmine corpora check` lists them"
    yield "baseline: F1 of relating every pair in one sentence, with the most frequent relation type of its types"
    yield f"intervals: 95 %, {resamples:,} bootstrap resamples of the documents"
