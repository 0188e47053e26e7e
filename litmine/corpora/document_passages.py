"""Annotated documents as passages of mentions, to train and judge taggers.

A corpus whose documents are single sentences gives them by article, so that consecutive passages belong together. A
corpus of one folder without splits has a fixed tenth of its articles as its dev split.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from litmine.corpora.document_checks import CorpusReport, Finding
from litmine.corpora.document_files import DOCUMENT_SUFFIXES, json_files, read_documents
from litmine.corpora.document_formats.ade import is_ade_folder
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.formats import Passage
from litmine.corpora.held_out import held_out
from litmine.corpora.registry import registry
from litmine.corpora.relation_declarations import DECLARATIONS, RelationDeclaration
from litmine.sources.pmids import parse_pmid
from litmine.types import Span

_LINE = re.compile(r"line (\d+)")


def is_document_file(path: Path) -> bool:
    """Whether a file or folder holds annotated documents in a form other than PubTator."""
    if path.is_dir():
        return is_ade_folder(path) or bool(json_files(path))
    return path.is_file() and path.name.endswith(DOCUMENT_SUFFIXES)


def divides_by_hash(path: Path, name: str) -> bool:
    """Whether the documents of a corpus that has one file or folder are divided into train and dev by `held_out`.

    A file `dev.*` beside the training file is the dev split, so nothing is divided then.
    """
    if is_ade_folder(path):
        return True
    folder = path if path.is_dir() else path.parent
    return name in registry() and registry()[name].held_out and not any(folder.glob("dev.*"))


def documents_of(path: Path, name: str, split: str) -> Callable[[str], bool]:
    """Whether a document, given its name, is in a split of the corpus `name`; every one is if the split is empty."""
    if not split or not divides_by_hash(path, name):
        return lambda _: True
    entry = registry().get(name)
    is_held_out = held_out if entry is None else entry.is_held_out
    return lambda document: is_held_out(document) == (split == "dev")


def find_sentences(path: Path, name: str) -> RelationDeclaration | None:
    """The declaration of a corpus whose documents are sentences numbered by article; None for any other.

    name: the name of the corpus. The files of ADE are known under any name.
    """
    declaration = DECLARATIONS.get("ADE" if is_ade_folder(path) else name)
    return declaration if declaration is not None and declaration.number_separator else None


def read_document_passages(path: Path, name: str, misplaced: list[int], split: str = "") -> list[Passage]:
    """The documents of a file or folder with their mentions, in file order; single sentences by article.

    name: the name of the corpus. misplaced: gets the line number of each mention that is not at its offsets. split:
    `train` or `dev` of a corpus without splits (`divides_by_hash`); everything if empty. Raises as `read_documents`.
    """
    report = CorpusReport()
    documents: Sequence[AnnotatedDocument] = [one for one in read_documents(path, report) if one.text.strip()]
    misplaced += [int(found[1]) if (found := _LINE.search(where)) else 0 for where, _ in report.of(Finding.OFFSETS)]
    sentences = find_sentences(path, name)
    is_wanted = documents_of(path, name, split)
    if sentences is None:
        return [_passage(one, one.identifier) for one in documents if is_wanted(one.identifier)]
    by_article: dict[str, list[Passage]] = {}
    for document in documents:
        article = sentences.article_of(document.identifier)
        if is_wanted(article):
            by_article.setdefault(article, []).append(_passage(document, article))
    return [passage for passages in by_article.values() for passage in passages]


def _passage(document: AnnotatedDocument, article: str) -> Passage:
    spans = {Span(one.start, one.end, one.entity_type) for one in document.entities}
    ordered = sorted(spans, key=lambda span: (span.start_char, span.end_char, span.entity_type))
    return Passage(document.text, tuple(ordered), parse_pmid(article))
