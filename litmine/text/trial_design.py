"""Find the words of a trial's design by rules: random allocation, blinding, crossover and phase, with their offsets.

A word counts where it tells of the study itself. "Nonrandomised" and "not randomised" say the opposite, and a phase of
sleep, of labour or of a reaction is no phase of development.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Increases whenever the rules would find other words, or give them another value.
RULES_VERSION = 1


@dataclass(frozen=True, slots=True)
class DesignWord:
    """A statement of the design: offsets in code points, end exclusive, what it is about, and its value.

    element: `allocation` (randomised, nonrandomised), `blinding` (single, double, triple, quadruple, open), `model`
    (crossover, parallel, factorial, cluster), `phase` (1, 1/2, 2, 2/3, 3, 4), `control` (placebo), `centres` (multi),
    or `report` (review, of an article about trials of others).
    """

    start_char: int
    end_char: int
    element: str
    value: str


_NOT = r"(?:non|un|quasi)[\s-]?"
_DASH = r"[\s\-–‐]{0,3}"
_RANDOM = re.compile(
    rf"(?<![A-Za-z])(?P<not>{_NOT}|not\s+)?(?:pre)?randomi[sz](?:ed|ation)(?![A-Za-z])"
    r"|(?<![A-Za-z])(?P<not2>not\s+)?random(?:ly)?\s+(?:assign|allocat|divid|assort|distribut)\w*",
    re.IGNORECASE,
)
_BLIND = re.compile(
    rf"(?<![A-Za-z])(?P<kind>single|double|triple|quadruple|observer|assessor|investigator|evaluator|rater|patient"
    rf"|participant|examiner){_DASH}(?:blind(?:ed|ing)?|mask(?:ed|ing)?)(?![A-Za-z])"
    rf"|(?<![A-Za-z])(?P<open>open{_DASH}label(?:led|ed)?|un(?:blinded|masked)|non{_DASH}blinded|open{_DASH}trial)(?![A-Za-z])",
    re.IGNORECASE,
)
_MODEL = re.compile(
    rf"(?<![A-Za-z])(?:(?P<crossover>cross(?:ed)?{_DASH}over)|(?P<parallel>parallel{_DASH}(?:group|arm|design)s?)"
    rf"|(?P<factorial>factorial)|(?P<cluster>cluster{_DASH}randomi[sz]\w*))(?![A-Za-z])",
    re.IGNORECASE,
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_STEP = r"(?:I{1,3}|IV|[1-4])[ab]?"
_PHASE = re.compile(
    rf"(?<![A-Za-z])phases?[\s-]?(?P<first>{_STEP})(?![A-Za-z0-9])"
    rf"(?:\s?(?:/|-|–|and|to|or)\s?(?:phase\s)?(?P<second>{_STEP})(?![A-Za-z0-9%.]))?",
    re.IGNORECASE,
)
# What a phase is of, if it is not one of development: "phase I detoxification", "phase 3 of the study".
_OTHER_PHASE = re.compile(
    r"\s+(?:detox|metaboli|enzym|reaction|inactivation|block|insulin|response|of\s+(?:the\s+)?(?:sleep|cycle|insulin"
    r"|response|action|disease|rehabilitation|labou?r|study|trial|treatment|test|experiment|programme?)|cardiac"
    r"|rehabilitation|oxidation|conjugat|biotransform)",
    re.IGNORECASE,
)
_PLACEBO = re.compile(
    rf"(?<![A-Za-z])(?:placebo|sham|vehicle){_DASH}(?:controlled|control(?:\s+(?:group|arm))?)(?![A-Za-z])",
    re.IGNORECASE,
)
# How a review of trials of others says that it is one.
_REVIEW = re.compile(
    r"(?<![A-Za-z])(?:search(?:ed|es|ing)?\s+(?:strategy|methods|of\s+)?\s*(?:the\s+)?(?:MEDLINE|PubMed|EMBASE|Cochrane"
    r"|electronic|literature|databases?)|search\s+strategy|selection\s+criteria|meta-?\s?analys[ie]s|systematic\s+review"
    r"|(?:studies|trials)\s+(?:were|was)\s+(?:included|selected|identified|eligible|pooled))(?![A-Za-z])",
    re.IGNORECASE,
)
_CENTRES = re.compile(rf"(?<![A-Za-z])multi{_DASH}(?:cent(?:re|er)s?|centric|national|site)(?![A-Za-z])", re.IGNORECASE)
_OBSERVERS = frozenset(
    {"observer", "assessor", "investigator", "evaluator", "rater", "patient", "participant", "examiner"}
)


def find_design(text: str) -> list[DesignWord]:
    """The statements of the design in a text, in order."""
    found = [*_allocation(text), *_blinding(text), *_model(text), *_phases(text), *_others(text)]
    return sorted(found, key=lambda one: (one.start_char, one.end_char, one.element))


def _allocation(text: str) -> Iterator[DesignWord]:
    for match in _RANDOM.finditer(text):
        # "Mendelian randomisation" is an analysis.
        if text[max(0, match.start() - 10) : match.start()].casefold().endswith("mendelian "):
            continue
        value = "nonrandomised" if match["not"] or match["not2"] else "randomised"
        yield DesignWord(match.start(), match.end(), "allocation", value)


def _blinding(text: str) -> Iterator[DesignWord]:
    for match in _BLIND.finditer(text):
        kind = "open" if match["open"] else match["kind"].casefold()
        yield DesignWord(match.start(), match.end(), "blinding", "single" if kind in _OBSERVERS else kind)


def _model(text: str) -> Iterator[DesignWord]:
    for match in _MODEL.finditer(text):
        assert match.lastgroup is not None
        yield DesignWord(match.start(), match.end(), "model", match.lastgroup)


def _phases(text: str) -> Iterator[DesignWord]:
    for match in _PHASE.finditer(text):
        if _OTHER_PHASE.match(text, match.end()):
            continue
        steps = [_step(step) for step in (match["first"], match["second"]) if step]
        yield DesignWord(match.start(), match.end(), "phase", "/".join(dict.fromkeys(steps)))


def _step(text: str) -> str:
    step = text.casefold().rstrip("ab")
    return _ROMAN.get(step, step)


def _others(text: str) -> Iterator[DesignWord]:
    kinds = (_PLACEBO, "control", "placebo"), (_CENTRES, "centres", "multi"), (_REVIEW, "report", "review")
    for pattern, element, value in kinds:
        for match in pattern.finditer(text):
            yield DesignWord(match.start(), match.end(), element, value)
