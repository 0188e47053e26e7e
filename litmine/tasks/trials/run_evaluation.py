"""Run `litmine evaluate trials`: score a model on corpora, each with the heads of its guideline."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from litmine.corpora.registry import registry
from litmine.errors import CorpusError
from litmine.nn.references import model_folder_errors
from litmine.specs import EvaluationResult, spec_by_name
from litmine.tasks.ner.evaluate import Predictions, predict
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.report import make_report, report_lines, report_record
from litmine.tasks.ner.run_evaluation import open_corpora
from litmine.tasks.ner.settings import TaggerSettings
from litmine.tasks.registry import find_model
from litmine.tasks.trials.evaluation_settings import TrialEvaluation
from litmine.tasks.trials.mentions import split_head_name
from litmine.tasks.trials.settings import TASK, identify
from litmine.tasks.trials.word_scores import MACRO, count_words, macro_interval, word_record

_LISTED = 10


def run_evaluation(evaluation: TrialEvaluation) -> EvaluationResult:
    """Score the model on each file.

    Raises CorpusError for a file that cannot be read or follows no guideline of the model, SettingError for two files
    with one name, and ModelError for a model that cannot be loaded.
    """
    scored = [_predict(evaluation, reference) for reference in evaluation.data]
    records = {one.corpus.name: _record(evaluation, one) for one in scored}
    return EvaluationResult(
        record=records if len(records) > 1 else next(iter(records.values())),
        table=list(_table(evaluation, scored)),
        notes=[f"intervals: 95 %, {evaluation.resamples:,} bootstrap resamples of each file's documents"],
    )


def _predict(evaluation: TrialEvaluation, reference: str) -> Predictions:
    _, folder, name = find_model(evaluation.model, [spec_by_name(TASK)])
    assert isinstance(folder, Path)
    with model_folder_errors(folder):
        heads = TaggerSettings.load(folder).heads
        model = identify(folder, name)
    guidelines = dict.fromkeys(split_head_name(head.name)[1] or head.corpora[0] for head in heads)
    # The name of the corpus is known before its types are renamed.
    (corpus,) = open_corpora([reference], evaluation.type_map, evaluation.tags)
    guideline = evaluation.guideline or corpus.name
    if guideline not in guidelines:
        raise CorpusError(
            f"{reference} follows the guideline {guideline!r}, which {model} does not have; name one of its guidelines"
            f" with --guideline: {', '.join(guidelines)}"
        )
    if guideline in registry():
        renamed = tuple((registry()[guideline].types | dict(evaluation.type_map)).items())
        (corpus,) = open_corpora([reference], renamed, evaluation.tags)
    names = [head.name for head in heads if guideline in (split_head_name(head.name)[1], *head.corpora)]
    tagger = load_folder(
        folder, name, precision=evaluation.precision, heads=names, batch_tokens=evaluation.batch_tokens
    )
    found = predict(tagger, corpus)
    return Predictions(model, found.corpus, found.spans, found.counts)


def _record(evaluation: TrialEvaluation, predictions: Predictions) -> dict[str, Any]:
    report = make_report(predictions, resamples=evaluation.resamples)
    record = report_record(report, evaluation.intervals, None, _LISTED)
    return record | {"words": word_record(predictions, evaluation.resamples, evaluation.intervals)}


def _table(evaluation: TrialEvaluation, scored: Sequence[Predictions]) -> Iterator[str]:
    for number, predictions in enumerate(scored):
        if number:
            yield ""
        yield from report_lines(make_report(predictions, resamples=evaluation.resamples), None, _LISTED)
        words = word_record(predictions)
        low, high = macro_interval(count_words(predictions), evaluation.resamples)
        by_type = ", ".join(f"{name} {words[name]['f1']:.2f}" for name in predictions.corpus.entity_types)
        yield f"F1 of words: {by_type}; mean of the types {words[MACRO]:.2f} ({low:.2f} to {high:.2f})"
