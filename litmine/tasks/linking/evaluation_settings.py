"""The settings of `litmine evaluate linking`."""

from dataclasses import dataclass
from pathlib import Path

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN, BUILTIN_LINKER
from litmine.tasks.model_settings import ModelSettings


@dataclass(frozen=True, slots=True)
class LinkerEvaluation(ModelSettings):
    """Score a linker against gold identifiers.

    \b
    litmine evaluate linking --data NCBI-disease/dev.pubtator --format json
    litmine evaluate linking --model ./mine --data documents.jsonl --details --format json
    litmine evaluate linking --data BC5CDR/dev.pubtator --end-to-end

    Accuracy at 1, in percent, over the gold mentions that have an identifier: the best concept of a mention, whatever
    its score, must be one of the gold ones. The table also shows the ceiling (mentions of which the vocabulary has a
    gold concept), names of the vocabulary that are equal to the mention, and the links that reach the threshold of
    `annotate`. Intervals are 95 % percentile intervals of a bootstrap over documents.

    With --end-to-end a tagger finds the mentions: precision, recall and F1 of exact span, type and identifier, and of
    pairs of document and identifier.
    """

    data: Path = setting(
        "Documents with mentions and identifiers, as PubTator or JSON lines, plain or gzip.", metavar="FILE"
    )
    model: str = setting(f"Linker: {BUILTIN_LINKER}, or a folder.", BUILTIN_LINKER, metavar="REF")
    vocabulary: str = setting(
        "Vocabulary to link to: builtin, a name that `litmine vocabulary list` shows, or a folder.",
        "builtin",
        metavar="REF",
    )
    type_map: tuple[tuple[str, str], ...] = setting(
        "Rename an entity type of the file ('-' drops it).", (), flag="--map", metavar="NAME=TYPE"
    )
    end_to_end: bool = setting("Score mentions that a tagger finds in the raw text.", False)
    tagger: str = setting("Tagger of --end-to-end: builtin, a folder, or a term list.", BUILTIN, metavar="REF")
    details: bool = setting(
        "Include in JSON what the table shows: intervals, ceiling, simpler linkers, links that reach the threshold.",
        False,
    )
    resamples: int = setting("Number of bootstrap resamples for the intervals.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
