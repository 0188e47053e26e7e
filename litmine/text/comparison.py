"""What a comparison of treatments denies: the harm of a drug that had less of it, and that of the drug compared with.

"Fewer tremors with A than with B" tells no tremor of A, and "more tremors with A than with B" none of B. The rules read
one sentence in which one character stands for the drug and one for the harm. They are wordings as a whole, each bounded
in words, so that the time grows in proportion to the text.
"""

import re

# Characters of private use that stand for the mentions in wordings.
SUBJECT, OBJECT = "\ue000", "\ue001"

_HAPPENED = r"(?:caused?|developed?|had|experienced|induced|resulted|led|presented|produced|was|were|is|are)"
# A word that no wording skips: a clause that may say the opposite begins, or another comparison does.
_STOP = (
    r"(?:but|however|although|though|whereas|while|except|exception|yet|despite|because|since|than|more|less|fewer|greater|higher|"
    rf"compared|versus|vs)\b|and (?:(?:\w+ly|then) )?{_HAPPENED}\b"
)
_SKIPPED = rf"(?:(?!{_STOP})[^\s;]{{1,40}} )"
_GAP = re.compile(r"<(\d+)>")

_ADVERB = r"(?:(?:\w+ly|much|far|somewhat) ){0,2}"
_NUMBER = r"[<>=≥≤]{0,2} ?(?:\d|one\b|two\b|three\b|four\b|five\b|six\b|ten\b|half\b|twice\b)"
_MEASURE = (
    r"(?:incidences?|frequenc(?:y|ies)|rates?|severit(?:y|ies)|risks?|prevalences?|occurrences?|degrees?|intensity|"
    r"numbers?|likelihood|odds|scores?)"
)
_HOW_OFTEN = r"(?:frequent|common|often|sever|pronounced|mark|prevalent|intens)\w*"
_SMALLER = r"(?:lower(?:ed|s)?|less|lesser|reduc(?:ed|es|ing|tions?)|decreas(?:ed?|es|ing)|smaller|diminished)"
_SEEN = r"(?:is|are|was|were|be|been|occur(?:s|red)?|seen|observed|reported|noted|found|developed|appeared)"
_IN = r"(?:in|with|among|than|for|after|under|on|by|compared|when|during)\b"

