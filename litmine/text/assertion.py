"""What a sentence says of a pair of mentions: whether it is negated, only a hypothesis, or an indication.

Rules of cues and their scopes in the manner of NegEx (Chapman et al. 2001) and ConText (Harkema et al. 2009): a cue
acts on the mentions that its scope reaches, and a pair is negated, or a hypothesis, if a cue reaches its subject or its
object. An indication is a wording as a whole, and so is a comparison that denies the relation. `assertion_cues` has the
cues, the wordings and their sources, `comparison` the comparisons; docs/decisions/0175-adverse-effects.md and
0212-comparisons-deny.md tell how well they do.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from litmine.text.assertion_cues import HYPOTHESIS, INDICATION, NAMED, NEGATION, NOT_SKIPPED, SCOPE_ENDS, Cues
from litmine.text.comparison import OBJECT, SUBJECT, compares, denied_by_comparison

_WORD = re.compile(r"\w+")
_SCOPE_END = re.compile("|".join(SCOPE_ENDS), re.IGNORECASE)
# A word that a wording may skip; a clause ends at a semicolon, colon or full stop. The bounds keep the time linear.
_SKIPPED = rf"(?:(?!{NOT_SKIPPED})[^\s;:.]{{1,40}}[ ,]{{1,3}})"
_GAP = re.compile(r"<(\d)>")
# Sentences whose cues are kept: the pairs of a sentence are judged one after another.
_KEPT_SENTENCES = 64

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a sentence says of a pair.

    negated: the relation does not hold, was not seen, or is said of another drug that the subject is compared with.
    speculated: the sentence supposes it, asks for it or warns of it. indication: the subject is given for the
    object. A relation is asserted if it is neither negated nor speculated.
    """

    negated: bool
    speculated: bool
    indication: bool


def assert_pair(
    sentence: str,
    subject: Span,
    object: Span,  # noqa: A002 - the field's word
    breaks: Sequence[int] = (),
    harm: bool = True,
) -> Assertion:
    """What the sentence says of the relation of two mentions.

    subject, object: start and end in code points of the sentence, end exclusive. breaks: where further sentences begin,
    if the text has several; a cue acts in its own sentence only. harm: whether the relation says harm; only then is an
    indication looked for, which takes most of the time, and may a comparison deny the relation. Raises ValueError
    for a span outside of the sentence.
    """
    mentions = subject, object
    if any(not 0 <= start <= end <= len(sentence) for start, end in mentions):
        raise ValueError(f"{subject} and {object} are no spans of a sentence of {len(sentence)} code points")
    read = _read(sentence, tuple(breaks))
    negated = any(read.reaches(cue, mentions) for cue in read.negation)
    supposing = [cue.cues for cue in read.hypothesis if read.reaches(cue, mentions)]
    wording = _mask(sentence, subject, object) if harm or supposing else ""
    named = bool(supposing or read.compares) and _NAMED.search(wording) is not None
    if harm and read.compares and not negated and not named:
        negated = denied_by_comparison(_mask(*_sentence_of_object(sentence, breaks, subject, object)))
    return Assertion(
        negated,
        any(not (named and cues.takes_as_known) for cues in supposing),
        harm and any(pattern.search(wording) for pattern in _INDICATION),
    )


@dataclass(frozen=True, slots=True)
class _FoundCue:
    start: int
    end: int
    cues: Cues


class _CueFinder:
    """Finds cues of one kind. Of several that begin at one place, a pseudo-cue counts, or else the longest pattern."""

    def __init__(self, groups: Sequence[Cues]) -> None:
        numbered = [(pattern, cues) for cues in groups for pattern in cues.patterns]
        ordered = sorted(numbered, key=lambda one: (one[1].scope != "none", -len(one[0])))
        self._cues = [cues for _, cues in ordered]
        choices = "|".join(f"({pattern})" for pattern, _ in ordered)
        self._pattern = re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)

    def find(self, text: str) -> list[_FoundCue]:
        """The cues in order, without pseudo-cues."""
        found = [
            _FoundCue(one.start(), one.end(), self._cues[one.lastindex - 1])
            for one in self._pattern.finditer(text)
            if one.lastindex is not None
        ]
        return [one for one in found if one.cues.scope != "none"]


class _Sentence:
    """The cues of a sentence, or of several, and the places of its words and of the ends of scopes."""

    def __init__(self, text: str, breaks: Sequence[int]) -> None:
        self._breaks = breaks
        self.negation, self.hypothesis = _NEGATION.find(text), _HYPOTHESIS.find(text)
        self.compares = compares(text)
        self._words = [word.start() for word in _WORD.finditer(text)]
        self._ends = [end.end() - 1 for end in _SCOPE_END.finditer(text)]

    def reaches(self, cue: _FoundCue, mentions: Sequence[Span]) -> bool:
        """Whether the scope of a cue reaches a mention. A cue inside a mention is none."""
        if any(start < cue.end and cue.start < end for start, end in mentions):
            return False
        return any(self._is_near(cue, mention) for mention in mentions)

    def _is_near(self, cue: _FoundCue, mention: Span) -> bool:
        if bisect_right(self._breaks, cue.start) != bisect_right(self._breaks, mention[0]):
            return False
        if cue.cues.scope in ("after", "around") and mention[0] >= cue.end:
            first, last = cue.end, mention[0]
        elif cue.cues.scope in ("before", "around") and mention[1] <= cue.start:
            first, last = mention[1], cue.start
        else:
            return False
        return _count(self._words, first, last) < cue.cues.reach and not _count(self._ends, first, last)


def _count(places: Sequence[int], first: int, last: int) -> int:
    return bisect_left(places, last) - bisect_left(places, first)


@lru_cache(maxsize=_KEPT_SENTENCES)
def _read(text: str, breaks: tuple[int, ...]) -> _Sentence:
    return _Sentence(text, breaks)


def _mask(text: str, subject: Span, target: Span) -> str:
    """The text with one character for each mention; of two that overlap, the subject gives way."""
    text = text.replace(SUBJECT, " ").replace(OBJECT, " ")
    (first, one), (second, two) = sorted([(subject, SUBJECT), (target, OBJECT)])
    if first[1] > second[0]:
        return text[: target[0]] + OBJECT + text[target[1] :]
    return text[: first[0]] + one + text[first[1] : second[0]] + two + text[second[1] :]


def _sentence_of_object(text: str, breaks: Sequence[int], subject: Span, target: Span) -> tuple[str, Span, Span]:
    """The sentence of the object, with the spans of both mentions in it, empty for a subject elsewhere."""
    if not breaks:
        return text, subject, target
    number = bisect_right(breaks, target[0])
    first = breaks[number - 1] if number else 0
    last = max(target[1], breaks[number] if number < len(breaks) else len(text))
    if not first <= subject[0] <= subject[1] <= last:
        # An empty span at the end: a drug of another sentence is compared with nothing in this one.
        subject = last, last
    return text[first:last], (subject[0] - first, subject[1] - first), (target[0] - first, target[1] - first)


def _wording(pattern: str) -> re.Pattern[str]:
    skipping = _GAP.sub(lambda gap: f"{_SKIPPED}{{0,{gap[1]}}}?", pattern)
    filled = skipping.replace("<S>", SUBJECT).replace("<O>", OBJECT)
    return re.compile(filled if pattern.startswith("<") else rf"(?<!\w){filled}", re.IGNORECASE)


_NEGATION, _HYPOTHESIS = _CueFinder(NEGATION), _CueFinder(HYPOTHESIS)
_INDICATION = [_wording(pattern) for pattern in INDICATION]
_NAMED = _wording(NAMED)
