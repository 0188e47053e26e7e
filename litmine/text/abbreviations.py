"""Find the abbreviations that a text defines, such as `tumor necrosis factor (TNF)` or `TNF (tumor necrosis factor)`.

The method is that of Schwartz and Hearst (PSB 2003): the letters of the short form stand in the long form in the same
order, and the first letter begins a word. As in Ab3P (Sohn et al., BMC Bioinformatics 2008), a strict match counts
first: each letter begins a word, and no word but `of`, `the` and the like is left out. The time is linear in the length
of the text, because each pair of brackets looks at no more than `_WINDOW_CHARS` on either side of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from litmine.text.greek import GREEK_NAMES
from litmine.text.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A definition: `text[short_start:short_end] == short_form`, and likewise for the long form.

    Offsets are Unicode code points, end exclusive. One form stands in brackets, or both do.
    """

    short_form: str
    short_start: int
    short_end: int
    long_form: str
    long_start: int
    long_end: int


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Schwartz and Hearst's bounds of a short form: letters, and words.
_MAX_SHORT_CHARS, _MAX_SHORT_WORDS = 10, 2
# Where a long form may stand: before the bracket, or in it. Names of chemicals are long.
_WINDOW_CHARS = 400
_TOKEN = re.compile(r"\S+")
_BRACKETS = {")": "(", "]": "["}
_QUOTES = " \t\n\r\u00a0\"'“”‘’*"
# Words of a long form that a short form may leave out; `s` is that of `Alzheimer's`.
_SMALL_WORDS = _words("a an and as at by for from in into la of on or per the to via with de und s")
# Words that do not begin a long form.
_NO_FIRST_WORDS = _SMALL_WORDS - {"in", "per", "via", "de", "la"} | {"is", "was", "were", "are", "called", "termed"}
# What stands in brackets and is no short form.
_NO_SHORT_FORMS = _SMALL_WORDS | _words("eg e.g ie i.e fig figs table ref refs see vs no yes ii iii iv vi")
# Words that introduce a short form in brackets.
_LEADS = tuple(
    f"{lead} "
    for lead in (
        *("abbreviated as", "abbreviated to", "abbreviated", "hereafter referred to as", "hereafter called"),
        *("hereafter", "referred to as", "designated as", "designated", "termed", "called", "namely", "i.e.,", "i.e."),
        *("also known as", "also called", "also termed", "also", "known as", "or", "the"),
    )
)


def find_abbreviations(text: str) -> list[Abbreviation]:
    """The definitions of abbreviations in `text`, in the order of their offsets; each lies in one sentence."""
    found = {
        definition
        for start, end in split_sentences(text)
        for opening, closing in _bracket_pairs(text, start, end)
        for definition in _definitions(text, start, opening, closing)
    }
    return sorted(found, key=lambda one: (min(one.short_start, one.long_start), one.short_start, one.short_end))


def _bracket_pairs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The offsets of each opening bracket and its closing bracket; brackets without a partner are left out."""
    opened: list[int] = []
    waiting = dict.fromkeys(_BRACKETS.values(), 0)
    pairs = []
    for at in range(start, end):
        char = text[at]
        if char in waiting:
            opened.append(at)
            waiting[char] += 1
        elif char in _BRACKETS and waiting[_BRACKETS[char]]:
            # A bracket of the other kind that is still open has no partner.
            while text[opened[-1]] != _BRACKETS[char]:
                waiting[text[opened.pop()]] -= 1
            waiting[_BRACKETS[char]] -= 1
            pairs.append((opened.pop(), at))
    return pairs


def _definitions(text: str, sentence: int, opening: int, closing: int) -> Iterator[Abbreviation]:
    """The definitions that a pair of brackets makes, with the words before it or within it."""
    parts = _segments(text, opening + 1, min(closing, opening + 1 + _WINDOW_CHARS))
    before = max(sentence, opening - _WINDOW_CHARS)
    if not parts or parts[0][0] == parts[0][1]:
        return
    for short in _short_candidates(text, *parts[0]):
        definition = _match_before(text, short, before, opening)
        if definition:
            yield definition
            break
    else:
        definition = _match_inside(text, before, opening, closing, parts)
        if definition:
            yield definition
    # `(reactive oxygen species, ROS)` and `(CI = confidence interval)`.
    for left, right in pairwise(parts):
        for short, long in ((right, left), (left, right)):
            if _is_short_form(text[slice(*short)]) and _capitals(text[slice(*short)]) > 1:
                span = _long_form(text, text[slice(*short)], *long)
                if span and span[0] == long[0]:
                    yield _abbreviation(text, short, span)
                    break


def _segments(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts between `;`, `=`, `:` and commas before a space, without the white space and quotes around them."""
    cuts = [start - 1]
    cuts += [at for at in range(start, end) if text[at] in ";=:" or text[at : at + 2] == ", "]
    return [_strip(text, left + 1, right) for left, right in zip(cuts, [*cuts[1:], end], strict=True)]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _QUOTES:
        start += 1
    while start < end and text[end - 1] in _QUOTES:
        end -= 1
    return start, end


