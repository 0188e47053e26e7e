"""Split biomedical text into sentences by rules.

A full stop ends a sentence unless it belongs to an abbreviation, an initial or a number.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

# The end offset and the label of the title and of each section of a text, in order.
Regions = Sequence[tuple[int, str | None]]

# Possible sentence ends: a stop with closing quotes or brackets before a space, a Chinese or Japanese stop, a blank
# line, or the space before a section label, because a heading or list before it may lack a stop.
_END = re.compile(
    r"""(?P<stop>(?<![.!?…])[.!?…]+)["'”’»)\]};]*(?=\s)
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


# Abbreviations that never end a sentence, because something always follows them.
_NEVER_FINAL = _words(
    """e.g eg i.e ie vs cf viz fig figs eq eqs ref refs dr drs mr mrs ms prof st vol pp ed eds dept univ resp subsp ssp
    var cv gen sect suppl ver ch tab approx ca"""
)
# Abbreviations that end a sentence only before a word of `_COMMON_STARTS`.
_SELDOM_FINAL = _words(
    """al etc sp spp i.v iv i.p ip s.c sc i.m p.o po i.d i.t b.i.d t.i.d q.d q.i.d b.w d.w wt ph.d m.d b.sc m.sc jr sr
    inc ltd corp co w.r.t a.m p.m a.k.a v/v w/v"""
)
# Abbreviations that end a sentence unless a number follows.
_NUMBERED = _words("no nos")
_COMMON_STARTS = _words(
    """a after all although among an and as at because both but by despite during each finally for from furthermore
    here how however if in interestingly it its moreover most no none of on one only other our overall patients results
    similarly since several six some such ten that the their there therefore these they this those three thus to
    treatment two under using we what when whereas whether which while with"""
)
# Number of code points before a stop that hold its word and the word before it.
_CONTEXT_CHARS = 60
_BEFORE_LIST_NUMBER = ("", ".", "?", "!", ";", ":")
# A number with a space after its point, as in `P < 0. 05`, a common typing error.
_ZERO = re.compile(r"(?:^|[<>=≤≥±~-])0$")
_NAME_WITH_DIGIT = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?\d")
_INITIALS = re.compile(r"(?:[A-Z]\.-?)*[A-Z]$")
# Words before a single letter that is no initial: `vitamin C.` ends a sentence, `C. difficile` does not.
_BEFORE_LETTER = re.compile(
    r"(?:vitamins?|hepatitis|types?|groups?|class|grades?|stages?|factors?|proteins?|influenza|cases?|arms?)\s+$",
    re.IGNORECASE,
)


def split_sentences(text: str, regions: Regions = ()) -> list[tuple[int, int]]:
    """Start and end of each sentence in code points, end exclusive, in order.

    Together the sentences cover the text except for white space between them. A section label belongs to the first
    sentence of its section. A sentence ends with its region, even without a full stop.
    """
    sentences = _split_by_rules(text)
    return [(start, end) for start, end, _ in split_at_regions(text, sentences, regions)] if regions else sentences


def split_at_regions(
    text: str, sentences: Sequence[tuple[int, int]], regions: Regions
) -> Iterator[tuple[int, int, str | None]]:
    """Start, end and region label of each sentence, from the start and end of sentences that may cross a region's end.

    The label is None for a region without a label, and for what no region holds.
    """
    left = [*regions, (len(text), None)]
    for sentence_start, end in sentences:
        start = sentence_start
        while start < end:
            while left[0][0] <= start:
                left.pop(0)
            border, label = left[0]
            yield start, start + len(text[start : min(border, end)].rstrip()), label
            start = end - len(text[border:end].lstrip())


def enclosing_sentence(text: str, start: int, end: int, regions: Regions = ()) -> tuple[int, int]:
    """Start and end of the sentence that holds `text[start:end]`, or of all the sentences that it overlaps."""
    overlapping = [sentence for sentence in split_sentences(text, regions) if sentence[0] < end and start < sentence[1]]
    return (min(start, overlapping[0][0]), max(end, overlapping[-1][1])) if overlapping else (start, end)


def _split_by_rules(text: str) -> list[tuple[int, int]]:
    cuts = [0, *(match.end() for match in _END.finditer(text) if _ends_sentence(text, match)), len(text)]
    sentences = []
    for start, end in pairwise(cuts):
        sentence = text[start:end]
        if sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            sentences.append((start, start + len(sentence.strip())))
    return sentences


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether a match of `_END` is the end of a sentence."""
    if match["stop"] is None:
        return True
    following = _WORD_AFTER.match(text, match.end())
    after = following[1] if following else ""
    # A sentence may begin with `p53` or `mRNA`, but not with `was` or `kg-1`.
    if after.islower() and (after.isalpha() or not _NAME_WITH_DIGIT.match(after)):
        return False
    return match["stop"] != "." or not _is_abbreviation(
        text[max(0, match.start() - _CONTEXT_CHARS) : match.start()], after
    )


def _is_abbreviation(before: str, after: str) -> bool:
    """Whether the stop after `before` belongs to the last word of `before`; `after` is the next word."""
    match = _WORD_BEFORE.search(before)
    word = match[0] if match else ""
    if word.isdigit() and len(word) < 3 and before[: -len(word)].rstrip(" \n(")[-1:] in _BEFORE_LIST_NUMBER:
        # The number of a list item.
        return True
    if after[:1].isdigit() and (_ZERO.search(word) or word.lower() in _NUMBERED):
        return True
    # ED and MS in capitals are not the abbreviations `ed.` and `Ms.`.
    abbreviation = "" if len(word) > 1 and word.isupper() and "." not in word else word.lower()
    if abbreviation in _NEVER_FINAL:
        return True
    initial = _INITIALS.match(word) and not _BEFORE_LETTER.search(before[:-1])
    return (abbreviation in _SELDOM_FINAL or bool(initial)) and after.lower() not in _COMMON_STARTS
