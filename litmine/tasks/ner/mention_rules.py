"""Rules that correct the mentions of a tagger by what the whole text shows.

The network labels each word by itself. The rules add what it does not know: brackets stand in pairs, a name is not torn
at a bracket, a single letter is seldom a name, and a name keeps its type in the whole text.

Each rule maps the entities of a text to entities. A changed mention keeps its score, a joined one has the mean score of
its parts, and an added one the mean score of the mentions of its name, or the score of the other form.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from litmine.tasks.ner.overlaps import covers, entity_key, ordered, without_new_overlaps
from litmine.tasks.ner.repeated_names import repeat_names
from litmine.tasks.ner.short_forms import GENE_TYPES, definitions
from litmine.types import Entity

Rule = Callable[[str, list[Entity]], list[Entity]]

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = {closing: opening for opening, closing in _PAIRS.items()}
# What no name begins or ends with. A final `+` or `-` may be a charge.
_BEFORE_NAME, _AFTER_NAME = "/,;:-–—", "/,;:"
# The farthest bracket that completes a mention.
_MAX_EXTENSION = 40
_TORN = re.compile(r"[()\[\]{}]?-?")
# A label such as `[3H]` is no part of the substance's name, and a charge such as `(2+)` ends it.
_LABEL = re.compile(r"\[\d+[A-Z]|[\[(]\(\d+\)[A-Z]|\(\d?[+-]\)[a-z]")
# The rest of a word after a bracket.
_WORD = re.compile(r"[^\W\d_]{3,}")
_BRACKET = re.compile(r"[()\[\]{}]")
# The letter that completes the name of a vitamin.
_VITAMIN_LETTER = re.compile(r" [A-K](?:\d{1,2}|\(\d{1,2}\))?(?![\w(-])")
# Elements with one letter.
_ELEMENTS = frozenset("BCFHIKNOPSUVWY")
# What follows a letter of a word, a formula or an equation: `K(d)`, `P < 0.05`. A charge may follow: `K+`, `K(+)`.
_CONTINUES = re.compile(r"(?:\d?[+-]|\(\d?[+-]\))?(?:[^\W_]|[(\[](?!\d?[+-][)\]])|\s*[=<>≤≥])")
# A constant of a reaction or a pharmacokinetic value: `K(d)`, `k(cat)`, `V(max)`.
_CONSTANT = re.compile(r"[Kk]\((?:[aAbBdDeimM]|cat|on|off|eq|app|inact)\)|[VCTBE]\((?:max|min)\)")
# Least score of a form of a definition that gives the other form its type.
_MIN_DEFINITION_SCORE = 0.95


def open_brackets(mention: str) -> tuple[list[int], list[int]]:
    """Offsets in `mention` of the opening and of the closing brackets that have no partner."""
    opened: list[int] = []
    closing = []
    for match in _BRACKET.finditer(mention):
        at, char = match.start(), match[0]
        if char in _PAIRS:
            opened.append(at)
        elif opened and mention[opened[-1]] == _CLOSING[char]:
            opened.pop()
        else:
            closing.append(at)
    return opened, closing


def _moved(text: str, entity: Entity, start: int, end: int) -> Entity:
    return replace(entity, mention=text[start:end], start_char=start, end_char=end)


def _stripped(text: str, entity: Entity, start: int, end: int) -> list[Entity]:
    """`entity` with other bounds, without the punctuation and half brackets at its ends; none if nothing is left."""
    while start < end:
        opened, closing = open_brackets(text[start:end])
        if text[start].isspace() or text[start] in _BEFORE_NAME or 0 in closing or 0 in opened:
            start += 1
        elif (
            text[end - 1].isspace()
            or text[end - 1] in _AFTER_NAME
            or end - start - 1 in opened
            or end - start - 1 in closing
        ):
            end -= 1
        else:
            return [_moved(text, entity, start, end)]
    return []


def pair_brackets(text: str, entities: list[Entity]) -> list[Entity]:
    """Complete a name with half a pair of brackets within its word, or else cut the name at the bracket.

    `2A(pro` becomes `2A(pro)`, and `Interleukin-6 (IL-6` becomes `Interleukin-6` and `IL-6`.
    """
    found = []
    for entity in entities:
        start, end = entity.start_char, entity.end_char
        if _BRACKET.search(entity.mention):
            start, end = _completed(text, start, end)
        if (start, end) == (entity.start_char, entity.end_char) and not _is_odd(entity.mention):
            found.append(entity)
            continue
        opened, closing = open_brackets(text[start:end])
        cuts = [start, *(start + at for at in sorted(opened + closing)), end]
        pieces = [piece for left, right in pairwise(cuts) for piece in _stripped(text, entity, left, right)]
        found += [piece for piece in pieces if len(pieces) == 1 or sum(map(str.isalpha, piece.mention)) > 1]
    return ordered(found)


def _is_odd(mention: str) -> bool:
    return mention[0] in _BEFORE_NAME or mention[-1] in _AFTER_NAME or any(open_brackets(mention))


def _completed(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of a name with the bracket that it lacks, if the bracket stands in the same word."""
    opened, closing = open_brackets(text[start:end])
    if opened and not closing and opened[0] > 0 and not text[start + opened[0] - 1].isspace():
        at = _close(text, start, end)
        return (start, end) if at is None else (start, at)
    if closing and not opened:
        at = _open(text, start, end)
        return (start, end) if at is None else (at, end)
    return start, end


