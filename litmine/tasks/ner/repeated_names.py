"""Mark the other occurrences of names that a tagger finds at some of their places in a text."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from litmine.tasks.ner.overlaps import covers, ordered
from litmine.types import Entity

# Least mean score of a name's mentions that makes its other occurrences mentions, and least share of occurrences found.
_MIN_SCORE, _MIN_SHARE = 0.8, 0.5
# Below these, of the greatest score of a name's mentions and of the share, no occurrence is a mention.
_MAX_DROPPED_SCORE, _MAX_DROPPED_SHARE = 0.7, 0.5
# The shortest name that is repeated; shorter words are ambiguous.
_MIN_NAME_CHARS = 3
# For a name that is certain: least score, least share of occurrences found, and the fewest characters.
_MIN_CERTAIN_SCORE, _MIN_CERTAIN_SHARE, _MIN_CERTAIN_CHARS = 0.99, 0.1, 4
# Words for parts of the body stand for other things too.
_NEVER_CERTAIN = "Anatomy"
# Each name is looked for in the whole text, so with more than this it would take seconds.
_MAX_MENTIONS = 2000


def repeat_names(text: str, entities: list[Entity]) -> list[Entity]:
    """Mark the other occurrences of a name that is found with confidence, and at most of its places, in the text.

    A name that is found at few of its places, and without confidence, is no mention anywhere.
    """
    groups: dict[tuple[str, str], list[Entity]] = defaultdict(list)
    for one in entities:
        groups[one.entity_type, one.mention].append(one)
    added: list[Entity] = []
    dropped: set[tuple[str, str]] = set()
    for (entity_type, name), group in groups.items():
        if len(name) < _MIN_NAME_CHARS or text.count(name) <= len(group):
            continue
        free = [
            start
            for start in occurrences(text, name)
            if not any(covers(one, entity_type, start, start + len(name)) for one in entities)
        ]
        score = sum(one.score for one in group) / len(group)
        share = len(group) / (len(group) + len(free))
        if free and score >= _MIN_SCORE and share >= _MIN_SHARE:
            added += [Entity(name, entity_type, start, start + len(name), score) for start in free]
        elif free and max(one.score for one in group) < _MAX_DROPPED_SCORE and share < _MAX_DROPPED_SHARE:
            dropped.add((entity_type, name))
    if dropped:
        entities = [one for one in entities if (one.entity_type, one.mention) not in dropped]
    return ordered([*entities, *added]) if added else entities


def repeat_certain_names(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """Mark the other occurrences of a name that is found with certainty, where no mention of any type is.

    They have the type that the name has most often, but never Anatomy. `repeat_names` needs the name at most of its
    places, but less certainty. A text with more than _MAX_MENTIONS entities keeps them as they are.
    """
    if len(entities) > _MAX_MENTIONS:
        return list(entities)
    places: dict[str, Counter[str]] = defaultdict(Counter)
    best: dict[str, float] = defaultdict(float)
    for one in entities:
        places[one.mention][one.entity_type] += 1
        best[one.mention] = max(best[one.mention], one.score)
    taken = {char for one in entities for char in range(one.start_char, one.end_char)}
    added = []
    for name in sorted(places, key=len, reverse=True):
        if len(name) < _MIN_CERTAIN_CHARS or best[name] < _MIN_CERTAIN_SCORE:
            continue
        entity_type, count = max(places[name].items(), key=lambda one: (one[1], one[0]))
        if entity_type == _NEVER_CERTAIN or text.count(name) <= count:
            continue
        free = [start for start in occurrences(text, name) if taken.isdisjoint(range(start, start + len(name)))]
        if count >= _MIN_CERTAIN_SHARE * (count + len(free)):
            added += [Entity(name, entity_type, start, start + len(name), best[name]) for start in free]
            taken.update(char for start in free for char in range(start, start + len(name)))
    return [*entities, *added]


def occurrences(text: str, name: str, compounds: bool = False) -> list[int]:
    """Where `name` stands in `text` as a whole word, which no letter, digit or hyphen continues.

    compounds: also where a hyphen and a small letter follow, as in "NTG-induced".
    """
    found = []
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        before, after = text[at - 1 : at], text[end : end + 1]
        if compounds and after == "-" and text[end + 1 : end + 2].islower():
            after = ""
        if not any(char.isalnum() or char in "-_" for char in before + after):
            found.append(at)
        at = text.find(name, end)
    return found
