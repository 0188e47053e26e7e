"""The settings of an evaluation of taggers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN
from litmine.tasks.contract import ModelSettings

# Errors of a class, and mentions of a comparison, that are shown where no number is given.
LISTED = 10


@dataclass(frozen=True, slots=True)
class TaggerEvaluation(ModelSettings):
    """Precision, recall and F1 in percent, exact span and type, over the types that a file annotates.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv --format json
    litmine evaluate ner --data NCBI-disease/dev.tsv --data BC5CDR/dev.tsv --errors 5
    litmine evaluate ner --model ./mine --against builtin --data BC5CDR/dev.tsv
    litmine evaluate ner --data Species-800/dev.tsv --head "Species (Species-800)"

    Every sentence, or document, is read alone. Judged are the heads that `annotate` uses. Intervals are 95 % percentile
    intervals of a bootstrap over the sentences or documents of the file; a difference of two models is paired, its p
    two-sided.
    """

    data: tuple[str, ...] = setting(
        "Two columns, token TAB tag (IOB2 or IOBES), a blank line between sentences; or PubTator (.pubtator); or a"
        " corpus by its folder or name, of which the dev split is read.",
        metavar="[NAME=]FILE",
    )
    model: str = setting("Model: builtin, a folder, or an id on the Hugging Face Hub.", BUILTIN, metavar="REF")
    tags: Literal["auto", "iob2", "iob1", "iobes"] = setting(
        "How the files of two columns are tagged. iob1 reads all of them: an I that follows nothing begins a mention;"
        " any other refuses such a tag.",
        "iob1",
    )
    renamed: tuple[tuple[str, str], ...] = setting(
        "Rename a type of the files ('-' drops it).", (), flag="--map", metavar="NAME=TYPE"
    )
    heads: tuple[str, ...] = setting("Judge this head instead of the default ones.", (), flag="--head", metavar="TEXT")
    against: str | None = setting("Compare with this model on the same files.", None, metavar="REF")
    against_heads: tuple[str, ...] = setting(
        "The other model's head instead of its default ones.", (), flag="--against-head", metavar="TEXT"
    )
    errors: int | None = setting(
        f"Show the N most frequent errors of each class, with an example; {LISTED} without N.",
        None,
        metavar="[N]",
        at_least=1,
        bare=LISTED,
    )
    errors_to: Path | None = setting("Write every error to this file, a JSON line each.", None, metavar="FILE")
    intervals: bool = setting("Give the 95 % intervals in JSON too; a table always shows them.", False)
    resamples: int = setting("Bootstrap resamples that the intervals are read from.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.against_heads and not self.against:
            raise SettingError("--against-head is a head of the model of --against, and there is none; give both")