def _short_candidates(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where a short form may stand at the beginning of a bracket: all of it, after `or`, or before a number."""
    for lead in _LEADS:
        if text.startswith(lead, start):
            start, end = _strip(text, start + len(lead), end)
    if _is_short_form(text[start:end]):
        yield start, end
    first = start
    while first < end and not text[first].isspace():
        first += 1
    rest = text[first:end].lstrip()
    # `odds ratio (OR 2.3)`, `confidence interval (CI, 2 to 3)`.
    if rest and not rest[0].isalpha() and _capitals(text[start:first]) > 1 and _is_short_form(text[start:first]):
        yield start, first


def _is_short_form(form: str) -> bool:
    """Whether a string has the form of an abbreviation."""
    letters = sum(char.isalpha() for char in form)
    if len(form) < 2 or sum(map(str.isalnum, form)) > _MAX_SHORT_CHARS or len(form) > 2 * _MAX_SHORT_CHARS:
        return False
    words = form.split()
    if not letters or len(words) > _MAX_SHORT_WORDS or not form[0].isalnum() or form[-1] == "-":
        return False
    # `OR` is an odds ratio, `or` and `Or` are words.
    if any(char in ',;:=<>%()[]"' for char in form) or (form[1:].islower() and form.lower() in _NO_SHORT_FORMS):
        return False
    # A common word, such as the name of a place or company.
    if letters == len(form) > 4 and form[1:].islower():
        return False
    return len(words) == 1 or _capitals(form) > 1


def _capitals(form: str) -> int:
    """The number of characters that are typical of abbreviations: capitals, digits and Greek letters."""
    return sum(char.isupper() or char.isdigit() or char in GREEK_NAMES for char in form)


def _match_before(text: str, short: tuple[int, int], start: int, opening: int) -> Abbreviation | None:
    """The definition `long form (SHORT)`."""
    span = _long_form(text, text[slice(*short)], *_strip(text, start, opening))
    return _abbreviation(text, short, span) if span else None


def _match_inside(
    text: str, start: int, opening: int, closing: int, parts: list[tuple[int, int]]
) -> Abbreviation | None:
    """The definition `SHORT (long form)`: the long form is all of the brackets or their first part."""
    end = opening
    while end > start and text[end - 1] in _QUOTES:
        end -= 1
    first = end
    while first > start and end - first <= 2 * _MAX_SHORT_CHARS and not text[first - 1].isspace():
        first -= 1
    while first < end and text[first] in _QUOTES + "([":
        first += 1
    form = text[first:end]
    if not _is_short_form(form) or not _capitals(form):
        return None
    whole = _strip(text, opening + 1, min(closing, opening + 1 + _WINDOW_CHARS))
    for long in dict.fromkeys((whole, parts[0])):
        while text[long[0] : long[1]].lower().startswith(("the ", "i.e. ", "or ")):
            long = _strip(text, text.index(" ", long[0]), long[1])
        span = _long_form(text, form, *long)
        if span and span[0] == long[0]:
            return _abbreviation(text, (first, end), span)
    return None


def _abbreviation(text: str, short: tuple[int, int], long: tuple[int, int]) -> Abbreviation:
    return Abbreviation(text[slice(*short)], *short, text[slice(*long)], *long)


def _long_form(text: str, short_form: str, start: int, end: int) -> tuple[int, int] | None:
    """The span of the long form of `short_form` that ends at `end` and begins at or after `start`."""
    # `ROSs` is a plural of `ROS`, and most long forms have its `s` too.
    plural = len(short_form) > 2 and short_form[-1] == "s" and short_form[-2].isupper()
    for form in (short_form[:-1], short_form) if plural else (short_form,):
        units = _units(form)
        span = _match_units(text, form, units, start, end) if units else None
        if span:
            return span
    return None


def _units(form: str) -> list[str]:
    """The letters of a short form in lower case, `β` for `beta`, and its numbers as a whole."""
    form = form.lower()
    for letter, name in GREEK_NAMES.items():
        if len(name) > 3:
            form = form.replace(name, letter)
    return [
        unit
        for digits, run in groupby(filter(str.isalnum, form), str.isdigit)
        for unit in (["".join(run)] if digits else run)
    ]


def _match_units(text: str, form: str, units: list[str], start: int, end: int) -> tuple[int, int] | None:
    candidate = text[start:end]
    most_words = min(len(form) + 5, 2 * len(form))
    hidden = _hide_brackets(candidate)
    for words in dict.fromkeys((hidden, candidate)):
        tokens = _tokens(words)
        # After the last semicolon or colon.
        while tokens and any(words[at - 1] in ";:" for _, at in tokens[:-1]):
            tokens = tokens[1:]
        tokens = tokens[-most_words:]
        if not tokens:
            continue
        low = tokens[0][0]
        strict = _match_initials(words, units, low)
        loose = None if form.islower() or strict is not None else _match_letters(words, units, low)
        first = loose if strict is None else strict
        if first is None:
            continue
        first = _whole_start(candidate, first, low)
        if first is not None and _is_long_form(candidate[first:], form):
            return start + first, end
    return None


def _hide_brackets(candidate: str) -> str:
    """`candidate` with spaces instead of bracketed words, such as `(TNF)` in `tumor necrosis factor (TNF) receptor`."""
    chars = list(candidate)
    for opening, closing in _bracket_pairs(candidate, 0, len(candidate)):
        if opening and candidate[opening - 1].isspace():
            chars[opening : closing + 1] = " " * (closing + 1 - opening)
    return "".join(chars)


def _tokens(words: str) -> list[tuple[int, int]]:
    """Start and end of each run of characters other than white space."""
    return [match.span() for match in _TOKEN.finditer(words)]


def _same(unit: str, words: str, at: int) -> bool:
    """Whether a unit of a short form stands at `words[at]`: `α` stands for `alpha`, and `k` for `κ`."""
    char = words[at].lower()
    if unit == char:
        return True
    if unit in GREEK_NAMES:
        return words[at : at + len(GREEK_NAMES[unit])].lower() == GREEK_NAMES[unit]
    if unit.isdigit():
        return words[at : at + len(unit)] == unit
    return char in GREEK_NAMES and GREEK_NAMES[char].startswith(unit)


def _parts(words: str, low: int) -> list[tuple[int, int]]:
    """Runs of letters and runs of digits."""
    parts, at = [], low
    while at < len(words):
        first = at
        while at < len(words) and words[at].isalnum() and words[at].isdigit() == words[first].isdigit():
            at += 1
        if at > first:
            parts.append((first, at))
        else:
            at += 1
    return parts


def _match_initials(words: str, units: list[str], low: int) -> int | None:
    """The start of the long form if each unit begins a word and only small words are left out."""
    parts = [(at, words[at:after].lower()) for at, after in reversed(_parts(words, low))]
    # The `t` of `the` counts only where the short form has no other word for it.
    for small_count in (False, True):
        left = len(units)
        for at, word in parts:
            small = word in _SMALL_WORDS
            may_match = not small or (small_count and not (left == 1 and word in _NO_FIRST_WORDS))
            if may_match and _same(units[left - 1], words, at):
                left -= 1
                if not left:
                    return None if len(units) < 3 and "," in words[at:] else at
            elif not small:
                break
    return None


def _match_letters(words: str, units: list[str], low: int) -> int | None:
    """The start of the long form by the method of Schwartz and Hearst, if few words are without a letter."""
    at = len(words)
    matched = []
    for left in range(len(units) - 1, -1, -1):
        at -= 1
        while at >= low and not (
            _same(units[left], words, at) and (left or at == low or not words[at - 1].isalnum() or at == 0)
        ):
            at -= 1
        if at < low:
            return None
        matched.append(at)
    tokens = [token for token in _tokens(words) if token[1] > at]
    if any(words[after - 1] == "," for _, after in tokens[:-1]):
        return None
    skipped = sum(
        words[first:after].lower() not in _SMALL_WORDS and not any(first <= place < after for place in matched)
        for first, after in tokens
    )
    most = 0 if len(units) < 3 else 1 if len(units) < 5 else 2
    if skipped > most or (len(units) < 3 and len(tokens) > 1):
        return None
    return at


def _whole_start(candidate: str, first: int, low: int) -> int | None:
    """`first`, or the start of its word if only that has brackets in pairs; None if neither has.

    `N-(4-hydroxyphenyl)retinamide (4-HPR)` is defined from its `N` on.
    """
    for _ in range(2):
        brackets = [char for char in candidate[first:] if char in "()[]"]
        pairs = _bracket_pairs(candidate, first, len(candidate))
        if 2 * len(pairs) == len(brackets):
            return first
        while first > low and not candidate[first - 1].isspace():
            first -= 1
    return None


def _is_long_form(long_form: str, form: str) -> bool:
    """Whether a match may be a long form: longer than the short form, which is no word of it."""
    words = long_form.split()
    letters = sum(map(str.isalpha, long_form))
    return (
        letters > sum(map(str.isalpha, form))
        and len(long_form) > len(form)
        and long_form[0].isalnum()
        # `eIF4F core components (eIF4E)` names two proteins.
        and not (len(words[0]) == len(form) and words[0][:-1] == form[:-1])
        and not (long_form.lower().startswith(form.lower()) and not long_form[len(form)].isalpha())
        and words[0].lower() not in _NO_FIRST_WORDS
        and form.lower() not in {word.strip(".,()[]").lower() for word in words}
    )
