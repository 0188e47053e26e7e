"""Counts in messages: thousands separators, singular and plural, and no zeros."""

from collections.abc import Mapping


def format_count(count: int, plural: str) -> str:
    """`format_count(1, "entities")` is `1 entity`, and `format_count(1200, "texts")` is `1,200 texts`."""
    if count == 1:
        noun = f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")
        return f"1 {noun}"
    return f"{count:,} {plural}"


def format_nonzero(counts: Mapping[str, int]) -> str:
    """The counts that are not 0, by their descriptions: `398 new, 10 revised`. Empty if all are 0."""
    return ", ".join(f"{count:,} {description}" for description, count in counts.items() if count)
