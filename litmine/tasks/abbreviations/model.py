"""The abbreviations that a text defines, and the rows of the `abbreviations` table."""

from collections.abc import Sequence
from pathlib import Path

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.rules import RuleModel, rules_name
from litmine.text.abbreviations import Abbreviation, find_abbreviations

# Part of the digest: increases whenever `find_abbreviations` would find other abbreviations.
_RULES = 1


def identify(folder: Path, name: str) -> str:  # noqa: ARG001 - rules have no files
    """`name@digest` of the rules."""
    return rules_name(name, "abbreviations", _RULES)


def load(folder: Path, name: str, *_how: object, **_more: object) -> RuleModel:
    """The rules as a model; a device or precision has no effect."""
    return RuleModel(identify(folder, name), find_abbreviations)


def abbreviation_rows(texts: NewTexts, results: Sequence[Sequence[Abbreviation] | FailedItem]) -> list[TargetRow]:
    """The rows of the `abbreviations` table, sorted by PMID, text hash and offsets."""
    return sorted(
        (
            pmid,
            text_hash,
            one.short_start,
            one.short_end,
            one.short_form,
            one.long_start,
            one.long_end,
            one.long_form,
        )
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for one in found
    )
