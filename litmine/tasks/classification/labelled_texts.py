"""Labelled texts as a training and an evaluation read them, from files in any form."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from litmine.corpora.corpus import Corpus
from litmine.corpora.decontamination import find_leaks
from litmine.corpora.document_checks import CorpusReport, check_document
from litmine.corpora.document_files import read_raw_documents
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.formats import Passage
from litmine.corpora.label_declarations import LABEL_DECLARATIONS, LabelDeclaration
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.errors import CorpusError
from litmine.settings import did_you_mean
from litmine.sources.pmids import parse_pmid
from litmine.text.sentences import split_sentences

# More labels than these are a column of something else.
MAX_LABELS = 200
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text of an article. spans: what is labelled, the whole text or its sentences. labels: those of each span."""

    name: str
    article: str
    text: str = field(repr=False)
    spans: tuple[tuple[int, int], ...] = field(repr=False)
    labels: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The labelled texts of a file. corpus: its name, empty if litmine does not know it.

    sentences: whether its sentences are labelled, not its texts. several: whether a span may have any number of labels.
    """

    path: Path
    corpus: str
    sentences: bool
    several: bool
    texts: tuple[LabelledText, ...] = field(repr=False)

    @property
    def labels(self) -> list[str]:
        """The labels of the file, sorted."""
        return sorted({label for one in self.texts for labels in one.labels for label in labels})


def read_labelled(
    path: Path, corpus: str = "", new_labels: Sequence[str] = (), whole: bool = False
) -> tuple[LabelledFile, CorpusReport]:
    """Read a file or folder of labelled texts, and what was wrong with it. Labels lose white space at their ends.

    corpus: the name of the corpus that it is of. new_labels: `NEW=PATTERN`; a label that matches becomes NEW, others
    count as none. whole: whether texts are labelled even where the corpus labels sentences. A text that is there twice
    with the same labels counts once. Raises CorpusError for an unknown corpus, a text that is there twice with other
    labels, a file without labels or with too many, and as `litmine.corpora.document_files.read_documents`.
    """
    declaration = find_label_declaration(path, corpus)
    report = CorpusReport()
    documents: dict[str, AnnotatedDocument] = {}
    contradictions: list[str] = []
    try:
        for raw in read_raw_documents(path, report):
            document = _with_trimmed_labels(check_document(raw, report))
            known = documents.setdefault(raw.identifier, document)
            if known.labels != document.labels:
                contradictions.append(f"{raw.identifier} is {' and '.join(known.labels)} and, in {raw.where},"
                                      f" {' and '.join(document.labels)}")  # fmt: skip
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error}") from error
    if contradictions:
        more = f", and {len(contradictions) - _SHOWN:,} more" if len(contradictions) > _SHOWN else ""
        raise CorpusError(
            f"{path} contradicts itself: {'; '.join(contradictions[:_SHOWN])}{more}; keep one line of each"
        )
    read = [one if declaration is None else declaration.renamed(one) for one in documents.values()]
    sentences = declaration.sentences if declaration else any(one.labels for doc in read for one in doc.sentences)
    sentences = sentences and not whole
    texts = [_labelled_text(one, corpus, sentences, declaration is not None and declaration.sections) for one in read]
    several = bool(new_labels) or (
        declaration.several if declaration else any(len(labels) != 1 for one in texts for labels in one.labels)
    )
    texts = [_with_new_labels(one, new_labels, several) for one in texts]
    found = LabelledFile(path, corpus, sentences, several, tuple(texts))
    _check(found, new_labels)
    return found, report


def find_label_declaration(path: Path, corpus: str) -> LabelDeclaration | None:
    """The declaration of a corpus; None without a name. Raises CorpusError, listing the names, for an unknown one."""
    if corpus and corpus not in LABEL_DECLARATIONS:
        known = list(LABEL_DECLARATIONS)
        raise CorpusError(
            f"{corpus!r} is no corpus with labels{did_you_mean(corpus, known)}; use one of {', '.join(known)}, or name"
            f" {path.name} alone"
        )
    return LABEL_DECLARATIONS.get(corpus)


def without_texts_of(train: LabelledFile, others: Sequence[LabelledFile]) -> LabelledFile:
    """The file without texts whose article or text is in one of the others."""
    if not others:
        return train
    leaks = {one.index for one in find_leaks([_as_passages(train)], [_as_passages(one) for one in others])}
    articles = {text.article for one in others for text in one.texts if parse_pmid(text.article) is not None}
    kept = [one for i, one in enumerate(train.texts) if i not in leaks and one.article not in articles]
    return replace(train, texts=tuple(kept))


def require_distinct(labels: Sequence[str], where: str) -> None:
    """Raise CorpusError for labels that differ in case only, or in the white space between words."""
    known: dict[str, str] = {}
    for label in labels:
        other = known.setdefault(" ".join(label.casefold().split()), label)
        if other != label:
            raise CorpusError(
                f"the labels {other!r} and {label!r} in {where} differ only in case or white space; write them alike"
            )


def _with_trimmed_labels(document: AnnotatedDocument) -> AnnotatedDocument:
    sentences = tuple(replace(one, labels=_trimmed(one.labels)) for one in document.sentences)
    return replace(document, labels=_trimmed(document.labels), sentences=sentences)


def _trimmed(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(trimmed for one in labels if (trimmed := one.strip())))


def _labelled_text(document: AnnotatedDocument, corpus: str, sentences: bool, sections: bool) -> LabelledText:
    declared = DECLARATIONS.get(corpus)
    name = document.identifier
    article = name if declared is None else declared.article_of(name)
    if not sentences:
        return LabelledText(name, article, document.text, ((0, len(document.text)),), (document.labels,))
    marked = [((one.start, one.end), one.labels) for one in document.sentences]
    if sections:
        marked = [
            ((start + first, start + last), labels)
            for (start, end), labels in marked
            for first, last in split_sentences(document.text[start:end])
            if labels
        ]
    return LabelledText(name, article, document.text, tuple(at for at, _ in marked), tuple(of for _, of in marked))


def _with_new_labels(text: LabelledText, new_labels: Sequence[str], several: bool) -> LabelledText:
    """The text with new labels, and without the spans that have none where each has one."""
    labels = list(text.labels)
    if new_labels:
        pairs = [one.partition("=")[::2] for one in new_labels]
        # `*` alone matches a text without labels too.
        labels = [
            tuple(dict.fromkeys(new for new, pattern in pairs if any(fnmatchcase(one, pattern) for one in of or [""])))
            for of in labels
        ]
    kept = [i for i, of in enumerate(labels) if several or of]
    return replace(text, spans=tuple(text.spans[i] for i in kept), labels=tuple(labels[i] for i in kept))


def _check(found: LabelledFile, new_labels: Sequence[str]) -> None:
    """Raise CorpusError for a file that no classifier can learn from or be judged on."""
    labels, path = found.labels, found.path
    require_distinct(labels, str(path))
    if not found.texts:
        raise CorpusError(f"{path} has no text; add one")
    if not labels:
        what = f"no label that matches {', '.join(new_labels)}" if new_labels else "no labels"
        raise CorpusError(f"{path} has {what}; give a file with labelled texts or sentences")
    if len(labels) > MAX_LABELS:
        raise CorpusError(
            f"{path} has {len(labels):,} different labels in {len(found.texts):,} texts, and a scheme has at most"
            f" {MAX_LABELS}; check that the column `label` holds labels"
        )


def _as_passages(file: LabelledFile) -> Corpus:
    passages = tuple(Passage(one.text, (), parse_pmid(one.article)) for one in file.texts)
    return Corpus(file.corpus or file.path.stem, file.path, (), passages, continuous=False)
