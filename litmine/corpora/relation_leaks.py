"""Remove from a corpus with relations what an evaluation split has too: the article, or the text."""

from collections.abc import Sequence
from dataclasses import replace

from litmine.corpora.corpus import Corpus
from litmine.corpora.decontamination import DuplicatePassage, find_leaks
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.formats import Passage
from litmine.corpora.relation_corpus import RelationCorpus
from litmine.sources.pmids import parse_pmid
from litmine.types import Span


def article_pmid(corpus: RelationCorpus, document: AnnotatedDocument) -> int | None:
    """The PMID of the article that a document is or is from; None where the corpus does not number by PMID."""
    name = document.identifier
    return parse_pmid(name if corpus.declaration is None else corpus.declaration.article_of(name))


def as_passages(corpus: RelationCorpus) -> Corpus:
    """The documents as the passages of mentions that `litmine.corpora.decontamination` compares."""
    passages = tuple(
        Passage(
            document.text,
            tuple(Span(one.start, one.end, one.entity_type) for one in document.entities),
            article_pmid(corpus, document),
        )
        for document in corpus.documents
    )
    types = sorted({one.entity_type for document in corpus.documents for one in document.entities})
    return Corpus(corpus.name, corpus.path, tuple(types), passages, continuous=False)


def without_leaks(
    train: RelationCorpus, evaluation: Sequence[RelationCorpus]
) -> tuple[RelationCorpus, list[DuplicatePassage]]:
    """The corpus without the documents that are in an evaluation split, and what was removed, once for each split.

    Removed are all documents of an article that the split has (`by` is `PMID`), also other sentences of it, and those
    whose text is the same, inside or around, as in `find_leaks`.
    """
    passages = as_passages(train)
    held_out = [as_passages(one) for one in evaluation]
    leaks = {(one.index, one.other): one for one in find_leaks([passages], held_out)}
    for split in held_out:
        articles = {one.pmid for one in split.passages if one.pmid is not None}
        for index, passage in enumerate(passages.passages):
            if passage.pmid in articles:
                other = f"{split.name} dev"
                leaks[index, other] = DuplicatePassage(train.name, index, other, "PMID", passage.text[:80])
    dropped = {index for index, _ in leaks}
    kept = tuple(one for index, one in enumerate(train.documents) if index not in dropped)
    return replace(train, documents=kept), sorted(leaks.values(), key=lambda one: (one.other, one.index))
