"""Annotated documents: the one form that every task reads, and the raw form that the readers of formats give.

A reader only splits a file into raw documents; `litmine.corpora.document_checks` makes annotated documents of them and
reports what does not hold.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AnnotatedEntity:
    """A mention: offsets in code points of the text, end exclusive, its type, and the identifiers that it refers to.

    entity_id: its name in the document, such as `T1`; empty if the file gives none.
    """

    start: int
    end: int
    entity_type: str
    identifiers: tuple[str, ...] = ()
    entity_id: str = ""


@dataclass(frozen=True, slots=True)
class AnnotatedRelation:
    """A relation between two mentions (their `entity_id`) or, if `of_identifiers`, between two identifiers.

    qualifiers: what the corpus says of the relation beyond its type, such as `negated`, `speculated` or `novel`.
    """

    relation_type: str
    arg1: str
    arg2: str
    of_identifiers: bool = False
    qualifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnotatedSentence:
    """A sentence that the corpus marks: offsets in code points of the text, end exclusive, and its labels."""

    start: int
    end: int
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnotatedDocument:
    """A document with its mentions, sorted by their offsets, and what else its corpus annotates."""

    identifier: str
    text: str
    entities: tuple[AnnotatedEntity, ...]
    relations: tuple[AnnotatedRelation, ...] = ()
    labels: tuple[str, ...] = ()
    sentences: tuple[AnnotatedSentence, ...] = ()


@dataclass(frozen=True, slots=True)
class RawEntity:
    """A mention as a file has it. spans: (start, end) of each part; several if the mention is interrupted.

    written: the words that the file says are there, None if it does not say. identifier: the column of identifiers.
    where: the place in the file, for the report.
    """

    entity_id: str
    entity_type: str
    spans: tuple[tuple[int, int], ...]
    written: str | None
    identifier: str
    where: str


@dataclass(frozen=True, slots=True)
class RawRelation:
    """A relation as a file has it. elsewhere: whether the file itself shows an argument to be of another document."""

    relation_type: str
    arg1: str
    arg2: str
    where: str
    qualifiers: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(slots=True)
class RawDocument:
    """A document as a file has it, before any check. unread: (place, reason) of each line that could not be read."""

    identifier: str
    text: str
    where: str
    entities: list[RawEntity] = field(default_factory=list)
    relations: list[RawRelation] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    sentences: list[AnnotatedSentence] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
