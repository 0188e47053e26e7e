"""What taggers check of the texts that Python code hands over."""

from collections.abc import Sequence


def check_texts(texts: Sequence[str]) -> None:
    """Raise TypeError for a single text, whose characters would be read as texts."""
    if isinstance(texts, str):
        raise TypeError("annotate takes a list of texts, and got a single text; write annotate([text])")
