"""Find the names of a term list in texts: in other spellings, the longest names first, and only as whole words.

A name and a text are folded (`litmine.text.folded_text`) and split into words, numbers and signs. Hyphens, spaces and
the border between a letter and a digit count alike: `IL-2`, `IL 2` and `IL2` are one name. A hyphen within a word may
be left out (`co-trimoxazole`), also `'s` within a name, and names of five letters or more have a plural with -s.

All names are in one dictionary by their words, joined by spaces, and so are the beginnings of names. A text costs one
look-up for each of its words, and more only where a name begins.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from litmine.text.common_words import COMMON_WORDS
from litmine.text.folded_text import GREEK_END, GREEK_START, FoldedText, fold, fold_except_case

# Part of the digest of every term list: increases whenever the same list would find something else in the same text.
MATCHER_VERSION = 1

_JOINT = f"{GREEK_START}{GREEK_END}"
_POSSESSIVE = "'s"
_TOKEN = re.compile(rf"[^\W\d_]+|\d+|(?<=[^\W\d_]){_POSSESSIVE}(?![^\W_]|{GREEK_START})|[^\w\s{_JOINT}-]|_")
# Words that a hyphen or a Greek letter joins.
_COMPOUND = re.compile(rf"(?<![^\W\d_])[^\W\d_]++(?:(?=[-{_JOINT}])[{_JOINT}]*+-?[{_JOINT}]*+[^\W\d_]++)++")
# Of a longer compound, only so many parts are read as one word.
_MOST_PARTS = 8
_JOINTS = re.compile(rf"[{_JOINT}-]+")
_TWO_CHARACTERS, _LETTER = re.compile(r"[^\W_].*[^\W_]", re.DOTALL), re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"[\s-]")
_SEPARATORS = re.compile(rf"[\s{_JOINT}-]+")
# Between two words of a name stand spaces, one hyphen or nothing.
_BROKEN = re.compile(rf"\s[{_JOINT}]*-|-[{_JOINT}]*(?:\s|-)")
# A decimal point or a comma within a number.
_DECIMAL = re.compile(r"\d[.,]\d")
# What follows a name without belonging to it: `aspirin-induced`. In the training texts of BC5CDR, NCBI-disease, BioRED
# and NLM-Gene, annotators end 1,202 of 1,228 names before these words.
_SUFFIX = re.compile(
    r"[-\u2010-\u2015\u2212](?:activated|affected|allergic|amplified|associated|based|binding|bound|coated|containing"
    r"|controlled|deficient|dependent|depleted|derived|driven|elicited|eluting|exposed|expressing|free|independent"
    r"|induced|inducible|inducing|inhibited|injected|intolerant|knockout|like|loaded|mediated|mutant|mutated"
    r"|naive|negative|null|overexpressing|positive|pretreated|primed|producing|prone|refractory|regulated|related"
    r"|resistant|selective|sensitive|sparing|specific|stained|stimulated|targeted|treated|triggered)(?![^\W_])"
)
# Names of at most so many letters and digits are found only in their own capitals: any, and those with a capital after
# the first letter.
_SHORT, _SHORT_WITH_CAPITALS = 3, 5
# Words of so many letters may be abbreviations if they are all capitals.
_WORD_LETTERS = 4
# A name has a plural if it has so many letters, or so many if all are capitals, and its last word has so many.
_PLURAL_LETTERS, _PLURAL_CAPITALS, _PLURAL_WORD = 5, 3, 3


class Case(Enum):
    """In which capitals a name is found."""

    ANY = 0
    # As given, or with another initial.
    INITIAL = 1
    AS_GIVEN = 2


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One name of a term list. `identifier` is empty if the list gives none."""

    name: str
    entity_type: str
    identifier: str


class FoundTerm(NamedTuple):
    """A place in a text, half-open in code points, with the type and the identifier of the names found there.

    Several identifiers of one type are joined by `|`; the identifier is None if the list gives none.
    """

    start_char: int
    end_char: int
    entity_type: str
    identifier: str | None


class _Name(NamedTuple):
    """A term as the matcher needs it.

    letters: the folded name with its capitals, without spaces and hyphens. spaced: whether it has spaces or hyphens.
    plural: whether the name may have a plural -s. singular: whether the dictionary has it without its own -s.
    """

    term: Term
    letters: str
    case: Case
    spaced: bool
    plural: bool
    singular: bool = False


class _Candidate(NamedTuple):
    start: int
    end: int
    names: Sequence[_Name]


def letters_of(name: str) -> str:
    """The folded name with its capitals, without spaces and hyphens; names with equal letters are spelled alike."""
    return _SEPARATORS.sub("", fold_except_case(name))


