"""Entity types of MeSH records, from their places in the tree."""

from collections.abc import Iterable, Iterator

# The first prefix that a tree number has counts. Places without a type are left out.
_TYPES: tuple[tuple[str, str], ...] = (
    ("A11.251.210", "CellLine"),
    ("A11", "CellType"),
    ("A", "Anatomy"),
    ("B", "Species"),
    ("C", "Disease"),
    ("D", "Chemical"),
    ("F01.145.126", "Disease"),  # behavioral symptoms
    ("F03", "Disease"),  # mental disorders
    ("M01", "Person"),
)
# The classes of supplementary records that NLM publishes: chemicals, protocols, diseases, organisms, and, since 2018,
# populations, and two of anatomy.
_CLASSES = {"1": ("Chemical",), "2": (), "3": ("Disease",), "4": ("Species",), "5": (), "6": ("Anatomy",)}
# Semantic types of the UMLS: of disorders without findings, and of organisms.
_DISORDERS = frozenset({"T019", "T020", "T037", "T046", "T047", "T048", "T049", "T184", "T190", "T191"})
_ORGANISMS = frozenset({*(f"T{number:03}" for number in range(1, 17)), "T194", "T204"})


def types_of_places(tree_numbers: Iterable[str]) -> tuple[str, ...]:
    """The entity types of a descriptor, in the order of its tree numbers; it may have none."""
    return tuple(dict.fromkeys(_types(tree_numbers)))


def types_of_class(number: str) -> tuple[str, ...]:
    """The entity types of a supplementary record of a class (SCRClass)."""
    return _CLASSES.get(number, ())


def types_of_semantics(semantic_types: Iterable[str]) -> tuple[str, ...]:
    """The entity type of a supplementary record whose class is not stated."""
    found = set(semantic_types)
    if found & _DISORDERS:
        return ("Disease",)
    return ("Species",) if found & _ORGANISMS else ("Chemical",)


def _types(tree_numbers: Iterable[str]) -> Iterator[str]:
    for number in tree_numbers:
        for prefix, kind in _TYPES:
            if number.startswith(prefix):
                yield kind
                break