def _close(text: str, start: int, end: int) -> int | None:
    """Where the word closes its brackets."""
    for at in range(end, min(len(text), end + _MAX_EXTENSION)):
        if text[at].isspace():
            return None
        if text[at] in _CLOSING and not any(open_brackets(text[start : at + 1])):
            return at + 1
    return None


def _open(text: str, start: int, end: int) -> int | None:
    """Where the word begins that opens the brackets."""
    limit = max(0, start - _MAX_EXTENSION)
    for at in range(start - 1, limit - 1, -1):
        if text[at].isspace():
            return None
        if text[at] in _PAIRS and not any(open_brackets(text[at:end])):
            while at > limit and not text[at - 1].isspace() and text[at - 1] not in "([{,;/":
                at -= 1
            return None if any(open_brackets(text[at:end])) else at
    return None


def join_torn(text: str, entities: list[Entity]) -> list[Entity]:
    """Join mentions of one type that only brackets and hyphens separate, if the whole has brackets in pairs.

    `N-(4-hydroxyphenyl)` and `retinamide` become one name, also if only one of them is found. A vitamin gets its
    letter: `vitamin D3`.
    """
    found: list[Entity] = []
    last: dict[str, int] = {}
    for entity in entities:
        before = last.get(entity.entity_type)
        if before is not None:
            left = found[before]
            whole = text[left.start_char : entity.end_char]
            gap = text[left.end_char : entity.start_char]
            torn = gap + left.mention[-1] + entity.mention[0]
            if (
                left.end_char <= entity.start_char
                and _TORN.fullmatch(gap)
                and _BRACKET.search(torn)
                and not _LABEL.search(whole)
                and not any(open_brackets(whole))
            ):
                score = (left.score + entity.score) / 2
                found[before] = replace(_moved(text, left, left.start_char, entity.end_char), score=score)
                continue
        last[entity.entity_type] = len(found)
        found.append(entity)
    taken = [(one.start_char, one.end_char) for one in found if one.entity_type == "Chemical"]
    return ordered(_grown(text, one, taken) if one.entity_type == "Chemical" else one for one in found)


def _grown(text: str, chemical: Entity, taken: Sequence[tuple[int, int]]) -> Entity:
    """A chemical with the rest of its name: beyond a bracket at its end or before it, or the letter of a vitamin."""
    start, end = own = chemical.start_char, chemical.end_char
    rest = None
    if text[end - 1] in ")]":
        rest = _WORD.match(text, end)
    elif chemical.mention[-7:].lower() == "vitamin":
        rest = _VITAMIN_LETTER.match(text, end)
    if rest:
        end = rest.end()
    if text[start - 1 : start] in {")", "]"} and _WORD.match(text, start):
        limit = max(0, start - _MAX_EXTENSION)
        while start > limit and not text[start - 1].isspace() and text[start - 1] not in "/,;":
            start -= 1
    name = text[start:end]
    apart = not any(left < end and start < right for left, right in taken if (left, right) != own)
    whole = name[0].isalnum() and not any(open_brackets(name)) and not _LABEL.search(name)
    return _moved(text, chemical, start, end) if (start, end) != own and apart and whole else chemical


def drop_single_letters(text: str, entities: list[Entity]) -> list[Entity]:
    """Drop signs, short numbers, single letters out of context and constants such as `K(d)`.

    A letter stays if the text defines it, as in `potassium (K)`, or if it is a chemical element or an ion that stands
    alone, such as `K+` outside a longer mention.
    """
    ends = {(one.entity_type, one.end_char) for one in entities}
    defined = {(one.entity_type, one.mention) for one in entities if _is_defined(text, one, ends)}
    return [one for one in entities if not _is_stray(text, one, entities, defined)]