def case_of(letters: str) -> Case:
    """In which capitals a name with these `letters_of` is found in texts."""
    known = letters if letters.isalnum() else "".join(filter(str.isalnum, letters))
    inner_capital = known[1:] != known[1:].lower()
    short = len(known) <= (_SHORT_WITH_CAPITALS if inner_capital else _SHORT)
    if short or known.lower() in COMMON_WORDS:
        return Case.AS_GIVEN
    return Case.INITIAL if len(known) <= _WORD_LETTERS else Case.ANY


def is_name(name: str) -> bool:
    """Whether a name can be found: it has two letters or digits or more, and a letter."""
    # Folding never takes letters from a name that is ASCII.
    folded = name if name.isascii() else fold(name)
    return _TWO_CHARACTERS.search(folded) is not None and _LETTER.search(folded) is not None


class TermMatcher:
    """Finds the names of a list; those that `is_name` refuses are left out. The order of the terms has no effect."""

    def __init__(self, terms: Iterable[Term]) -> None:
        # Beginnings of names have no names of their own.
        self._names: dict[str, tuple[_Name, ...]] = {}
        for term in sorted(set(terms)):
            if is_name(term.name):
                self._add(term)

    def _add(self, term: Term) -> None:
        folded = fold(term.name)
        letters = letters_of(term.name)
        spellings = _spellings(folded)
        plural = _has_plural(letters, spellings[0][-1])
        name = _Name(term, letters, case_of(letters), _SPACE.search(folded) is not None, plural)
        for tokens in dict.fromkeys(spellings):
            self._add_tokens(tokens, name)
            singular = tokens[-1][:-1]
            if plural and tokens[-1][-1] == "s" and len(letters) > _PLURAL_LETTERS and _takes_s(singular):
                self._add_tokens((*tokens[:-1], singular), name._replace(singular=True))

    def _add_tokens(self, tokens: Sequence[str], name: _Name) -> None:
        key = tokens[0]
        for token in tokens[1:]:
            self._names.setdefault(key, ())
            key = f"{key} {token}"
        names = self._names.get(key, ())
        self._names[key] = (*names, name)

    def find(self, text: str) -> list[FoundTerm]:
        """The terms in a text, sorted by offsets and type. Places do not overlap; of two that do, the longer counts."""
        folded = FoldedText(text)
        places: dict[tuple[int, int], list[_Name]] = {}
        for candidate in self._candidates(folded.folded):
            span = folded.original_span(candidate.start, candidate.end)
            if span and _is_whole(text, *span):
                letters = letters_of(text[slice(*span)])
                spaced = " " in folded.folded[candidate.start : candidate.end]
                names = [name for name in candidate.names if _fits(name, letters, spaced)]
                if names:
                    places.setdefault(span, []).extend(names)
        found: list[FoundTerm] = []
        for start, end in _longest(places):
            found += _terms_at(start, end, places[start, end], letters_of(text[start:end]))
        return sorted(found, key=lambda one: one[:3])

    def _candidates(self, folded: str) -> Iterator[_Candidate]:
        """The places whose words are those of a name."""
        names = self._names
        matches = list(_TOKEN.finditer(folded))
        tokens = [match[0] for match in matches]
        other = _other_words(folded, matches, tokens)
        # Most words begin no name, and most of the others do not go on as a name.
        for first, (token, following) in enumerate(zip(tokens, [*tokens[1:], ""], strict=False)):
            here = names.get(token)
            if here is None and (token[-1] != "s" or token[:-1] not in names) and first not in other:
                continue
            if not here and first not in other and first + 1 not in other and token[-1] != "s":
                key = f"{token} {following}"
                if key not in names and (key[-1] != "s" or key[:-1] not in names):
                    continue
            yield from self._candidates_from(first, folded, matches, tokens, other)

    def _candidates_from(
        self,
        first: int,
        folded: str,
        matches: Sequence[re.Match[str]],
        tokens: Sequence[str],
        other: Mapping[int, Sequence[tuple[int, str]]],
    ) -> Iterator[_Candidate]:
        """The places that begin with the token of this number, in all readings of the text."""
        names = self._names
        start = matches[first].start()
        open_paths = [(first, "")]
        while open_paths:
            at, before = open_paths.pop()
            if at == len(tokens):
                continue
            for after, word in ((at + 1, tokens[at]), *other.get(at, ())):
                if not word:
                    if before:
                        open_paths.append((after, before))
                    continue
                key = f"{before} {word}" if before else word
                here = names.get(key)
                if here is not None:
                    open_paths.append((after, key))
                singular = names.get(key[:-1]) if key[-1] == "s" else None
                if here or singular:
                    end = matches[after - 1].end()
                    if not _BROKEN.search(folded, start, end):
                        plural = [name for name in singular or () if name.plural and not name.singular]
                        yield _Candidate(start, end, [*(here or ()), *plural])


