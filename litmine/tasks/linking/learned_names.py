"""What mentions of training documents are linked to: names that no vocabulary has, and how frequent a concept is."""

import json
from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.tasks.linking.words import form


@dataclass(frozen=True, slots=True)
class LearnedMention:
    """A mention of a training document: the document, the type, the name by which it is looked up, its identifier."""

    document: str
    entity_type: str
    name: str
    identifier: str


class LearnedNames:
    """For each type and form of a name, the concepts that it was linked to and in how many documents.

    Counts are of documents, because an article repeats its names.
    """

    def __init__(
        self,
        names: MutableMapping[tuple[str, str], Mapping[str, int]],
        concepts: MutableMapping[str, int],
        shown: Mapping[str, str],
    ) -> None:
        """names: (type, form) -> identifier -> documents. concepts: identifier -> documents. shown: form -> a name."""
        self._names, self._concepts, self._shown = names, concepts, shown

    @classmethod
    def of(cls, mentions: Iterable[LearnedMention], keep: Callable[[str], bool] | None = None) -> "LearnedNames":
        """Count mentions; `keep` decides by the name of the document which of them count."""
        documents: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        of_concept: dict[str, set[str]] = defaultdict(set)
        shown: dict[str, str] = {}
        for one in mentions:
            if keep is None or keep(one.document):
                key = form(one.name)
                documents[one.entity_type, key][one.identifier].add(one.document)
                of_concept[one.identifier].add(one.document)
                shown.setdefault(key, one.name)
        return cls(
            {key: {one: len(found) for one, found in linked.items()} for key, linked in documents.items()},
            {identifier: len(found) for identifier, found in of_concept.items()},
            shown,
        )

    def counts(self, name: str, entity_type: str) -> Mapping[str, int]:
        """In how many documents a name was linked to each concept."""
        return self._names.get((entity_type, form(name)), {})

    def documents_with(self, identifier: str) -> int:
        """In how many documents a concept was mentioned."""
        return self._concepts.get(identifier, 0)

    def names(self, entity_type: str) -> list[tuple[str, str]]:
        """Names of a type with their most frequent concept."""
        return [
            (self._shown[key], max(linked, key=lambda one: (linked[one], one)))
            for (kind, key), linked in self._names.items()
            if kind == entity_type
        ]

    def concepts(self) -> dict[str, tuple[str, list[str]]]:
        """For each concept the type and the names mostly linked to it: the most frequent first, then the longest."""
        found: dict[str, tuple[str, list[tuple[int, int, str]]]] = {}
        for (kind, key), linked in sorted(self._names.items()):
            identifier = max(linked, key=lambda one: (linked[one], one))
            name = self._shown[key]
            found.setdefault(identifier, (kind, []))[1].append((-linked[identifier], -len(name), name))
        return {identifier: (kind, [name for *_, name in sorted(names)]) for identifier, (kind, names) in found.items()}

    def only(self, known: Callable[[str], bool]) -> "LearnedNames":
        """The counts of the concepts that are known."""
        names = {
            key: {one: count for one, count in linked.items() if known(one)} for key, linked in self._names.items()
        }
        concepts = {one: count for one, count in self._concepts.items() if known(one)}
        return LearnedNames({key: linked for key, linked in names.items() if linked}, concepts, self._shown)

    def without(self, mentions: Sequence[LearnedMention]) -> "LearnedNames":
        """The counts without the mentions of one document, for training on that document."""
        names: dict[tuple[str, str], Mapping[str, int]] = {}
        for key, identifier in {((one.entity_type, form(one.name)), one.identifier) for one in mentions}:
            names[key] = _less(names.get(key, self._names.get(key, {})), identifier)
        fewer = {one.identifier: self._concepts.get(one.identifier, 1) - 1 for one in mentions}
        return LearnedNames(ChainMap(names, self._names), ChainMap(fewer, self._concepts), self._shown)

    def save(self, file: Path) -> None:
        """Write JSON lines, a line per name, sorted."""
        lines = [
            json.dumps([kind, self._shown[key], dict(sorted(linked.items()))], ensure_ascii=False)
            for (kind, key), linked in sorted(self._names.items())
        ]
        counts = json.dumps(dict(sorted(self._concepts.items())))
        file.write_text("\n".join([counts, *lines]) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> "LearnedNames":
        """Read what `save` wrote. Raises ModelError when the file is damaged."""
        try:
            first, *lines = file.read_text(encoding="utf-8").splitlines()
            names: dict[tuple[str, str], Mapping[str, int]] = {}
            shown = {}
            for line in lines:
                kind, name, linked = json.loads(line)
                key = form(name)
                names[kind, key] = {str(one): int(count) for one, count in linked.items()}
                shown[key] = name
            return cls(names, {str(one): int(count) for one, count in json.loads(first).items()}, shown)
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"{file} is damaged ({error}); copy or train the linker again") from error


def _less(counts: Mapping[str, int], identifier: str) -> dict[str, int]:
    """The counts with one document less for a concept."""
    fewer = Counter(counts)
    fewer[identifier] -= 1
    return dict(+fewer)
