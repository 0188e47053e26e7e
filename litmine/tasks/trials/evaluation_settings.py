"""The settings of `litmine evaluate trials`."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN_TRIALS
from litmine.tasks.model_settings import ModelSettings


@dataclass(frozen=True, slots=True)
class TrialEvaluation(ModelSettings):
    """Score models of trials against a corpus, with the heads of the corpus's guideline.

    Precision, recall and F1 are in percent, by exact match of span and type, and by words.

    \b
    litmine evaluate trials --data EBM-NLP=./EBM-NLP --format json
    litmine evaluate trials --model ./mine --data PICO-Corpus=./PICO-Corpus/dev.jsonl
    litmine evaluate trials --data ./outcomes.jsonl --guideline EvidenceOutcomes --map Endpoint=Outcome

    The name of the corpus is that of its guideline, unless --guideline names another. A file is scored as a whole. Of a
    folder its dev split is scored, and of a corpus of the registry without one the tenth of its documents that no
    training reads. Types of the file have the names that the registry gives them.
    """

    data: tuple[str, ...] = setting(
        "File of annotated documents, or the folder or name of a corpus.", metavar="[NAME=]FILE"
    )
    _: KW_ONLY
    model: str = setting("Model: builtin, or a folder.", BUILTIN_TRIALS, metavar="REF")
    guideline: str = setting(
        "Guideline of the heads to judge, if it is not the name of the corpus.", "", metavar="NAME", none=True
    )
    type_map: tuple[tuple[str, str], ...] = setting(
        "Rename an entity type of the files ('-' drops it).", (), flag="--map", metavar="NAME=TYPE"
    )
    tags: Literal["auto", "iob2", "iob1", "iobes"] = setting("Tag scheme of two-column files.", "iob1")
    intervals: bool = setting("Include the 95 % intervals in JSON; tables always show them.", False)
    resamples: int = setting("Number of bootstrap resamples for the intervals.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