def _other_words(
    folded: str, matches: Sequence[re.Match[str]], tokens: Sequence[str]
) -> Mapping[int, Sequence[tuple[int, str]]]:
    """Other readings of a text by the number of a token: the number of the next token, and the word until there.

    The first parts of a compound may be one word, and an `'s` nothing.
    """
    other: dict[int, list[tuple[int, str]]] = {}
    compounds = list(_COMPOUND.finditer(folded)) if "-" in folded or GREEK_START in folded else []
    if compounds:
        numbers = {match.start(): number for number, match in enumerate(matches)}
        for compound in compounds:
            start, end = compound.span()
            # The `s` of a possessive is no part of a compound.
            at = numbers[start] if start in numbers else numbers[start - len(_POSSESSIVE) + 1] + 1
            word = tokens[at]
            for number in range(at + 1, min(at + _MOST_PARTS, len(tokens))):
                if matches[number].start() >= end:
                    break
                word += tokens[number]
                other.setdefault(at, []).append((number + 1, word))
    if "'" in folded:
        for at, token in enumerate(tokens):
            if token == _POSSESSIVE:
                other.setdefault(at, []).append((at + 1, ""))
    return other


def _spellings(folded: str) -> list[tuple[str, ...]]:
    """The tokens of a folded name: with compounds apart and as one word, with and without `'s` before another word."""
    spellings = [tuple(_TOKEN.findall(folded))]
    if "-" in folded or GREEK_START in folded:
        spellings.append(tuple(_TOKEN.findall(_COMPOUND.sub(lambda found: _JOINTS.sub("", found[0]), folded))))
    if "'" in folded:
        spellings += [(*(one for one in tokens[:-1] if one != _POSSESSIVE), tokens[-1]) for tokens in spellings]
    return spellings


def _has_plural(letters: str, last: str) -> bool:
    """Whether the `last` word of a name with these `letters_of` may have a plural -s, or is one."""
    if not last.isalpha() or len(last) < _PLURAL_WORD:
        return False
    count = len(letters) if letters.isalpha() else sum(map(str.isalpha, letters))
    return count >= (_PLURAL_CAPITALS if letters.isupper() else _PLURAL_LETTERS)


def _takes_s(word: str) -> bool:
    """Whether -s makes a plural of a word: not after `s`, `u` and `i`, as in `virus` and `analysis`."""
    return word[-1:].isalpha() and word[-1:] not in "sui"


def _fits(name: _Name, letters: str, spaced: bool) -> bool:
    """Whether a name has the capitals of a text's letters, which may have a plural -s more or less."""
    if name.case is Case.AS_GIVEN and spaced and not name.spaced:
        return False
    if name.case is Case.ANY:
        return True
    forms = [name.letters]
    if name.plural:
        forms += [f"{name.letters}s", name.letters.removesuffix("s")]
    # The words are those of the name, so only capitals and an `'s` can differ.
    first = 1 if name.case is Case.INITIAL else 0
    return _without_possessive(letters)[first:] in [_without_possessive(form)[first:] for form in forms]


def _without_possessive(letters: str) -> str:
    return letters.replace(_POSSESSIVE, "")


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no letter, digit or hyphen continues a place, as in `litmine.tasks.ner.mention_rules.occurrences`.

    A number does not end before its decimals, and a name may end before words such as `-induced`.
    """
    before = start - 1
    # Invisible characters, which have no folded form, divide no word.
    while before >= 0 and not text[before].isascii() and not fold(text[before]):
        before -= 1
    if before >= 0 and _continues(text[before]):
        return False
    if end < len(text) and _continues(text[end]) and not _SUFFIX.match(text, end):
        return False
    number_before = start > 1 and _DECIMAL.match(text, start - 2)
    return not number_before and not _DECIMAL.match(text, end - 1)


def _continues(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in "-_"
    folded = fold(char)
    return folded == "-" or unicodedata.category(char)[0] == "M" or any(map(str.isalnum, folded))


def _longest(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places without those that overlap a longer one, or an earlier one of the same length."""
    taken: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0] - place[1], place)):
        at = bisect_left(taken, (start, end))
        if (at == 0 or taken[at - 1][1] <= start) and (at == len(taken) or end <= taken[at][0]):
            taken.insert(at, (start, end))
            yield start, end


def _terms_at(start: int, end: int, names: Sequence[_Name], letters: str) -> Iterator[FoundTerm]:
    """The terms at a place: those spelled as the text, but for the initial, or else all of them."""
    alike = [name for name in names if name.letters[1:] == letters[1:]] or names
    identifiers: dict[str, set[str]] = {}
    for name in alike:
        of_type = identifiers.setdefault(name.term.entity_type, set())
        of_type.update(filter(None, name.term.identifier.split("|")))
    for entity_type, known in sorted(identifiers.items()):
        yield FoundTerm(start, end, entity_type, "|".join(sorted(known)) or None)
