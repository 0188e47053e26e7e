"""Make annotated documents of raw ones. What does not hold is dropped, counted, and listed by kind with its place."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from litmine.corpora.documents import (
    AnnotatedDocument,
    AnnotatedEntity,
    AnnotatedRelation,
    RawDocument,
    RawEntity,
    RawRelation,
)
from litmine.corpora.identifiers import identifiers_of
from litmine.corpora.relation_declarations import RelationDeclaration, oriented

LEFT_OUT = "-"
# An interrupted mention counts from its first to its last word if no more code points than these are between its parts.
# Farther apart, other mentions, such as the drug of an effect, would be inside.
MAX_INTERRUPTION = 25


class Finding(StrEnum):
    """What can be wrong in a corpus. Only what NOTES lists is kept; the rest is dropped."""

    OFFSETS = "offsets do not hold"
    REPEATED_MENTION = "mention repeated"
    REPEATED_ID = "id of a mention repeated"
    INTERRUPTED = "mention is interrupted (kept whole, or its longest part if the parts are far apart)"
    RELOCATED = "offsets do not fit the others of the sentence (kept, the words occur once)"
    UNKNOWN_ENTITY_TYPE = "unknown type of a mention"
    UNKNOWN_RELATION_TYPE = "unknown type of a relation"
    MISSING_ENTITY = "relation to a missing entity"
    DROPPED_ENTITY = "relation to a dropped mention"
    OTHER_DOCUMENT = "relation to another document"
    SELF_RELATION = "relation of an entity to itself"
    ARGUMENT_TYPES = "relation between types that the corpus does not declare"
    REPEATED_RELATION = "relation repeated"
    SENTENCE_OFFSETS = "offsets of a sentence do not hold"
    REPEATED_DOCUMENT = "document repeated"
    CONTRADICTION = "sentence is both a positive and a negative example"
    UNREAD = "line or annotation that cannot be read"
    TYPE_LEFT_OUT = "of a type that is left out on purpose"


NOTES = frozenset({Finding.INTERRUPTED, Finding.RELOCATED})


@dataclass(slots=True)
class CorpusReport:
    """What was found wrong: each finding as (kind, place, what), in file order."""

    findings: list[tuple[Finding, str, str]] = field(default_factory=list)

    def add(self, kind: Finding, where: str, what: str) -> None:
        """Record a finding."""
        self.findings.append((kind, where, what[:160]))

    @property
    def counts(self) -> dict[Finding, int]:
        """Number of findings by kind, in the order of `Finding`."""
        counted = Counter(kind for kind, _, _ in self.findings)
        return {kind: counted[kind] for kind in Finding if counted[kind]}

    @property
    def dropped(self) -> int:
        """Number of findings whose subject was dropped as an error."""
        kept = NOTES | {Finding.TYPE_LEFT_OUT}
        return sum(number for kind, number in self.counts.items() if kind not in kept)

    def of(self, kind: Finding) -> list[tuple[str, str]]:
        """Place and description of each finding of one kind."""
        return [(where, what) for found, where, what in self.findings if found is kind]

    def lines(self, examples: int = 3) -> list[str]:
        """The report as lines of text: each kind with its number and its first examples."""
        shown = []
        for kind, number in self.counts.items():
            shown.append(f"{number:,} {kind}")
            shown += [f"  {where}: {what}" for where, what in self.of(kind)[:examples]]
        return shown


def checked_documents(
    documents: Iterable[RawDocument],
    report: CorpusReport,
    declaration: RelationDeclaration | None = None,
    type_map: Mapping[str, str] | None = None,
) -> Iterator[AnnotatedDocument]:
    """The annotated documents of raw ones. What does not hold goes to `report`.

    With a declaration, types are renamed and others are unknown, and each relation has its subject first. Without one,
    all types pass. `type_map` renames entity types first; `-` leaves a type out. A repeated document is dropped.
    """
    seen: set[str] = set()
    for raw in documents:
        if raw.identifier in seen:
            report.add(Finding.REPEATED_DOCUMENT, raw.where, raw.identifier)
        else:
            seen.add(raw.identifier)
            yield check_document(raw, report, declaration, type_map)


def check_document(
    raw: RawDocument,
    report: CorpusReport,
    declaration: RelationDeclaration | None = None,
    type_map: Mapping[str, str] | None = None,
    keep_repeated: bool = False,
) -> AnnotatedDocument:
    """As `checked_documents`, for one document. keep_repeated: whether a mention that is there twice stays twice."""
    for where, why in raw.unread:
        report.add(Finding.UNREAD, where, why)
    entities = _Entities(raw, report, declaration, type_map or {}, keep_repeated)
    relations = _Relations(entities, report, declaration)
    for one in raw.relations:
        relations.add(one)
    sentences = []
    for sentence in raw.sentences:
        if 0 <= sentence.start < sentence.end <= len(raw.text):
            sentences.append(sentence)
        else:
            report.add(Finding.SENTENCE_OFFSETS, raw.where, f"{raw.identifier}: {sentence.start} to {sentence.end}")
    ordered = sorted(entities.kept, key=lambda one: (one.start, one.end))
    return AnnotatedDocument(
        raw.identifier, raw.text, tuple(ordered), tuple(relations.kept), tuple(raw.labels), tuple(sentences)
    )


class _Entities:
    """The mentions of a document that hold, and what an argument of a relation refers to."""

    def __init__(
        self,
        raw: RawDocument,
        report: CorpusReport,
        declaration: RelationDeclaration | None,
        type_map: Mapping[str, str],
        keep_repeated: bool,
    ) -> None:
        self.kept: list[AnnotatedEntity] = []
        # Name of a mention, and the mention that stands for it: of two equal mentions, the first.
        self.by_id: dict[str, AnnotatedEntity] = {}
        self.dropped: dict[str, Finding] = {}
        self._text, self._report, self._declaration, self._types = raw.text, report, declaration, type_map
        self._keep_repeated = keep_repeated
        equal: dict[tuple[object, ...], AnnotatedEntity] = {}
        for one in raw.entities:
            self._add(one, equal)
        self.types_by_identifier: dict[str, set[str]] = {}
        for entity in self.kept:
            for identifier in entity.identifiers:
                self.types_by_identifier.setdefault(identifier, set()).add(entity.entity_type)

    def _add(self, raw: RawEntity, equal: dict[tuple[object, ...], AnnotatedEntity]) -> None:
        entity_type = self._types.get(raw.entity_type, raw.entity_type)
        if self._declaration is not None and entity_type != LEFT_OUT:
            entity_type = self._declared(entity_type)
        start, end = _one_span(raw.spans)
        if (kind := self._fault(raw, entity_type, start, end)) is not None:
            self._drop(raw, kind)
            return
        if len(raw.spans) > 1:
            self._report.add(Finding.INTERRUPTED, raw.where, repr(self._text[start:end]))
        identifiers = identifiers_of(raw.identifier, entity_type)
        entity = AnnotatedEntity(start, end, entity_type, identifiers, raw.entity_id)
        # A mention without an id cannot stand for one that relations name.
        first = equal.setdefault((start, end, entity_type, identifiers, bool(raw.entity_id)), entity)
        if raw.entity_id:
            self.by_id[raw.entity_id] = first
        if first is entity or self._keep_repeated:
            self.kept.append(entity)
        else:
            self._report.add(Finding.REPEATED_MENTION, raw.where, repr(self._text[start:end]))

    def _declared(self, entity_type: str) -> str:
        assert self._declaration is not None
        known = self._declaration.entities
        return known.get(entity_type, entity_type if entity_type in known.values() else "")

    def _fault(self, raw: RawEntity, entity_type: str, start: int, end: int) -> Finding | None:
        parts = raw.spans
        if any(not 0 <= first < last <= len(self._text) for first, last in parts) or start >= end:
            return Finding.OFFSETS
        if raw.written is not None:
            found = [self._text[first:last] for first, last in parts]
            if not found[0].strip() or _folded(" ".join(found)) != _folded(raw.written):
                return Finding.OFFSETS
        if not entity_type:
            return Finding.UNKNOWN_ENTITY_TYPE
        if entity_type == LEFT_OUT:
            return Finding.TYPE_LEFT_OUT
        return Finding.REPEATED_ID if raw.entity_id and raw.entity_id in self.by_id else None

    def _drop(self, raw: RawEntity, kind: Finding) -> None:
        said = raw.spans[0][0], raw.spans[-1][1]
        words = repr(raw.written[:40]) if raw.written is not None else f"{said[0]} to {said[1]}"
        unknown = f"{raw.entity_type} " if kind is Finding.UNKNOWN_ENTITY_TYPE else ""
        self._report.add(kind, raw.where, f"{unknown}{words}")
        if kind is not Finding.REPEATED_ID:
            for name in (raw.entity_id, *identifiers_of(raw.identifier, raw.entity_type)):
                self.dropped.setdefault(name, kind)

    def identifier(self, written: str) -> str | None:
        """The identifier of the document that a relation's argument means; None if no mention has it."""
        for entity_type in {entity.entity_type: None for entity in self.kept}:
            found = identifiers_of(written, entity_type)
            if len(found) == 1 and entity_type in self.types_by_identifier.get(found[0], ()):
                return found[0]
        return None


