"""Run `litmine evaluate classification`: score a classifier on labelled texts or sentences, and make the table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from litmine.corpora.held_out import held_out
from litmine.corpora.label_declarations import LABEL_DECLARATIONS
from litmine.errors import CorpusError, ModelError, SettingError
from litmine.settings import did_you_mean
from litmine.specs import EvaluationResult
from litmine.tasks.classification.evaluation_settings import ClassifierEvaluation
from litmine.tasks.classification.labelled_texts import LabelledFile, read_labelled
from litmine.tasks.classification.metrics import MACRO, MICRO
from litmine.tasks.classification.score import JudgedLabels, judge_file
from litmine.tasks.classification.settings import SENTENCE, Scheme
from litmine.tasks.registry import load_task_model

_HEADER = f"{'label':<40}{'precision':>10}{'recall':>10}{'F1':>8}{'in data':>9}"


def run_evaluation(evaluation: ClassifierEvaluation) -> EvaluationResult:
    """Score the model. Raises ModelError for a model that cannot be loaded, CorpusError for unreadable data."""
    for one in evaluation.labels:
        if not all(one.partition("=")):
            raise SettingError(f"--label {one} is not NEW=PATTERN, such as trial=*RCT*")
    file, report = read_labelled(evaluation.data, evaluation.corpus, evaluation.labels)
    if evaluation.held_out:
        file = replace(file, texts=tuple(one for one in file.texts if held_out(one.article)))
    if not any(one.spans and one.text.strip() for one in file.texts):
        raise CorpusError(f"{evaluation.data} has no labelled text to judge; give another file")
    model: Any = load_task_model(
        evaluation.model, "classification", precision=evaluation.precision, batch_tokens=evaluation.batch_tokens
    )
    schemes = getattr(model.settings, "schemes", None) or (model.settings.scheme,)
    scheme = choose_scheme(model.name, schemes, evaluation, file)
    judged = judge_file(model, scheme, file, evaluation.recall, evaluation.resamples)
    notes = []
    if report.dropped:
        notes.append(f"left out {report.dropped:,} errors of {evaluation.data}; `litmine corpora check` lists them")
    if unknown := [label for label in file.labels if label not in scheme.labels]:
        notes.append(f"the scheme {scheme.name} lacks {', '.join(unknown[:5])}, which count as missed")
    return EvaluationResult(judged.record(evaluation.intervals), _table(judged), notes)


def choose_scheme(
    model: str, schemes: Sequence[Scheme], evaluation: ClassifierEvaluation, file: LabelledFile
) -> Scheme:
    """The scheme to judge: the one named, that of the corpus, or the one that shares most labels with the file.

    Raises ModelError when the model has none.
    """
    names = [one.name for one in schemes]
    wanted = evaluation.scheme or (LABEL_DECLARATIONS[evaluation.corpus].scheme if evaluation.corpus else "")
    if wanted in names:
        return schemes[names.index(wanted)]
    if evaluation.scheme:
        raise ModelError(f"{model} has no scheme {wanted!r}{did_you_mean(wanted, names)}; it has {', '.join(names)}")
    unit = [one for one in schemes if (one.unit == SENTENCE) == file.sentences]
    best = max(unit, key=lambda one: len(set(one.labels) & set(file.labels)), default=None)
    if best is None or not set(best.labels) & set(file.labels):
        raise ModelError(
            f"{model} has no label of {evaluation.data} ({', '.join(file.labels[:5])}); its schemes are"
            f" {', '.join(names)}; name one with --scheme and rename labels with --label"
        )
    return best


def _table(judged: JudgedLabels) -> list[str]:
    rows = [f"scheme {judged.scheme}, {judged.spans:,} texts or sentences", _HEADER]
    for label, one in judged.scores.by_label.items():
        numbers = f"{one['precision']:>10.1f}{one['recall']:>10.1f}{one['f1']:>8.1f}{one['support']:>9,.0f}"
        rows.append(f"{label[:39]:<40}{numbers}{_interval(judged, MICRO) if label == MICRO else ''}")
    rows.append(f"macro F1 {judged.scores.macro_f1:.1f}{_interval(judged, MACRO)}")
    if judged.area is not None:
        rows.append(f"area under ROC {100 * judged.area:.1f}")
    if judged.screening is not None:
        found = judged.screening
        rows.append(
            f"at recall {100 * found.recall:.1f}: precision {100 * found.precision:.1f}, work saved over sampling"
            f" {100 * found.saved:.1f}, score {found.threshold:.4f} or more"
        )
    rows.append(f"calibration error {100 * judged.calibration_error:.1f}")
    return rows


def _interval(judged: JudgedLabels, key: str) -> str:
    low, high = judged.scores.intervals.get(key, (0.0, 0.0))
    return f"  ({low:.1f} to {high:.1f})"
