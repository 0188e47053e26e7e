"""A short form has, in the whole text, the type of the long form that the text defines it by.

"NTG" after "nitroglycerin (NTG)" is a chemical at every place, and "RIHA" after "ribavirin-induced hemolytic anemia
(RIHA)" a disease, whatever the heads say of the letters alone.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from litmine.tasks.ner.overlaps import EntityKey, entity_key
from litmine.tasks.ner.repeated_names import occurrences
from litmine.text.abbreviations import Abbreviation, find_abbreviations
from litmine.types import Entity

# Least score of a long form that decides, and the shortest short form: one letter stands for too much.
_MIN_SCORE, _MIN_CHARS = 0.8, 2
# Each short form is looked for in the whole text, so with more than these it would take seconds; an abstract has few.
_MAX_SHORT_FORMS = 500
# With one of these before it, the last name of a long form is not what the whole stands for: "duration of catatonia".
_PREPOSITION = re.compile(r"\b(?:and|by|for|from|in|of|on|or|to|with)\b", re.IGNORECASE)
# Types that may stand for the same name.
GENE_TYPES = frozenset({"Gene", "Protein", "DNA", "RNA"})


@lru_cache(maxsize=4)
def definitions(text: str) -> tuple[Abbreviation, ...]:
    """The definitions of abbreviations in a text, in order."""
    return tuple(find_abbreviations(text)) if "(" in text or "[" in text else ()


def spread_definitions(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """The entities, in which all places of a defined short form have the type of its long form.

    The type is that of the mention of the long form, or of the mention at its end. A place inside a longer mention
    stays as it is. So does one that has the type already, and one with a type of genes where the long form has another.
    A short form with two definitions that disagree stays as it is. So does a text with more than _MAX_SHORT_FORMS.
    """
    longs = _long_forms(text, entities)
    if not longs or len(longs) > _MAX_SHORT_FORMS:
        return list(entities)
    at: dict[int, list[Entity]] = defaultdict(list)
    for one in entities:
        for char in range(one.start_char, one.end_char):
            at[char].append(one)
    replaced: set[EntityKey] = set()
    added: list[Entity] = []
    for name in sorted(longs, key=len, reverse=True):
        for start in occurrences(text, name, compounds=True):
            span = range(start, start + len(name))
            wanted = Entity(name, longs[name].entity_type, start, span.stop, longs[name].score)
            here = [one for char in span for one in at[char]]
            if not _is_settled(wanted, here):
                replaced |= {entity_key(one) for one in here if (one.start_char, one.end_char) == (start, span.stop)}
                added.append(wanted)
                for char in span:
                    at[char] = [wanted]
    return [one for one in entities if entity_key(one) not in replaced] + added


def _long_forms(text: str, entities: Sequence[Entity]) -> dict[str, Entity]:
    """For each short form, the mention of its long form, or the one at its end: what the short form stands for."""
    ends: dict[int, list[Entity]] = defaultdict(list)
    for one in entities:
        if one.score >= _MIN_SCORE:
            ends[one.end_char].append(one)
    found: dict[str, Entity] = {}
    unclear = set()
    for two in definitions(text):
        name = text[two.short_start : two.short_end]
        if len(name) < _MIN_CHARS:
            continue
        last = [one for one in ends[two.long_end] if one.start_char >= two.long_start]
        whole = [one for one in last if one.start_char == two.long_start]
        chosen = whole or [one for one in last if not _PREPOSITION.search(text[two.long_start : one.start_char])]
        if not chosen:
            continue
        types = {one.entity_type for one in (*chosen, *([found[name]] if name in found else ()))}
        if len(types) > 1 and not types <= GENE_TYPES:
            unclear.add(name)
        found[name] = max(chosen, key=lambda one: one.score)
    return {name: one for name, one in found.items() if name not in unclear}


def _is_settled(wanted: Entity, here: Sequence[Entity]) -> bool:
    """Whether a place keeps the mentions that cover a part of it."""
    length = len(wanted.mention)
    return any(
        one.entity_type == wanted.entity_type
        or one.end_char - one.start_char > length
        or (
            one.end_char - one.start_char == length
            and one.start_char == wanted.start_char
            and {one.entity_type, wanted.entity_type} <= GENE_TYPES
        )
        for one in here
    )
