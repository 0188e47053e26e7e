"""What counts as a PubMed identifier, wherever it is read."""

_GREATEST = 2**63 - 1
_MOST_DIGITS = len(str(_GREATEST))


def parse_pmid(value: object) -> int | None:
    """The PMID that a number or a string of ASCII digits gives; None when it is neither, or does not fit BIGINT."""
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _GREATEST:
        return value
    return None
