"""Which mentions of a text overlap, and which stay of those that do after the rules have changed mentions."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from litmine.types import Entity

# Start, end and type of an entity.
EntityKey = tuple[int, int, str]


def entity_key(one: Entity) -> EntityKey:
    """What tells entities of one text apart."""
    return one.start_char, one.end_char, one.entity_type


def without_new_overlaps(entities: list[Entity], allowed: AbstractSet[EntityKey]) -> list[Entity]:
    """The entities without those that a longer one of their type overlaps, or one of their length with a greater score.

    Two entities in `allowed` may overlap each other.
    """
    ends: dict[str, int] = {}
    crowded = set()
    for one in entities:
        if one.start_char < ends.get(one.entity_type, 0):
            crowded.add(one.entity_type)
        ends[one.entity_type] = max(one.end_char, ends.get(one.entity_type, 0))
    dropped: set[EntityKey] = set()
    for entity_type in crowded:
        kept: list[Entity] = []
        of_type = [one for one in entities if one.entity_type == entity_type]
        for one in sorted(of_type, key=lambda one: (one.start_char - one.end_char, -one.score, one.start_char)):
            overlapped = [two for two in kept if one.start_char < two.end_char and two.start_char < one.end_char]
            if all(entity_key(one) in allowed and entity_key(two) in allowed for two in overlapped):
                kept.append(one)
            else:
                dropped.add(entity_key(one))
    return [one for one in entities if entity_key(one) not in dropped] if dropped else entities


def ordered(entities: Iterable[Entity]) -> list[Entity]:
    """Sorted by offsets and type; of equal mentions the one with the greatest score."""
    best: dict[EntityKey, Entity] = {}
    for one in entities:
        key = entity_key(one)
        if key not in best or best[key].score < one.score:
            best[key] = one
    return [best[key] for key in sorted(best)]


def covers(one: Entity, entity_type: str, start: int, end: int) -> bool:
    """Whether `one` overlaps a place and excludes another mention there: of the type, or a longer one of any type."""
    if one.start_char >= end or start >= one.end_char:
        return False
    return one.entity_type == entity_type or one.end_char - one.start_char > end - start
