"""A corpus of documents with relations: read one with its declaration, and count what it has."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.document_files import read_documents
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.relation_declarations import DECLARATIONS, RelationDeclaration
from litmine.errors import CorpusError
from litmine.settings import did_you_mean


@dataclass(frozen=True, slots=True)
class RelationCorpus:
    """The documents of a file or folder, what it declares (None if litmine does not know it), and what was wrong."""

    name: str
    path: Path
    documents: tuple[AnnotatedDocument, ...] = field(repr=False)
    declaration: RelationDeclaration | None
    report: CorpusReport = field(repr=False)


@dataclass(frozen=True, slots=True)
class CorpusCounts:
    """Numbers of documents, of labels of texts and of sentences, and of mentions and relations by type."""

    documents: int
    characters: int
    labelled_sentences: int
    mentions: dict[str, int]
    relations: dict[str, int]
    qualifiers: dict[str, int]
    labels: dict[str, int] = field(default_factory=dict)
    sentence_labels: dict[str, int] = field(default_factory=dict)


def read_relation_corpus(path: Path, corpus: str = "") -> RelationCorpus:
    """Read a file or folder. corpus: the name of the declared corpus that it is of; empty for none of them.

    Raises CorpusError for an unknown name, and as `litmine.corpora.document_files.read_documents`, also if there is no
    document.
    """
    declaration = find_declaration(corpus) if corpus else None
    report = CorpusReport()
    try:
        documents = tuple(read_documents(path, report, declaration))
    except OSError as error:
        raise CorpusError(f"{path} cannot be read as a corpus: {error}") from error
    if not documents:
        raise CorpusError(f"{path} has no document; add one")
    return RelationCorpus(corpus or path.stem, path, documents, declaration, report)


def find_declaration(corpus: str) -> RelationDeclaration:
    """The declaration of a corpus. Raises CorpusError, listing the names, when there is none."""
    if corpus not in DECLARATIONS:
        known = list(DECLARATIONS)
        raise CorpusError(
            f"{corpus!r} is no corpus with relations{did_you_mean(corpus, known)}; use one of {', '.join(known)}"
        )
    return DECLARATIONS[corpus]


def count_documents(documents: Iterable[AnnotatedDocument]) -> CorpusCounts:
    """Count documents and what they have; types in alphabetical order."""
    number = characters = labelled = 0
    mentions: Counter[str] = Counter()
    relations: Counter[str] = Counter()
    qualifiers: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    of_sentences: Counter[str] = Counter()
    for document in documents:
        number += 1
        characters += len(document.text)
        labelled += sum(bool(one.labels) for one in document.sentences)
        mentions.update(one.entity_type for one in document.entities)
        relations.update(one.relation_type for one in document.relations)
        qualifiers.update(said for one in document.relations for said in one.qualifiers)
        labels.update(document.labels)
        of_sentences.update(label for one in document.sentences for label in one.labels)
    ordered = [dict(sorted(counter.items())) for counter in (mentions, relations, qualifiers, labels, of_sentences)]
    return CorpusCounts(number, characters, labelled, *ordered)
