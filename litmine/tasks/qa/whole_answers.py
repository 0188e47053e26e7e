"""Which spans of a text can be an answer: whole names and numbers, within one sentence, with brackets in pairs.

An answer is never a part of a number (`527` of `1,527`) or of a hyphenated name (`block` of `beta-block`), does not run
over the end of a sentence, of the title or of a section, has no bracket without its partner, and is not made of the
question's own words alone.
docs/decisions/0145-whole-answers.md shows what each rule changes on dev questions, and 0154 what title and section do.
"""

import re

import numpy as np
from numpy.typing import NDArray

from litmine.nn.tokenizer import TokenizedText
from litmine.text.sentences import Regions, split_sentences

_HYPHENS = "\\-\u2010\u2011\u2012\u2013\u2212"
_LETTER = r"[^\W\d_]"
# Names and numbers that stay whole: runs of letters and digits with the marks that join them. A comma, colon or slash
# joins digits only, a stop joins digits or follows a single letter. What follows a name in brackets without a space
# belongs to it, `Ca(2+)`, and so do a final plus or percent sign.
_WHOLE = re.compile(
    rf"""
    (?:(?<![^\s([{{]) [{_HYPHENS}+] (?=\d))?
    [^\W_]+
    (?:
        (?: ['\u2019\u2032]?[{_HYPHENS}] | [_^*@'\u2019] | (?<=\d)[.,:/\u00b7](?=\d) | (?<=\b{_LETTER})\.) [^\W_]+
      | \( [^\s()]{{1,12}} \) (?:[{_HYPHENS}]? [^\W_]+)?
    )*
    (?: [+%] (?![^\W_]) )*
    """,
    re.VERBOSE,
)
# Numbers with spaces between thousands: `12 500`.
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![\d.,]*\d)(?![^\W\d_])")
# An answer may leave out some endings of such a name or number: `penicillin` of `penicillin-induced` and of
# `penicillin's`, `12` of `12-week`, `eight` of `eight-amino`.
_ENDING = re.compile(rf"[{_HYPHENS}](?:[a-z]*(?:ed|ing|like|free|ive|ent|ant)|specific)$|['\u2019]s$")
_UNITS = "years?|months?|weeks?|days?|hours?|min|minutes?|fold|mg|items?|points?|amino|residues?|base|bp|kb"
_COUNTED = re.compile(
    rf"""(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?=[{_HYPHENS}][a-z]{{3}})
    | [\d.,]+(?=[{_HYPHENS}](?:{_UNITS})\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Two names side by side, `Ufd1-Npl4`: letters and a digit in each.
_PAIR = re.compile(rf"(?=[^\W_]*{_LETTER}\d)([^\W_]{{4,}})([{_HYPHENS}])(?=[^\W_]*{_LETTER}\d)([^\W_]{{4,}})$")
_MIN_NAME = 2
_OPEN, _CLOSED = "([{", ")]}"
# An answer does not begin or end with these, unless they belong to such a name or number.
_NOT_FIRST, _NOT_LAST = frozenset(",.;:!?)]}/%"), frozenset(",.;:!?([{/" + "-\u2010\u2011\u2012\u2013\u2212")
_WORD = re.compile(r"[^\W_]+")
_CHOICE = re.compile(r"\bor\b|/", re.IGNORECASE)


def allowed_spans(
    question: str, text: str, words: TokenizedText, most_words: int, regions: Regions = ()
) -> NDArray[np.bool_]:
    """Which spans may be an answer: (words, longest), for a first word and the number of words after it.

    `longest` is the smaller of `most_words` and the number of words. Spans beyond the last word are not allowed.
    `regions`: those of the text, which an answer does not cross.
    """
    count = len(words)
    longest = min(most_words, count)
    allowed = np.zeros((count, longest), dtype=np.bool_)
    if not count:
        return allowed
    starts, ends = _cuts(text)
    may_start, may_end = starts[words.start], ends[words.end]
    # The words of some tokenizers include punctuation, such as `Yes.`, so an answer cannot leave it out.
    for word, (start, end) in enumerate(zip(words.start.tolist(), words.end.tolist(), strict=True)):
        if end - start > 1:
            may_start[word] |= text[start] in _NOT_FIRST
            may_end[word] |= text[end - 1] in _NOT_LAST
    sentence = np.searchsorted([start for start, _ in split_sentences(text, regions)], words.start, side="right")
    lowest, highest = _partners(text, words)
    asked = _asked_words(question, text, words)
    low, high, only_asked = lowest.copy(), highest.copy(), asked.copy()
    for more in range(longest):
        rest = count - more
        if more:
            low, high = np.minimum(low[:rest], lowest[more:]), np.maximum(high[:rest], highest[more:])
            only_asked = only_asked[:rest] & asked[more:]
        in_sentence = sentence[:rest] == sentence[more:]
        in_pairs = (low >= words.start[:rest]) & (high < words.end[more:])
        allowed[:rest, more] = may_start[:rest] & may_end[more:] & in_sentence & in_pairs & ~only_asked
    return allowed


def _cuts(text: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where an answer may start and where it may end: (code points + 1,) each."""
    starts, ends = np.ones(len(text) + 1, dtype=np.bool_), np.ones(len(text) + 1, dtype=np.bool_)
    for number, character in enumerate(text):
        starts[number] = character not in _NOT_FIRST
        ends[number + 1] = character not in _NOT_LAST
    for pattern in (_WHOLE, _THOUSANDS):
        for match in pattern.finditer(text):
            start, end = match.span()
            if end - start > 1:
                starts[start + 1 : end] = ends[start + 1 : end] = False
                starts[start] = ends[end] = True
            ending, counted, pair = _ENDING.search(match[0]), _COUNTED.match(match[0]), _PAIR.match(match[0])
            if ending and ending.start() >= _MIN_NAME:
                ends[start + ending.start()] = True
            if counted:
                ends[start + counted.end()] = True
            if pair:
                ends[start + pair.end(1)] = starts[start + pair.start(3)] = True
    return starts, ends


def _partners(text: str, words: TokenizedText) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each word, the first and last code point that a span must hold to pair the word's brackets: (words,) each.

    A bracket without a partner needs a code point outside the text.
    """
    lowest, highest = words.start.astype(np.int64), words.end.astype(np.int64) - 1
    partner: dict[int, int] = {}
    open_brackets: list[int] = []
    for number, character in enumerate(text):
        if character in _OPEN:
            open_brackets.append(number)
            partner[number] = len(text)
        elif character in _CLOSED:
            partner[number] = -1
            if open_brackets and _OPEN.index(text[open_brackets[-1]]) == _CLOSED.index(character):
                first = open_brackets.pop()
                partner[first], partner[number] = number, first
    for bracket, other in partner.items():
        word = int(np.searchsorted(words.start, bracket, side="right")) - 1
        if word >= 0 and bracket < words.end[word]:
            lowest[word], highest[word] = min(lowest[word], other), max(highest[word], other)
    return lowest, highest


def _asked_words(question: str, text: str, words: TokenizedText) -> NDArray[np.bool_]:
    """Whether each word is one of the question's or has neither letter nor digit: (words,).

    A question that offers a choice may be answered by its own words.
    """
    if _CHOICE.search(question):
        return np.zeros(len(words), dtype=np.bool_)
    asked = {_plain(word) for word in _WORD.findall(question)}
    return np.array(
        [
            all(_plain(word) in asked for word in _WORD.findall(text[start:end]))
            for start, end in zip(words.start.tolist(), words.end.tolist(), strict=True)
        ],
        dtype=np.bool_,
    )


def _plain(word: str) -> str:
    return word.casefold().removesuffix("s")