def _is_defined(text: str, one: Entity, ends: set[tuple[str, int]]) -> bool:
    """Whether a single letter stands in brackets after a mention of its type."""
    opening = text[: one.start_char].rstrip(" ")[-1:] if len(one.mention) == 1 else ""
    if opening not in {"(", "["} or text[one.end_char :].lstrip(" ")[:1] not in {")", "]"}:
        return False
    before = text[: one.start_char].rstrip(" ")[:-1]
    return before.endswith(" ") and (one.entity_type, len(before.rstrip(" "))) in ends


def _is_stray(text: str, one: Entity, entities: Sequence[Entity], defined: set[tuple[str, str]]) -> bool:
    if len(one.mention) > 2:
        start = max(0, one.start_char - 2) if text[one.start_char - 1 : one.start_char] == "(" else one.start_char
        constant = _CONSTANT.match(text, start)
        if constant and constant.end() >= one.end_char:
            return True
        # Most mentions begin with a letter.
        return not (one.mention[0].isalnum() or any(map(str.isalnum, one.mention)))
    if not any(map(str.isalpha, one.mention)):
        return True
    if len(one.mention) > 1:
        return False
    if (one.entity_type, one.mention) not in defined and not (
        one.entity_type == "Chemical" and one.mention in _ELEMENTS
    ):
        return True
    before = text[one.start_char - 1 : one.start_char] if one.start_char else ""
    inside = any(
        len(two.mention) > 1 and two.start_char <= one.start_char and one.end_char <= two.end_char for two in entities
    )
    return inside or before.isalnum() or _CONTINUES.match(text, one.end_char) is not None


def agree_definitions(text: str, entities: list[Entity]) -> list[Entity]:
    """Give the short form and the long form of a definition the same types.

    A form without a mention gets the types of the other form, if these are found with confidence. If both forms have
    mentions and no type in common, the form with the greatest score decides for all places of the other form.
    """
    for one in definitions(text):
        short, long = (one.short_start, one.short_end), (one.long_start, one.long_end)
        entities = _settle(text, entities, short, long)
        added = [
            _moved(text, entity, *other)
            for marked, other in ((short, long), (long, short))
            for entity in _at(entities, marked)
            if entity.score >= _MIN_DEFINITION_SCORE
            and not any(covers(two, entity.entity_type, *other) for two in entities)
        ]
        if added:
            entities = ordered([*entities, *added])
    return entities


def _at(entities: Iterable[Entity], span: tuple[int, int]) -> list[Entity]:
    return [one for one in entities if (one.start_char, one.end_char) == span]


def _settle(text: str, entities: list[Entity], short: tuple[int, int], long: tuple[int, int]) -> list[Entity]:
    """The entities after the more confident form of a definition has decided the type of the other form."""
    forms = _at(entities, short), _at(entities, long)
    types = [{one.entity_type for one in form} for form in forms]
    if not all(forms) or types[0] & types[1] or types[0] | types[1] <= GENE_TYPES:
        return entities
    best = [max(form, key=lambda one: one.score) for form in forms]
    loser = 0 if best[0].score <= best[1].score else 1
    winner, other = best[1 - loser], text[slice(*(short, long)[loser])]
    return ordered(
        replace(one, entity_type=winner.entity_type, score=winner.score)
        if one.mention == other and one.entity_type in types[loser]
        else one
        for one in entities
    )


RULES: tuple[Rule, ...] = (pair_brackets, join_torn, drop_single_letters, agree_definitions, repeat_names)


# Passes after which the entities of a text no longer change; two are enough for nearly all texts.
_MAX_PASSES = 8
# The rules compare the mentions of a text with each other. With more than this, they would take seconds; an abstract
# has about twenty.
_MAX_MENTIONS = 2000


def apply_rules(text: str, entities: Sequence[Entity], rules: Sequence[Rule] = RULES) -> list[Entity]:
    """The entities of a text after all rules, sorted by offsets and type, each span and type once.

    Two of one type overlap only if both were given, and did so before.

    The rules run until they change nothing, so that applying them again gives the same. A text with more than
    _MAX_MENTIONS entities keeps them as they are.
    """
    found = list(entities)
    if len(found) > _MAX_MENTIONS:
        return found
    given = {entity_key(one) for one in found}
    for _ in range(_MAX_PASSES):
        before = found
        for rule in rules:
            if found:
                found = rule(text, found)
        # A name that grew, or got another type, may overlap one that a rule has not seen.
        found = without_new_overlaps(found, given)
        if found == before:
            break
    return found
