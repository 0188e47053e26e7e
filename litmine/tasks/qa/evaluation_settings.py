"""The settings of an evaluation of readers."""

from dataclasses import dataclass
from pathlib import Path

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN_READER
from litmine.tasks.contract import ModelSettings


@dataclass(frozen=True, slots=True)
class ReaderEvaluation(ModelSettings):
    """The official measures of BioASQ or SQuAD, in percent.

    \b
    litmine evaluate qa --model ./mine --data bioasq.json --batch 6B --all-types
    litmine evaluate qa --model ./mine --data squad.json --format json

    BioASQ's factoid questions are read over their snippets, the answers of all snippets merged by their summed scores:
    strict and lenient accuracy and the mean reciprocal rank of five answers; with --all-types also the mean precision,
    recall and F1 of its list questions, and accuracy and macro F1 of its yes/no questions. Of SQuAD: exact match and
    F1. Of PubMedQA: accuracy and macro F1 of yes and no.
    """

    data: Path = setting(
        "Questions with their texts and answers, in the JSON of BioASQ, SQuAD or PubMedQA.", metavar="FILE"
    )
    model: str = setting(
        f"Reader: {BUILTIN_READER}, a folder, or an id on the Hugging Face Hub.", BUILTIN_READER, metavar="REF"
    )
    batches: tuple[str, ...] = setting(
        "Judge only on the batches of BioASQ's file whose names begin so (6B).", (), flag="--batch", metavar="TEXT"
    )
    all_types: bool = setting("Judge on BioASQ's list and yes/no questions too.", False)
    answers_to: Path | None = setting(
        "Write what was answered to every question to this file, a JSON line each.", None, metavar="FILE"
    )

    def __post_init__(self) -> None:
        check_ranges(self)
