"""The settings of `litmine evaluate ner`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN
from litmine.tasks.model_settings import ModelSettings

# The default number of errors of a class and of mentions in a comparison.
LISTED = 10


@dataclass(frozen=True, slots=True)
class TaggerEvaluation(ModelSettings):
    """Score taggers against a corpus.

    Precision, recall and F1 are in percent, by exact match of span and type.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv --format json
    litmine evaluate ner --data NCBI-disease/dev.tsv --data BC5CDR/dev.tsv --errors 5
    litmine evaluate ner --model ./mine --against builtin --data BC5CDR/dev.tsv
    litmine evaluate ner --data Species-800/dev.tsv --head "Species (Species-800)"

    Every sentence or document is tagged separately by the heads that `annotate` uses, and scored on the types that the
    file annotates. Intervals are 95 % percentile intervals of a bootstrap over the file's sentences or documents. Two
    models are compared by a paired bootstrap with a two-sided p-value.
    """

    data: tuple[str, ...] = setting(
        "File with two columns, token TAB tag (IOB2 or IOBES), and a blank line between sentences; or PubTator"
        " (.pubtator); or the folder or name of a corpus, whose dev split is used.",
        metavar="[NAME=]FILE",
    )
    model: str = setting("Model: builtin, a folder, or an id on the Hugging Face Hub.", BUILTIN, metavar="REF")
    tags: Literal["auto", "iob2", "iob1", "iobes"] = setting(
        "Tag scheme of two-column files. iob1 accepts all schemes: an I tag without a mention before it begins"
        " a mention. The other schemes reject such a tag.",
        "iob1",
    )
    type_map: tuple[tuple[str, str], ...] = setting(
        "Rename an entity type of the files ('-' drops it).", (), flag="--map", metavar="NAME=TYPE"
    )
    heads: tuple[str, ...] = setting("Score this head instead of the default ones.", (), flag="--head", metavar="TEXT")
    against: str | None = setting("Compare with this model on the same files.", None, metavar="REF")
    against_heads: tuple[str, ...] = setting(
        "Head of the other model, instead of its default ones.", (), flag="--against-head", metavar="TEXT"
    )
    errors: int | None = setting(
        f"Show the N most frequent errors of each class, with an example (default N: {LISTED}).",
        None,
        metavar="[N]",
        at_least=1,
        flag_value=LISTED,
    )
    errors_to: Path | None = setting("Write all errors to this file as JSON lines.", None, metavar="FILE", output=True)
    intervals: bool = setting("Include the 95 % intervals in JSON; tables always show them.", False)
    resamples: int = setting("Number of bootstrap resamples for the intervals.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.against_heads and not self.against:
            raise SettingError("--against-head needs --against; name the other model with --against REF")
