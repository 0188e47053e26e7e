"""Which articles questions are answered from, as a SQL condition on the view `articles`."""

# Both names of D016440: PubMed called a retraction notice "Retraction of Publication" in older files.
_NOTICE_TYPES = ("Retraction of Publication", "Retraction Notice", "Published Erratum", "Expression of Concern")
# From a notice to the article that it is about.
_NOTICE_LINKS = ("RetractionOf", "PartialRetractionOf", "ErratumFor", "ExpressionOfConcernFor")
_REPUBLISHED_LINKS = ("RetractedandRepublishedFrom", "CorrectedandRepublishedFrom")


def _has_any(values: str, names: tuple[str, ...]) -> str:
    """The condition that a list, null in parts older than its column, has one of these names."""
    return f"coalesce(list_has_any({values}, {list(names)}), false)"


_KINDS = "[correction.kind for correction in corrections]"
# A notice repeats the title of its article and with it a claim that it withdraws or corrects. A corrected version that
# replaces a retracted article also serves as its notice sometimes, and is evidence.
IS_NOTICE = (
    f"({_has_any('publication_types', _NOTICE_TYPES)} or ({_has_any(_KINDS, _NOTICE_LINKS)}"
    f" and not {_has_any(_KINDS, _REPUBLISHED_LINKS)}))"
)
IS_EVIDENCE = f"not retracted and not {IS_NOTICE}"
