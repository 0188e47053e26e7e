"""Run `litmine evaluate linking`: score a linker on gold mentions, or from raw text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litmine.specs import EvaluationResult, spec_by_name
from litmine.tasks.linking.corpora import GoldCorpus, LinkingCorpus, check_type_map, equivalent_identifiers, read_gold
from litmine.tasks.linking.evaluate import LinkingJudge, LinkingScores, MentionFinder, score
from litmine.tasks.linking.evaluation_settings import LinkerEvaluation
from litmine.tasks.linking.folder import load_names, load_trained
from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.metrics import DOCUMENTS, end_to_end, end_to_end_intervals
from litmine.tasks.linking.settings import TASK, identify
from litmine.tasks.linking.vocabulary_concepts import VocabularyConcepts
from litmine.tasks.ner.evaluate import judged_entities
from litmine.tasks.ner.type_rules import Guideline
from litmine.tasks.registry import find_model, load_task_model
from litmine.vocabulary import Vocabulary, open_vocabulary


def run_evaluation(evaluation: LinkerEvaluation) -> EvaluationResult:
    """Score the linker on the file.

    Raises CorpusError for a file that cannot be read or has no identifiers, ModelError for a linker or tagger that
    cannot be loaded, and VocabularyError for an unknown or damaged vocabulary.
    """
    _, folder, name = find_model(evaluation.model, [spec_by_name(TASK)])
    # Only other tasks have models that are files.
    assert isinstance(folder, Path)
    _, trained = load_trained(folder)
    vocabulary = open_vocabulary(evaluation.vocabulary)
    model = identify(folder, name, vocabulary.reference)
    corpus = LinkingCorpus(evaluation.data.name, evaluation.data, type_map=dict(evaluation.type_map))
    gold = read_gold(corpus, equivalent_identifiers(vocabulary))
    check_type_map(corpus.type_map, [gold])
    find = tagger_mentions(evaluation, gold.types) if evaluation.end_to_end else None
    judge = LinkingJudge(trained, VocabularyConcepts(vocabulary), load_names(folder))
    heading = f"{evaluation.data.name}: {len(gold.gold):,} documents, linked by {model} to {vocabulary.reference}"
    if find is not None:
        return _end_to_end(evaluation, gold, judge, find, heading)
    scores = score(judge.judge(gold.gold), evaluation.resamples)
    return EvaluationResult(
        record={name: _record(found, evaluation.details) for name, found in scores.items()},
        table=[heading, *_accuracy_lines(scores)],
        notes=[*_corpus_notes(gold), *_accuracy_notes(scores, vocabulary, evaluation.resamples)],
    )


def tagger_mentions(evaluation: LinkerEvaluation, types: Sequence[str]) -> MentionFinder:
    """Finds the mentions of texts with the tagger of the settings, for a comparison with a corpus of these types.

    Raises ModelError when the tagger cannot be loaded.
    """
    tagger = load_task_model(
        evaluation.tagger, "ner", precision=evaluation.precision, batch_tokens=evaluation.batch_tokens
    )
    guideline = Guideline(frozenset(types), bare_genes=True)

    def find(texts: Sequence[str]) -> list[list[Mention]]:
        return [
            [Mention(one.start_char, one.end_char, one.entity_type) for one in found]
            for found in judged_entities(tagger, texts, guideline)
        ]

    return find


def _record(scores: LinkingScores, details: bool) -> dict[str, Any]:
    return scores.record() if details else {"accuracy": scores.accuracy, "support": scores.support}


def _end_to_end(
    evaluation: LinkerEvaluation, gold: GoldCorpus, judge: LinkingJudge, find: MentionFinder, heading: str
) -> EvaluationResult:
    pairs = judge.from_raw_text(gold.documents, find, gold.types)
    record, intervals = end_to_end(pairs), end_to_end_intervals(pairs, evaluation.resamples)
    if evaluation.details:
        _add_intervals(record, intervals)
        _add_intervals(record[DOCUMENTS], intervals[DOCUMENTS])
    return EvaluationResult(
        record=record,
        table=[f"{heading}, mentions found by {evaluation.tagger}", *_f1_lines(record, intervals)],
        notes=[*_corpus_notes(gold), _interval_note(evaluation.resamples)],
    )


def _add_intervals(record: dict[str, Any], intervals: Mapping[str, Any]) -> None:
    for name, bounds in intervals.items():
        if name != DOCUMENTS:
            record[name]["interval"] = list(bounds)


def _accuracy_lines(scores: Mapping[str, LinkingScores]) -> Iterator[str]:
    headings = ("accuracy", "95 % interval", "ceiling", "exact", "precision", "recall", "support")
    yield f"{'':12}" + "".join(f"{one:>{_width(one)}}" for one in headings)
    for name, one in scores.items():
        cells = (
            f"{one.accuracy:.2f}", f"{one.interval[0]:.2f} to {one.interval[1]:.2f}", f"{one.ceiling:.2f}",
            f"{one.stages['exact']:.2f}", f"{one.precision:.2f}", f"{one.recall:.2f}", f"{one.support}",
        )  # fmt: skip
        yield f"{name:12}" + "".join(
            f"{cell:>{_width(heading)}}" for cell, heading in zip(cells, headings, strict=True)
        )


def _width(heading: str) -> int:
    return max(10, len(heading) + 5)


def _f1_lines(record: Mapping[str, Any], intervals: Mapping[str, Any]) -> Iterator[str]:
    for title, scores, bounds in (
        ("mentions", {name: one for name, one in record.items() if name != DOCUMENTS}, intervals),
        (DOCUMENTS, record[DOCUMENTS], intervals[DOCUMENTS]),
    ):
        yield f"{title:12}{'precision':>10}{'recall':>10}{'F1':>10}{'95 % interval':>18}{'support':>10}"
        for name, one in scores.items():
            shown = "".join(f"{one[key]:>10.2f}" for key in ("precision", "recall", "f1"))
            low, high = bounds[name]
            yield f"{name:12}{shown}{f'{low:.2f} to {high:.2f}':>18}{one['support']:>10}"


def _corpus_notes(gold: GoldCorpus) -> Iterator[str]:
    if gold.misplaced:
        yield (
            f"{len(gold.misplaced):,} mentions are not at their offsets and do not count ({gold.misplaced[0]}"
            f"{', ...' if len(gold.misplaced) > 1 else ''})"
        )
    if gold.repeated:
        yield (
            f"documents that the file has more than once count once: {len(gold.repeated):,} ({gold.repeated[0]}"
            f"{', ...' if len(gold.repeated) > 1 else ''})"
        )
    if gold.other_types:
        types = ", ".join(f"{name} {count:,}" for name, count in sorted(gold.other_types.items()))
        yield f"mentions of types that no linker links do not count: {types}"


def _accuracy_notes(scores: Mapping[str, LinkingScores], vocabulary: Vocabulary, resamples: int) -> Iterator[str]:
    ceilings = ", ".join(f"{name} {one.ceiling:.1f}" for name, one in scores.items())
    exact = ", ".join(f"{name} {one.stages['exact']:.1f}" for name, one in scores.items())
    yield f"ceiling: share of the mentions of which {vocabulary.reference} has a gold concept, {ceilings}"
    yield f"exact: a name of the vocabulary that is the mention but for capitals, {exact}"
    yield "precision and recall: of the links that reach the threshold of `annotate`"
    yield _interval_note(resamples)


def _interval_note(resamples: int) -> str:
    return f"intervals: 95 %, {resamples:,} bootstrap resamples of the documents"