# The harm is less, or not more. What follows names the drug that has less of it.
_LESS = (
    r"fewer <7><O>",
    rf"{_SMALLER} (?:in )?(?:the )?<2>{_MEASURE}(?:,? (?:and|or|and/or) {_MEASURE})? (?:of|for) <8><O>",
    r"less likely (?:than <8>)?to <6><O>",
    rf"<O>\S{{0,20}} <18>{_SEEN} {_ADVERB}(?<!no )less {_IN}",
    rf"{_MEASURE} (?:of|for) <8><O>\S{{0,20}} <18>{_SEEN} {_ADVERB}{_SMALLER}\b",
)
# The harm is milder or rarer, but there: nothing is denied, of either drug.
_MILDER = (
    r"(?<!or )(?<!no )less (?!than\b)<5><O>",
    rf"<O>\S{{0,20}} <18>{_SEEN} {_ADVERB}(?<!no )less {_HOW_OFTEN}",
)
# It is not more than with what it is compared with.
_NOT_MORE = (
    rf"<O>\S{{0,20}} <20>(?:not|no) {_ADVERB}(?:more {_HOW_OFTEN}|greater|higher|increased|worse|different)\b",
    rf"<O>\S{{0,20}} <20>(?:did|do|does) not {_ADVERB}differ",
    rf"no (?:more|greater|higher|increased) (?!than {_NUMBER})<5><O>",
    r"no <2>differences? <18>(?:in|for|of) <14><O>",
)
_MORE = r"(?:more(?! than (?:[<>=≥≤]|\d))|greater|higher|increas(?:ed?|es|ing)|larger|worse|exceed(?:s|ed)?)"
_COMPARED = r"(?:(?:in|by) comparison (?:with|to)|(?:as |when )?compared (?:with|to)|relative to|versus|vs\.?)"
_THAN = rf"(?:than(?! {_NUMBER}| (?:an? |usual|expected|normal|average|previous))|{_COMPARED})"
# What may stand between "than" and the drug compared with: words of groups, and other drugs of a list.
_OF_GROUP = (
    r"(?:did|do|does|was|were|has|had|that|those|in|with|for|after|on|among|under|by|during|from|of|to|the|an?|either|"
    r"both|all|other|it|its|patients?|subjects?|participants?|persons?|people|individuals|recipients|controls|cases|"
    r"children|infants|adolescents|adults|women|men|mothers|volunteers|rats|mice|groups?|arms?|treated|treatment|"
    r"therapy|given|assigned|randomi[sz]ed|allocated|taking|took|receiving|received|prescribed|on|using|who|when|use|"
    r"users|administration|dos(?:es?|ing)|oral|intravenous|i\.v\.|intrathecal|epidural|low-dose|high-dose|standard|"
    r"conventional|\d\S*|mg\S*|micrograms\S*|kg)"
)
_LISTED = r"[^\s;\ue001]{1,40}(?: SR| XR| ER)?(?: \([^()]{0,60}\))?(?:,|,? (?:and|or|plus))"
_COMPARATOR = rf"{_THAN} (?:(?:{_OF_GROUP}|{_LISTED}) ){{0,10}}?\(?<S>"
_NEAR = r"[^;\ue001]{0,250}?"
# The drug is what another one is compared with, and the harm is said of the other one.
_OF_OTHER = (
    rf"<O>[^;]{{0,300}}?(?<!\w){_MORE} {_NEAR}(?<!\w){_COMPARATOR}",
    rf"{_MORE} [^;]{{0,250}}?<O>{_NEAR}(?<!\w){_COMPARATOR}",
    rf"{_MORE} {_NEAR}(?<!\w){_COMPARATOR}[^;,]{{0,60}} to <8><O>",
    rf"(?:^|, |\band |\bthat )\(?{_COMPARED} (?:(?:{_OF_GROUP}|{_LISTED}) ){{0,10}}?<S>[^;,]{{0,60}}, {_NEAR}<O>",
)


def _wording(patterns: tuple[str, ...]) -> re.Pattern[str]:
    choices = [
        (rf"(?<!\w){one}" if not one.startswith(("<", "(?:^")) else one)
        for one in (_GAP.sub(lambda gap: f"{_SKIPPED}{{0,{gap[1]}}}?", pattern) for pattern in patterns)
    ]
    whole = "|".join(f"(?:{one})" for one in choices)
    return re.compile(whole.replace("<S>", SUBJECT).replace("<O>", OBJECT), re.IGNORECASE)


_IS_LESS, _IS_MILDER = _wording(_LESS), _wording(_MILDER)
_IS_NOT_MORE, _IS_OF_OTHER = _wording(_NOT_MORE), _wording(_OF_OTHER)
_IS_AFTER_THAN = _wording((rf"{_THAN} [^;]{{0,120}}?<S>",))
_ANY = re.compile(rf"\b(?:than|compar\w+|versus|vs|relative to|fewer|differ\w*|{_SMALLER}|{_MORE})\b", re.IGNORECASE)


def compares(sentence: str) -> bool:
    """Whether a sentence has a word of a comparison."""
    return _ANY.search(sentence) is not None


def denied_by_comparison(wording: str) -> bool:
    """Whether a comparison tells that the drug does not have the harm, or does not tell that it has.

    wording: a sentence with `SUBJECT` for the drug, if it is there, and `OBJECT` for the harm.
    """
    if _IS_NOT_MORE.search(wording):
        return True
    if _IS_LESS.search(wording):
        # The drug compared with has more of it.
        return not _IS_AFTER_THAN.search(wording)
    return not _IS_MILDER.search(wording) and _IS_OF_OTHER.search(wording) is not None
