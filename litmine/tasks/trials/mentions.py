"""What a trial model finds in a text: mentions of the heads, by element and guideline, and those of the rules."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from litmine.text.counts import parse_count
from litmine.text.registry_numbers import find_registry_numbers
from litmine.text.trial_design import find_design
from litmine.types import Entity

# The guideline of mentions that rules find, and the element of registry numbers.
RULES, REGISTRY_NUMBER = "rules", "registry_number"
# The elements whose mentions are numbers of people.
COUNTS = frozenset(
    {"total-participants", "intervention-participants", "control-participants", "iv-bin-abs", "cv-bin-abs"}
)


class TrialMention(NamedTuple):
    """A mention; offsets in code points, end exclusive.

    value: the normal form of what rules find: a registry number, `randomised`, `double`, `2/3`. number: the number of
    people that the mention gives, if it is one of `COUNTS`.
    """

    start_char: int
    end_char: int
    mention: str
    element: str
    guideline: str
    value: str | None
    number: int | None
    score: float


def head_mentions(entities: Iterable[Entity]) -> Iterator[TrialMention]:
    """The mentions of the heads, whose types are the names of the heads: `Outcome (EBM-NLP)`."""
    for one in entities:
        element, guideline = split_head_name(one.entity_type)
        number = parse_count(one.mention) if element in COUNTS else None
        yield TrialMention(one.start_char, one.end_char, one.mention, element, guideline, None, number, one.score)


def rule_mentions(text: str) -> Iterator[TrialMention]:
    """Registry numbers and words of the design; their score is 1."""
    for found in find_registry_numbers(text):
        start, end = found.start_char, found.end_char
        yield TrialMention(start, end, text[start:end], REGISTRY_NUMBER, RULES, found.identifier, None, 1.0)
    for word in find_design(text):
        start, end = word.start_char, word.end_char
        yield TrialMention(start, end, text[start:end], word.element, RULES, word.value, None, 1.0)


def split_head_name(name: str) -> tuple[str, str]:
    """Element and guideline of a head named `Outcome (EBM-NLP)`; a name without a guideline has an empty one."""
    element, _, guideline = name.partition(" (")
    return element, guideline.removesuffix(")")
