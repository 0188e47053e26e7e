"""Which corpora annotate a type by one guideline, so that one head learns from them.

Corpora share a guideline for each type unless an entry says otherwise: `CORPUS` gives all types of a corpus a guideline
of its own, `CORPUS=NAME` one with a name that several corpora may share, and `CORPUS:TYPE=NAME` does this for one type.
An empty name after the equals sign means the shared guideline.
"""

from collections.abc import Sequence

SHARED = ""


def guideline_of(separate: Sequence[str], corpus: str, entity_type: str) -> str:
    """The name of the guideline by which a corpus annotates a type, `SHARED` for that of the other corpora."""
    names = dict(parse_entry(entry) for entry in separate)
    return names.get(f"{corpus}:{entity_type}", names.get(corpus, SHARED))


def corpora_of(separate: Sequence[str]) -> set[str]:
    """The names of the corpora that the entries name."""
    return {parse_entry(entry)[0].partition(":")[0] for entry in separate}


def parse_entry(entry: str) -> tuple[str, str]:
    """`CORPUS` or `CORPUS:TYPE` of an entry, and the name of the guideline."""
    which, equals, name = entry.partition("=")
    return which, name if equals else which