_ARGUMENT_FAULTS = (Finding.DROPPED_ENTITY, Finding.TYPE_LEFT_OUT, Finding.MISSING_ENTITY)


class _Relations:
    """The relations of a document that hold."""

    def __init__(self, entities: _Entities, report: CorpusReport, declaration: RelationDeclaration | None) -> None:
        self.kept: list[AnnotatedRelation] = []
        self._entities, self._report, self._declaration = entities, report, declaration
        self._seen: set[tuple[str, str, str]] = set()

    def add(self, raw: RawRelation) -> None:
        said = f"{raw.relation_type} {raw.arg1} {raw.arg2}"
        fault = self._checked(raw)
        if isinstance(fault, Finding):
            self._report.add(fault, raw.where, said)
        else:
            self.kept.append(fault)

    def _checked(self, raw: RawRelation) -> AnnotatedRelation | Finding:
        """The relation, or what is wrong with it."""
        if raw.elsewhere:
            return Finding.OTHER_DOCUMENT
        name, pairs, symmetric = self._kind(raw.relation_type)
        if name is None:
            return Finding.UNKNOWN_RELATION_TYPE
        of_identifiers = not (raw.arg1 in self._entities.by_id and raw.arg2 in self._entities.by_id)
        resolved = [self._resolved(one, of_identifiers) for one in (raw.arg1, raw.arg2)]
        faults = [one for one in resolved if isinstance(one, Finding)]
        if faults:
            # An argument that is a mention is at fault only for the other, which is not.
            return min(faults, key=_ARGUMENT_FAULTS.index)
        (first, first_types), (second, second_types) = (one for one in resolved if not isinstance(one, Finding))
        if first == second:
            return Finding.SELF_RELATION
        if pairs is not None:
            forward = any(one in first_types and two in second_types for one, two in pairs)
            if not forward and not any(one in second_types and two in first_types for one, two in pairs):
                return Finding.ARGUMENT_TYPES
            if not forward or (symmetric and not oriented(min(first_types), min(second_types))):
                first, second = second, first
        key = (name, second, first) if symmetric and second < first else (name, first, second)
        if key in self._seen:
            return Finding.REPEATED_RELATION
        self._seen.add(key)
        return AnnotatedRelation(name, first, second, of_identifiers, raw.qualifiers)

    def _kind(self, relation_type: str) -> tuple[str | None, tuple[tuple[str, str], ...] | None, bool]:
        """Name, pairs of types and symmetry of a relation type; the name is None if the corpus does not declare it."""
        if self._declaration is None:
            return relation_type, None, False
        declared = self._declaration.relations
        kind = declared.get(relation_type) or next(
            (one for one in declared.values() if one.name == relation_type), None
        )
        return (kind.name, kind.pairs, kind.symmetric) if kind else (None, None, False)

    def _resolved(self, written: str, of_identifiers: bool) -> tuple[str, set[str]] | Finding:
        """What an argument names, with the types of it."""
        if not of_identifiers:
            entity = self._entities.by_id[written]
            return entity.entity_id, {entity.entity_type}
        identifier = self._entities.identifier(written)
        if identifier is not None:
            return identifier, self._entities.types_by_identifier[identifier]
        dropped = self._entities.dropped
        names = {written, *(one for kind in ("", "Gene", "Species") for one in identifiers_of(written, kind))}
        kinds = [dropped[name] for name in names if name in dropped]
        if not kinds:
            return Finding.MISSING_ENTITY
        return Finding.TYPE_LEFT_OUT if kinds == [Finding.TYPE_LEFT_OUT] else Finding.DROPPED_ENTITY


def _one_span(parts: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Start and end of a mention that may be interrupted: from first to last, unless too much is between its parts."""
    between = sum(max(0, second[0] - first[1]) for first, second in pairwise(parts))
    if between <= MAX_INTERRUPTION:
        return parts[0][0], parts[-1][1]
    return max(parts, key=lambda part: part[1] - part[0])


def _folded(words: str) -> str:
    return " ".join(words.split()).casefold()
