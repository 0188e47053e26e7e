"""Broader and narrower concepts: MeSH's tree numbers, and the parents that other vocabularies name."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from litmine.errors import VocabularyError


class Hierarchy:
    """The trees of a vocabulary, of which a concept may have several places.

    A tree number such as C14.280.647 is below C14.280. `parents` are identifiers; those that the vocabulary does not
    have are passed over.
    """

    def __init__(
        self,
        tree_numbers: Mapping[int, Sequence[str]],
        parents: Mapping[int, Sequence[str]],
        find: Callable[[str], int | None],
    ) -> None:
        """`tree_numbers` and `parents` of the concepts that have any, by row."""
        self._tree_numbers = tree_numbers
        self._places: dict[str, list[int]] = defaultdict(list)
        for row, numbers in tree_numbers.items():
            for number in numbers:
                self._places[number].append(row)
        self._parents = {row: _known(map(find, names)) for row, names in parents.items()}
        self._children: dict[int, set[int]] | None = None

    def ancestors(self, row: int) -> list[int]:
        """Broader concepts, the nearest first."""
        found: dict[int, None] = {}
        level = [row]
        while level:
            level = [one for one in dict.fromkeys(self._above(level)) if one not in found and one != row]
            found.update(dict.fromkeys(level))
        return list(found)

    def descendants(self, row: int) -> list[int]:
        """Narrower concepts, in the order of rows."""
        found: set[int] = set()
        level = [row]
        while level:
            level = [one for above in level for one in self._below().get(above, ()) if one not in found and one != row]
            found.update(level)
        return sorted(found)

    def _above(self, rows: Sequence[int]) -> list[int]:
        return [
            above
            for row in rows
            for above in (
                *(one for number in self._tree_numbers.get(row, ()) for one in self._nearest(number)),
                *self._parents.get(row, ()),
            )
        ]

    def _nearest(self, number: str) -> Sequence[int]:
        """The concepts at the nearest place above a tree number that has any: a part of the tree may be left out."""
        while number := number.rpartition(".")[0]:
            if number in self._places:
                return self._places[number]
        return ()

    def _below(self) -> dict[int, set[int]]:
        if self._children is None:
            self._children = defaultdict(set)
            for row in {*self._parents, *(one for rows in self._places.values() for one in rows)}:
                for above in self._above([row]):
                    self._children[above].add(row)
        return self._children


def check_acyclic(parents: Mapping[str, Sequence[str]], source: str) -> None:
    """Raise VocabularyError, with the cycle, if a concept is its own ancestor. `parents` by identifier."""
    finished: set[str] = set()
    for start in parents:
        # Depth first, without recursion: the depth of a tree is whatever its file says.
        path: dict[str, list[str]] = {}
        waiting = [start]
        while waiting:
            node = waiting[-1]
            if node in finished:
                waiting.pop()
            elif node not in path:
                path[node] = [one for one in parents.get(node, ()) if one not in finished]
                for above in path[node]:
                    if above in path:
                        nodes = list(path)
                        cycle = [*nodes[nodes.index(above) :], above]
                        raise VocabularyError(f"{source}: the tree is cyclic ({_shown(cycle)}); take a corrected file")
                waiting += path[node]
            else:
                finished.add(node)
                del path[node]
                waiting.pop()


def _shown(cycle: Sequence[str]) -> str:
    shown = cycle if len(cycle) <= 6 else [*cycle[:3], "...", *cycle[-2:]]
    return " is below ".join(shown)


def _known(rows: "map[int | None]") -> tuple[int, ...]:
    return tuple(row for row in rows if row is not None)
