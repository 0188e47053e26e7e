"""Sentences of biomedical prose, by rules: a stop ends one unless it belongs to an abbreviation, a name or a number."""

import re
from itertools import pairwise

# A stop, what closes after it, and a space; a stop of Chinese or Japanese needs none. A blank line parts by itself, and
# so does what is about to begin a section, which may follow a heading or a list without a stop.
_END = re.compile(
    r"""(?P<stop>[.!?…]+)["'”’»)\]};]*(?=\s)
    | [。！？]["'”’」』）]*
    | \n\s*\n
    | \s(?<![A-Z,&/]\s)(?=(?:BACKGROUND|INTRODUCTION|CONTEXT|RATIONALE|OBJECTIVES?|AIMS?|PURPOSE|HYPOTHESIS|DESIGN
        |SETTING|PATIENTS|PARTICIPANTS|SUBJECTS|MATERIALS?|METHODS?|METHODOLOGY|INTERVENTIONS?|MEASUREMENTS|MAIN|RESULTS?|FINDINGS
        |DISCUSSION|CONCLUSIONS?|INTERPRETATION|SIGNIFICANCE|LIMITATIONS)\b[A-Z ,/&()]{0,40}:\s)""",
    re.VERBOSE,
)
_WORD_BEFORE = re.compile(r"[^\s(\[{,;:]*$")
_WORD_AFTER = re.compile(r"""\s*["'“‘«(\[{]*([^\s.,;:()\[\]]*)""")


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


# After these no sentence ends: something always follows.
_NEVER = _words(
    """e.g eg i.e ie vs cf viz fig figs eq eqs ref refs dr drs mr mrs ms prof st vol pp ed eds dept univ resp subsp ssp
    var cv gen sect suppl ver ch tab approx ca"""
)
# After these, only before a word that likes to begin one.
_SELDOM = _words(
    """al etc sp spp i.v iv i.p ip s.c sc i.m p.o po i.d i.t b.i.d t.i.d q.d q.i.d b.w d.w wt ph.d m.d b.sc m.sc jr sr
    inc ltd corp co w.r.t a.m p.m a.k.a v/v w/v"""
)
# After these, unless a number follows.
_NUMBERED = _words("no nos")
_BEGINNERS = _words(
    """a after all although among an and as at because both but by despite during each finally for from furthermore
    here how however if in interestingly it its moreover most no none of on one only other our overall patients results
    similarly since several six some such ten that the their there therefore these they this those three thus to
    treatment two under using we what when whereas whether which while with"""
)
# How far back from a stop its word and the one before are looked for, in code points.
_LOOK_BACK = 60
_STOPS = ("", ".", "?", "!", ";", ":")
# `P < 0. 05` as it is often typed.
_ZERO = re.compile(r"(?:^|[<>=≤≥±~-])0$")
_NAME = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?\d")
_INITIALS = re.compile(r"(?:[A-Z]\.-?)*[A-Z]$")
# `vitamin C.` ends a sentence where `C. difficile` does not.
_LETTERED = re.compile(
    r"(?:vitamins?|hepatitis|types?|groups?|class|grades?|stages?|factors?|proteins?|influenza|cases?|arms?)\s+$",
    re.IGNORECASE,
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends (code points, half-open), in order.

    They cover all of the text but the spaces around them; a section's label belongs to its first sentence.
    """
    cuts = [0, *(match.end() for match in _END.finditer(text) if _ends(text, match)), len(text)]
    found = []
    for start, end in pairwise(cuts):
        sentence = text[start:end]
        if sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            found.append((start, start + len(sentence.strip())))
    return found


def enclosing_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence in which `text[start:end]` stands; from the first to the last when it runs through several."""
    inside = [(first, after) for first, after in split_sentences(text) if first < end and start < after]
    return (min(start, inside[0][0]), max(end, inside[-1][1])) if inside else (start, end)


def _ends(text: str, match: re.Match[str]) -> bool:
    if match["stop"] is None:
        return True
    following = _WORD_AFTER.match(text, match.end())
    after = following[1] if following else ""
    # `p53` and `mRNA` begin sentences, `was` and `kg-1` do not.
    if after.islower() and (after.isalpha() or not _NAME.match(after)):
        return False
    return match["stop"] != "." or not _abbreviates(text[max(0, match.start() - _LOOK_BACK) : match.start()], after)


def _abbreviates(before: str, after: str) -> bool:
    """Whether the stop after `before` belongs to its last word, with `after` the next one."""
    found = _WORD_BEFORE.search(before)
    word = found[0] if found else ""
    if word.isdigit() and len(word) < 3 and before[: -len(word)].rstrip(" \n(")[-1:] in _STOPS:
        # The number of an item in a list.
        return True
    if after[:1].isdigit() and (_ZERO.search(word) or word.lower() in _NUMBERED):
        return True
    # In capitals, ED and MS are no abbreviations that end in a stop.
    plain = "" if len(word) > 1 and word.isupper() and "." not in word else word.lower()
    if plain in _NEVER:
        return True
    initial = _INITIALS.match(word) and not _LETTERED.search(before[:-1])
    return (plain in _SELDOM or bool(initial)) and after.lower() not in _BEGINNERS
