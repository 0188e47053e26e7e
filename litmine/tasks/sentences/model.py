"""The sentences of a text, and the rows of the `sentences` table."""

from collections.abc import Sequence
from pathlib import Path

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.rules import RuleModel, rules_name
from litmine.text.sentences import split_at_regions, split_sentences

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
        for position, (start, end, label) in enumerate(split_at_regions(text, found, regions))
    )
