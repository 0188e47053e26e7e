"""What a worker writes of a tagger: the rows of a part's entities."""

from collections.abc import Sequence

from litmine.lake.articles import NewTexts
from litmine.lake.targets import Row
from litmine.nn.failure_isolation import Failed
from litmine.types import Entity


def entity_rows(texts: NewTexts, results: Sequence[Sequence[Entity] | Failed]) -> list[Row]:
    """The rows of `entities`, in order of PMID, text and offsets; a text that failed has none."""
    return sorted(
        (pmid, text_hash, one.start_char, one.end_char, one.mention, one.entity_type, one.score, None)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, Failed)
        for one in found
    )
