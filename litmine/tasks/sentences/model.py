"""The sentences of a text, and the rows of the `sentences` table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.rules import RuleModel, rules_name
from litmine.text.sentences import split_sentences

# Part of the digest: increases whenever `split_sentences` or `sentence_rows` would give other sentences.
_RULES = 1


def identify(folder: Path, name: str) -> str:  # noqa: ARG001 - rules have no files
    """`name@digest` of the rules."""
    return rules_name(name, "sentences", _RULES)


def load(folder: Path, name: str, *_how: object, **_more: object) -> RuleModel:
    """The rules as a model; a device or precision has no effect."""
    return RuleModel(identify(folder, name), split_sentences)


def sentence_rows(texts: NewTexts, results: Sequence[Sequence[tuple[int, int]] | FailedItem]) -> list[TargetRow]:
    """The rows of the `sentences` table, sorted by PMID, text hash and position."""
    return sorted(
        (pmid, text_hash, position, start, end, label)
        for pmid, text_hash, text, regions, found in zip(
            texts.pmids, texts.text_hashes, texts.texts, texts.regions, results, strict=True
        )
        if not isinstance(found, FailedItem)
        for position, (start, end, label) in enumerate(_split_at_regions(text, found, regions))
    )


def _split_at_regions(
    text: str, sentences: Sequence[tuple[int, int]], regions: Sequence[tuple[int, str | None]]
) -> Iterator[tuple[int, int, str | None]]:
    """Start, end and region label of each sentence. A sentence ends with its region, even without a full stop."""
    left = [*regions, (len(text), None)]
    for sentence_start, end in sentences:
        start = sentence_start
        while start < end:
            while left[0][0] <= start:
                left.pop(0)
            border, label = left[0]
            yield start, start + len(text[start : min(border, end)].rstrip()), label
            start = end - len(text[border:end].lstrip())
