"""Find the number of people that a trial enrolled, by the wordings that plainly say it.

"A total of 1,292 ambulatory men", "72 obese subjects were randomised", "we enrolled 625 patients", "(N = 273)". The
number of an arm ("40 patients were randomised to A and 41 to B") and a share ("a total of 40 women (20 %)") are left
out.
"""

import re
from typing import NamedTuple

# Increases whenever the rules would find another number.
RULES_VERSION = 1

_UNIT = r"one|two|three|four|five|six|seven|eight|nine"
_IN_WORDS = (
    rf"(?:{_UNIT}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand)"
)
_NUMBER = (
    r"(?P<number>(?<![\w.,·/-])(?<!\d[\s])(?:\d{1,3}(?:[, \u00a0\u2009\u202f]\d{3})+|\d+)"
    rf"|(?<![\w-]){_IN_WORDS}(?:[ -](?:and )?{_IN_WORDS}){{0,8}})(?![\w,.·%-])"
)
_PEOPLE = (
    r"(?:patients|participants|subjects|women|men|children|adults|persons|people|individuals|volunteers|infants|"
    r"adolescents|males|females|boys|girls|neonates|newborns|outpatients|inpatients|students|residents|veterans|"
    r"survivors|parturients|smokers)\b"
)
_KIND = (
    r"(?:(?!(?:and|or|of|in|with|were|was|to|received?|had|completed|trials?|stud(?:y|ies)|cent(?:er|re)s|hospitals|"
    r"years?|months?|weeks?|days?|hours?|h|minutes?|min|mg|g|kg|ml|cycles|doses|times)\b)"
    r"[^\s;:.()\d]{1,30} ){0,6}?"
)
_ENTERED = r"(?:randomi[sz]ed|randomly|enrol+ed|recruited|included|entered|studied|accrued)\b"
_ENROLLING = (
    r"(?:randomi[sz]ed|randomly (?:assigned|allocated)|enrol+ed|recruited|"
    r"(?:we|trial|study) (?:studied|included|investigated|evaluated))"
)
# The plainest wording counts first.
_WORDINGS = (
    re.compile(rf"\btotal of {_NUMBER} {_KIND}{_PEOPLE}", re.IGNORECASE),
    re.compile(
        rf"{_NUMBER} {_KIND}{_PEOPLE}(?: [^\s;.]{{1,40}}){{0,14}}? (?:were|was|have been) (?:\w+ )?{_ENTERED}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_ENROLLING} {_NUMBER} {_KIND}{_PEOPLE}", re.IGNORECASE),
)
# A small "n" is that of an arm, and so are several of the large ones.
_LARGE_N = re.compile(r"\(N ?= ?(?P<number>\d{1,3}(?:,\d{3})+|\d+)\)")
# What people were given, and a second number of people: the first one is that of an arm.
_GIVEN = re.compile(r"(?: \w+){0,2}? to ")
_SHARE = re.compile(r"\s?\(\d[\d.·]*\s?(?:%|per\s?cent)")
_SENTENCE = re.compile(r"[^.;]{0,200}")
_SECOND_NUMBER = re.compile(rf"(?:\band|,) (?:(?:the )?(?:other|remaining) )?{_NUMBER}", re.IGNORECASE)


class Enrolment(NamedTuple):
    """Start and end of a number of people in code points, end exclusive."""

    start_char: int
    end_char: int


def find_enrolment(text: str) -> Enrolment | None:
    """The number of people that a text plainly says the trial enrolled; None if no wording does."""
    for number, wording in enumerate(_WORDINGS):
        for found in wording.finditer(text):
            if _SHARE.match(text, found.end()) or (number and _is_an_arm(text, found.end())):
                continue
            return Enrolment(*found.span("number"))
    large = list(_LARGE_N.finditer(text))
    return Enrolment(*large[0].span("number")) if len({one["number"] for one in large}) == 1 else None


def _is_an_arm(text: str, end: int) -> bool:
    """Whether the sentence goes on with what the people were given, and then with another number."""
    sentence = _SENTENCE.match(text, end)
    rest = "" if sentence is None else sentence[0]
    return _GIVEN.match(rest) is not None and _SECOND_NUMBER.search(rest) is not None
