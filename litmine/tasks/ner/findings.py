"""Findings that drugs cause and that the corpora of diseases do not annotate: withdrawal, raised values, sedation.

BC5CDR leaves out "sedation", which is mostly wanted, as before an operation. It is a harm where the text lists it among
others, as in "nausea, sedation and dizziness", or speaks of it as one: "excessive sedation", "side effects: sedation".
"""

import re
from collections.abc import Iterator, Sequence

from litmine.types import Entity

_DISEASE = "Disease"
# The withdrawal of these is a state even where no word such as "syndrome" follows. That of a medicine is an act.
_ADDICTIVE = "alcohol|amphetamine|cannabis|cocaine|ethanol|heroin|morphine|nicotine|opiate|opioid|tobacco"
_SUBSTANCES = (
    f"{_ADDICTIVE}|antidepressant|antipsychotic|baclofen|barbiturate|benzodiazepine|caffeine|drug|methadone|neuroleptic"
    "|sedative|SSRI|substance"
)
_STATES = "(?:syndrome|symptom|sign|reaction|seizure|headache)s?"
_LIVER = "(?:liver|hepatic)(?: function)? (?:enzyme|test|transaminase|aminotransferase)s?"
_VALUES = f"{_LIVER}|transaminases?|aminotransferases?|ALT|AST|creatinine|creatine kinase|bilirubin"
_RAISED = r"(?:elevated|raised|increased|abnormal)|(?:elevations?|increases?) (?:of|in)"
_LEVELS = "(?: (?:(?:level|value|concentration)s?|activit(?:y|ies)))?"
# After these words a value is a rate or an experiment's result.
_OTHER = "(?! (?:clearance|excretion|secretion|release|synthesis|transport|uptake))"
_START, _END = r"(?<![\w-])", r"(?![\w-])"


def _pattern(names: str) -> re.Pattern[str]:
    return re.compile(f"{_START}(?:{names}){_END}", re.IGNORECASE)


# Each pattern with what every match has in small letters one of: most texts have none, and looking is quick.
_FINDINGS = (
    (
        ("withdrawal",),
        _pattern(rf"(?:(?:{_SUBSTANCES})[ -])?withdrawal {_STATES}|(?:{_ADDICTIVE}) withdrawal(?! (?:of|from)\b)"),
    ),
    (
        ("transaminase", "aminotransferase", "creatin", "bilirubin", "liver", "hepatic", " alt", " ast"),
        _pattern(rf"(?:{_RAISED}) (?:serum |plasma )?(?:{_VALUES}){_LEVELS}{_OTHER}"),
    ),
    (("infusion", "injection"), _pattern("(?:infusion(?:[- ]related)?|injection[- ]site) reactions?")),
)
# Harms only in a list with others, or beside words that say so.
_MAYBE = _pattern("(?:over-?)?sedation")
_BEFORE_HARM = re.compile(
    r"(?<![\w-])(?:more|less|fewer|excessive|undue|unwanted|dose-limiting|daytime|due to|because of|associated with"
    r"|(?:drug|morphine|opioid)-(?:induced|related)|(?:caus|experienc|produc)(?:e|es|ed|ing)"
    r"|(?:frequency|incidence|occurrence|prevalence|rate|risk)s?(?: and severity)? of"
    r"|(?:side[- ]|adverse )(?:effects?|events?|reactions?)"
    r"(?:,|:| such as| were| was| included?| including| of| like| are| is)?)"
    r"(?: (?:an?|the|some|mild|marked|severe|significant(?:ly)?|minimal|transient|greater|increased|less|more|any|no))"
    r"{0,2} \Z",
    re.IGNORECASE,
)
_LONGEST_BEFORE = 70
_AFTER_HARM = re.compile(
    " (?:(?:was|were|is|are)"
    "(?: (?:also|more|less|the|most|only|significantly|not|similar(?:ly)?|an?|frequently|commonly))*"
    " (?:common|frequent|seen|reported|observed|evident|noted|prominent|adverse|side|problem|troublesome|dose-limiting"
    r"|mild|severe)|occurred|rates?|as an? (?:adverse|side))(?!\w)",
    re.IGNORECASE,
)
# Before these, sedation is a treatment or what a scale measures.
_NO_HARM = re.compile(
    r" (?:(?:score|scale|level|protocol|regimen|technique)s?|practice|with|for|and analgesia)(?!\w)", re.IGNORECASE
)
# What stands between two of a list.
_BETWEEN = re.compile(r"(?:,? and/or|,? and|,? or|[,;/]) ?")
_LONGEST_BETWEEN = 8


def find_findings(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of findings by their names alone; none overlaps another. Capitals do not matter."""
    small = text.lower()
    for words, pattern in _FINDINGS:
        if any(word in small for word in words):
            for match in pattern.finditer(text):
                yield match.span()


def find_harms(text: str, entities: Sequence[Entity]) -> Iterator[tuple[int, int]]:
    """The offsets, in order, of words that are findings next to a Disease in a list or beside words that say so."""
    words = [match.span() for match in _MAYBE.finditer(text)] if "edation" in text or "EDATION" in text else []
    if not words:
        return
    starts = {one.start_char for one in entities if one.entity_type == _DISEASE}
    ends = {one.end_char for one in entities if one.entity_type == _DISEASE}
    for start, end in words:
        after = _BETWEEN.match(text, end)
        listed = (after and after.end() in starts) or any(
            _BETWEEN.fullmatch(text, left, start) for left in ends if start - _LONGEST_BETWEEN <= left < start
        )
        if listed or (not _NO_HARM.match(text, end) and _is_called_harm(text, start, end)):
            yield start, end


def _is_called_harm(text: str, start: int, end: int) -> bool:
    return bool(_BEFORE_HARM.search(text[max(0, start - _LONGEST_BEFORE) : start]) or _AFTER_HARM.match(text, end))
