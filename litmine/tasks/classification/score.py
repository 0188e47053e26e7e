"""Score a loaded classifier on labelled texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from litmine.errors import ModelError
from litmine.tasks.classification.calibration import calibration_error, target_matrix
from litmine.tasks.classification.labelled_texts import LabelledFile
from litmine.tasks.classification.metrics import LabelScores, Screening, area_under_roc, label_scores, screen
from litmine.tasks.classification.pooling import Floats, chosen_labels, probabilities
from litmine.tasks.classification.settings import ONE, SENTENCE, Scheme

# Texts that are scored at a time.
_TEXTS = 512


class ScoringModel(Protocol):
    """A model with one or more schemes that gives uncalibrated logits of texts, or of their sentences."""

    name: str

    def scores(self, texts: Sequence[str], scheme: Scheme, sentences: Any = None) -> list[Floats]:
        """Logits of each text (1, labels), or of its `sentences` (sentences, labels)."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedLabels:
    """The scores of a model on labelled spans.

    area: under the ROC curve of the first label, and screening: by its probability, where the scheme has one label, or
    two of which each span has one. calibration_error: from 0 to 1.
    """

    scheme: str
    spans: int
    scores: LabelScores
    calibration_error: float
    area: float | None = None
    screening: Screening | None = None

    def record(self, intervals: bool = True) -> dict[str, Any]:
        """The scores as JSON, in percent."""
        record: dict[str, Any] = dict(self.scores.record(intervals))
        if self.area is not None:
            record["area_under_roc"] = round(100 * self.area, 2)
        if self.screening is not None:
            found = self.screening
            record["screening"] = {
                "recall": round(100 * found.recall, 2),
                "precision": round(100 * found.precision, 2),
                "read": round(100 * found.read, 2),
                "work_saved": round(100 * found.saved, 2),
                "threshold": round(found.threshold, 4),
            }
        return record | {"calibration_error": round(100 * self.calibration_error, 2)}


def judge_file(
    model: ScoringModel, scheme: Scheme, file: LabelledFile, recall: float, resamples: int = 1_000
) -> JudgedLabels:
    """Score a model on the labelled texts or sentences of a file.

    Labels of the file that the scheme lacks count as wanted and are never found. Raises ModelError when the model fails
    on a text, or labels sentences where the file labels texts.
    """
    if file.sentences != (scheme.unit == SENTENCE):
        theirs, ours = ("sentences", "texts") if file.sentences else ("texts", "sentences")
        raise ModelError(f"{file.path} labels {theirs}, and the scheme {scheme.name} of {model.name} labels {ours}")
    texts = [one for one in file.texts if one.spans and one.text.strip()]
    logits: list[Floats] = []
    for start in range(0, len(texts), _TEXTS):
        some = texts[start : start + _TEXTS]
        spans = [one.spans for one in some] if file.sentences else None
        logits += model.scores([one.text for one in some], scheme, spans)
    documents = [i for i, one in enumerate(texts) for _ in one.spans]
    wanted = [labels for one in texts for labels in one.labels]
    none = np.zeros((0, len(scheme.labels)), dtype=np.float32)
    return judge_logits(scheme, np.concatenate([none, *logits]), wanted, documents, recall, resamples)


def judge_logits(
    scheme: Scheme,
    logits: Floats,
    wanted: Sequence[Sequence[str]],
    documents: Sequence[int],
    recall: float,
    resamples: int = 1_000,
) -> JudgedLabels:
    """Score logits (spans, labels). wanted: the labels of each span. documents: the number of its document."""
    unknown = sorted({label for labels in wanted for label in labels} - set(scheme.labels))
    labels = [*scheme.labels, *unknown]
    place = {label: i for i, label in enumerate(labels)}
    gold = np.zeros((len(wanted), len(labels)))
    for row, of in enumerate(wanted):
        gold[row, [place[one] for one in of]] = 1
    found = np.zeros_like(gold)
    scores = probabilities(scheme, logits)
    for row, chosen in enumerate(chosen_labels(scheme, scores)):
        found[row, chosen] = 1
    known = [i for i, of in enumerate(wanted) if set(of) <= set(scheme.labels)]
    targets = [[scheme.labels.index(one) for one in wanted[i]] for i in known]
    error = calibration_error(scheme, logits[known], targets) if known else 0.0
    area = screening = None
    if len(scheme.labels) == (2 if scheme.choice == ONE else 1):
        positive = target_matrix(scheme, targets)[:, 0]
        area = area_under_roc(scores[known, 0], positive)
        screening = screen(scores[known, 0], positive, recall)
    judged = label_scores(labels, gold, found, documents, resamples)
    return JudgedLabels(scheme.name, len(wanted), judged, error, area, screening)
