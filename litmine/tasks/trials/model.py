"""Models of trials, and the rows of the `trial_mentions` table. torch is imported only to load a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.errors import ModelError
from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.references import is_litmine_model
from litmine.tasks.trials import settings
from litmine.tasks.trials.mentions import TrialMention

if TYPE_CHECKING:
    from litmine.tasks.trials.trial_model import TrialModel


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the model in a folder. Raises ModelError for one that litmine did not train."""
    _check(folder)
    return settings.identify(folder, name)


def load(folder: Path, name: str, device: str = "auto", precision: str = "auto", **more: Any) -> "TrialModel":
    """Load the model in a folder. Raises as `identify`."""
    _check(folder)
    from litmine.tasks.trials.trial_model import load_trials

    return load_trials(folder, name, device, precision, **more)


def trial_rows(texts: NewTexts, results: Sequence[Sequence[TrialMention] | FailedItem]) -> list[TargetRow]:
    """The rows of the `trial_mentions` table, sorted by PMID, text hash and offsets; a failed text has none."""
    rows = [
        (pmid, text_hash, *mention)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for mention in found
    ]
    return sorted(rows, key=lambda row: row[:7])


def _check(folder: Path) -> None:
    if not is_litmine_model(folder):
        raise ModelError(
            f"{folder} holds a Hugging Face token classifier, which is loaded as a tagger (--task ner); a trial model"
            " is trained with `litmine train trials`"
        )
