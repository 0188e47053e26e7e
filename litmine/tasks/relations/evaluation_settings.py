"""The settings of `litmine evaluate relations`."""

from dataclasses import dataclass
from pathlib import Path

from litmine.settings import check_ranges, setting
from litmine.specs import BUILTIN, BUILTIN_LINKER, BUILTIN_RELATIONS
from litmine.tasks.model_settings import ModelSettings


@dataclass(frozen=True, slots=True)
class RelationEvaluation(ModelSettings):
    """Score a model of relations against annotated documents.

    \b
    litmine evaluate relations --data ChemProt/dev.jsonl.gz --corpus ChemProt --format json
    litmine evaluate relations --model ./mine --data BC5CDR/dev.pubtator --corpus BC5CDR --end-to-end
    litmine evaluate relations --data documents.jsonl --asserted

    Precision, recall and F1 are in percent, by relation type and micro, over pairs of gold mentions, or of identifiers
    where the file relates these: a pair of identifiers has the relations of its pairs of mentions. Relations count that
    `annotate` would store. Only relation types that the corpus annotates are judged; without --corpus, those that the
    file has. The table also shows 95 % percentile intervals of a bootstrap over documents, and beside them the F1 of
    relating every pair of mentions in one sentence, with the most frequent relation type of their entity types.

    With --corpus, a model with several heads uses the head that learnt from that corpus or its guideline. A file with
    the names of types of a corpus that litmine knows, such as CID or CPR:4, counts as of that corpus.

    With --end-to-end, a tagger finds the mentions and a linker their identifiers; a mention must have the exact span
    and type.
    """

    data: Path = setting(
        "Documents with relations: a file (JSON lines, PubTator, BioC JSON, XML of DDI 2013, those of PHEE, GAD and"
        " EU-ADR), or a folder (brat, tables, ADE).",
        metavar="FILE",
    )
    model: str = setting(f"Model: {BUILTIN_RELATIONS}, or a folder.", BUILTIN_RELATIONS, metavar="REF")
    corpus: str = setting(
        "Corpus whose types and relations the file has, as `litmine corpora list` names it.", "", metavar="NAME",
        unset="types as the file has them",
    )  # fmt: skip
    end_to_end: bool = setting("Score relations between mentions that a tagger finds in the raw text.", False)
    taggers: tuple[str, ...] = setting(
        "Tagger of --end-to-end: builtin, a folder, or a term list.", (), flag="--tagger", metavar="REF",
        unset=BUILTIN,
    )  # fmt: skip
    linker: str = setting("Linker of --end-to-end.", BUILTIN_LINKER, metavar="REF")
    vocabulary: str = setting(
        "Vocabulary of the linker: builtin, a name that `litmine vocabulary list` shows, or a folder.",
        "builtin",
        metavar="REF",
    )
    asserted: bool = setting(
        "Judge only relations that are stated: gold and found ones that are neither negated nor speculated.", False
    )
    intervals: bool = setting("Include the 95 % intervals and the baseline in JSON.", False)
    resamples: int = setting("Number of bootstrap resamples for the intervals.", 1_000, at_least=100)

    def __post_init__(self) -> None:
        check_ranges(self)
