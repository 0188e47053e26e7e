"""What a trial model finds in a text: mentions of the heads, by element and guideline, and those of the rules."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from litmine.text.counts import parse_count
from litmine.text.enrolment import find_enrolment
from litmine.text.registry_numbers import find_registry_numbers
from litmine.text.trial_design import find_design
from litmine.types import Entity

# The guideline of mentions that rules find, and the element of registry numbers.
RULES, REGISTRY_NUMBER = "rules", "registry_number"
# The elements whose mentions are numbers of people.
COUNTS = frozenset(
    {"total-participants", "intervention-participants", "control-participants", "iv-bin-abs", "cv-bin-abs"}
)

# The element of the number of all people, and the least score of one that the view `trials` reads.
_ALL_PEOPLE, _LEAST_SCORE = "total-participants", 0.5

_CUT_BEFORE, _CUT_AFTER = re.compile(r"\d[\d,.]*\Z"), re.compile(r"[,.]?\d[\d,.]*(?<=\d)")
# What is counted after a number that counts no people.
_OTHER_UNIT = re.compile(
    r"\s*(?:%|per\s?cent|[-\s]?(?:years?|months?|weeks?|days?|h(?:ours?|rs?)?|min(?:utes?)?|mg|g|kg|ml|mm|cm)(?![a-z])"
    r"|(?:(?:clinical|medical|academic|study|different|university|participating)\s+)?(?:cent(?:er|re)s|sites|hospitals|clinics"
    r"|countries|practices|schools|trials|studies|cycles|doses))",
    re.IGNORECASE,
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


def head_mentions(text: str, entities: Iterable[Entity]) -> Iterator[TrialMention]:
    """The mentions of the heads, whose types are the names of the heads: `Outcome (EBM-NLP)`.

    A mention of people that begins or ends inside a number has the whole number.
    """
    for one in entities:
        element, guideline = split_head_name(one.entity_type)
        start, end, number = one.start_char, one.end_char, None
        if element in COUNTS:
            start, end = _whole_number(text, start, end)
            number = None if _OTHER_UNIT.match(text, end) else parse_count(text[start:end])
        yield TrialMention(start, end, text[start:end], element, guideline, None, number, one.score)


def all_mentions(text: str, entities: Iterable[Entity]) -> list[TrialMention]:
    """The mentions of the heads, then those of rules; the number of people enrolled by a rule if no head gives one."""
    found = list(head_mentions(text, entities))
    known = any(one.element == _ALL_PEOPLE and (one.number or 0) > 1 and one.score >= _LEAST_SCORE for one in found)
    found.extend(rule_mentions(text))
    if not known and (enrolment := find_enrolment(text)) is not None:
        words = text[enrolment.start_char : enrolment.end_char]
        found.append(TrialMention(*enrolment, words, _ALL_PEOPLE, RULES, None, parse_count(words), _LEAST_SCORE))
    return found


def _whole_number(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets with the rest of a number that they cut: `196` in `19,196`."""
    before, after = _CUT_BEFORE.search(text, max(0, start - 12), start), _CUT_AFTER.match(text, end)
    if before and text[start : start + 1].isdigit():
        start = before.start()
    if after and text[end - 1 : end].isdigit():
        end = after.end()
    return start, end


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
