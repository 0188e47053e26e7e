"""The settings of `litmine evaluate qa`."""

from dataclasses import dataclass
from pathlib import Path

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN_READER
from litmine.tasks.model_settings import ModelSettings


@dataclass(frozen=True, slots=True)
class ReaderEvaluation(ModelSettings):
    """Score a reader against gold answers.

    The measures are the official ones of BioASQ or SQuAD, in percent.

    \b
    litmine evaluate qa --model ./mine --data bioasq.json --batch 6B --all-types
    litmine evaluate qa --model ./mine --data squad.json --format json

    BioASQ factoid questions: strict and lenient accuracy and mean reciprocal rank of five answers. The reader reads the
    snippets of a question, and the answers of all snippets are merged by their summed scores. With --all-types also
    mean precision, recall and F1 of list questions, and accuracy and macro F1 of yes/no questions. SQuAD: exact match
    and F1. PubMedQA: accuracy and macro F1 of yes and no.
    """

    data: Path = setting("Questions with their texts and answers, as SQuAD, BioASQ or PubMedQA JSON.", metavar="FILE")
    model: str = setting(
        f"Reader: {BUILTIN_READER}, a folder, or an id on the Hugging Face Hub.", BUILTIN_READER, metavar="REF"
    )
    batches: tuple[str, ...] = setting(
        "Score only the batches of a BioASQ file whose names begin with this (6B).", (), flag="--batch", metavar="TEXT"
    )
    all_types: bool = setting("Also score BioASQ's list and yes/no questions.", False)
    answers_to: Path | None = setting(
        "Write the answer to each question to this file, as JSON lines.", None, metavar="FILE", output=True
    )

    def __post_init__(self) -> None:
        check_ranges(self)
