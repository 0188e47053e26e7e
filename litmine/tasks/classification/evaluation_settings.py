"""The settings of `litmine evaluate classification`."""

from dataclasses import dataclass
from pathlib import Path

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN_CLASSIFIER
from litmine.tasks.model_settings import ModelSettings


@dataclass(frozen=True, slots=True)
class ClassifierEvaluation(ModelSettings):
    """Score a classifier against labelled texts or sentences.

    \b
    litmine evaluate classification --data StudyType/dev.jsonl.gz --corpus StudyType --format json
    litmine evaluate classification --model ./screen --data labelled.csv
    litmine evaluate classification --data records.nbib --scheme rct --label "randomized controlled trial=Randomized*"

    Precision, recall and F1 are in percent, by label and micro, and `macro_f1` is the mean over the labels of the file.
    Sentences are judged where the file labels sentences, by their own offsets. Where a text has one label, micro F1 is
    the accuracy. For a scheme of one label, or of two, the area under the ROC curve and the work saved over sampling
    at --recall are reported too. The table shows 95 % percentile intervals of a bootstrap over documents.
    """

    data: Path = setting(
        "Labelled texts: CSV (pmid or id, text or title and abstract, label), JSON lines, MEDLINE text, or the folder"
        " of ADE.",
        metavar="FILE",
    )
    model: str = setting(f"Model: {BUILTIN_CLASSIFIER}, a folder, or a Hub id.", BUILTIN_CLASSIFIER, metavar="REF")
    corpus: str = setting(
        "Corpus whose labels the file has, as `litmine corpora list` names it.", "", metavar="NAME",
        unset="labels as the file has them",
    )  # fmt: skip
    scheme: str = setting(
        "Scheme of the model to judge.", "", metavar="NAME", unset="that of the corpus, or the one with these labels"
    )
    labels: tuple[str, ...] = setting(
        "Judge this label: texts whose label in the file matches the pattern have NEW. Repeatable.",
        (),
        flag="--label",
        metavar="NEW=PATTERN",
    )
    held_out: bool = setting("Judge only the tenth of the articles that no training reads.", False)
    recall: float = setting("Recall at which the work saved is reported.", 0.95, above=0, at_most=1)
    intervals: bool = setting("Include the 95 % intervals in JSON.", False)
    resamples: int = setting("Number of bootstrap resamples for the intervals.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
